#include "plugins/database-document/index/index_keys.h"

#include "core/document/error.h"
#include "plugins/database-document/collection/layout.h"
#include "plugins/database-document/index/entry_builder.h"
#include "plugins/database-document/index/entry_types.h"
#include "plugins/database-document/index/wildcard.h"
#include "plugins/database-document/value/key_encoding.h"

namespace nexadb::database {

namespace {
constexpr int32_t kKeyTooLong = 17280;
}  // namespace

std::string IndexPrefix(uint32_t collection_id, uint32_t index_id) {
  std::string prefix = SpacePrefix(collection_id, Space::kIndex);
  AppendBigEndian32(index_id, &prefix);
  return prefix;
}

std::vector<IndexPart> PartsOf(const IndexEntry& index) {
  std::vector<IndexPart> parts;
  for (const bson::Element& e : index.key()) {
    const bson::Value& v = e.value();
    const bool descending = (v.type() == bson::Type::kInt32 && v.Int32() < 0) ||
                            (v.type() == bson::Type::kInt64 && v.Int64() < 0) ||
                            (v.type() == bson::Type::kDouble && v.Double() < 0);
    parts.push_back({query::Path(e.name()), descending});
  }
  return parts;
}

Result<IndexKeys> IndexKeys::Compile(uint32_t collection_id, const IndexEntry& index) {
  IndexKeys keys(index);
  keys.prefix_ = IndexPrefix(collection_id, index.id);
  keys.parts_ = PartsOf(keys.index_);
  keys.inverts_document_key_ = keys.parts_.back().descending;
  if (auto wildcard = Wildcard::Of(keys.index_)) {
    keys.wildcard_ = std::make_shared<const Wildcard>(std::move(*wildcard));
  }
  const bson::Document spec(AsBytes(keys.index_.spec));
  const bson::Element partial = spec["partialFilterExpression"];
  if (partial.type() == bson::Type::kObject) {
    query::ParseOptions options;
    options.collation = index.collation;
    auto matcher = query::Matcher::Parse(partial.value().Doc(), options);
    if (!matcher.ok()) return matcher.status();
    keys.partial_ = std::move(*matcher);
  }
  return keys;
}

Result<DocumentEntries> IndexKeys::Of(bson::Document document, Stored stored) const {
  if (partial_ != nullptr) {
    auto matches = partial_->Matches(document);
    if (!matches.ok()) return matches.status();
    if (!*matches) return DocumentEntries();
  }
  const EntryLimits limits =
      stored == Stored::kYes ? EntryLimits() : EntryLimits{kEntriesMax, kEntriesBytesMax};
  if (wildcard_ != nullptr) return WithWildcard(document, limits);
  EntryBuilder builder(parts_, index_.collation.get(), limits);
  if (index_.types) builder.TellTypes();
  if (Status status = builder.Build(document); !status.ok()) return status;
  if (index_.sparse && !builder.any_present()) return DocumentEntries();
  return builder.Take();
}

// The parts before the wildcard and those behind it are each on their own, whatever arrays they
// share: more entries than there need be, and none missing.
Result<DocumentEntries> IndexKeys::WithWildcard(bson::Document document,
                                                const EntryLimits& limits) const {
  const query::Collation* collation = index_.collation.get();
  DocumentEntries found;
  found.arrays.resize(parts_.size());
  Status status = wildcard_->Collect(document, collation, limits, &found);
  if (!status.ok()) return status;
  if (parts_.size() == 1) return found;
  const std::span<const IndexPart> parts(parts_);
  const size_t behind = wildcard_->part() + 1;
  EntryBuilder first(parts.first(wildcard_->part()), collation, limits);
  EntryBuilder last(parts.subspan(behind), collation, limits);
  if (status = first.Build(document); !status.ok()) return status;
  if (status = last.Build(document); !status.ok()) return status;
  DocumentEntries before = first.Take(), after = last.Take(), out;
  out.arrays = found.arrays;
  const auto& masks = after.arrays.bits();
  std::copy(before.arrays.bits().begin(), before.arrays.bits().end(), out.arrays.bits().begin());
  std::copy(masks.rbegin(), masks.rend(), out.arrays.bits().rbegin());
  for (const std::string& a : before.values) {
    for (const std::string& b : found.values) {
      for (const std::string& c : after.values) {
        out.bytes += a.size() + b.size() + c.size();
        out.values.insert(a + b + c);
        if (status = limits.Check(out); !status.ok()) return status;
      }
    }
  }
  return out;
}

Result<IndexKeys::Single> IndexKeys::AppendSingle(bson::Document document,
                                                  std::string_view document_key, std::string* out,
                                                  std::string* types) const {
  types->clear();
  if (wildcard_ != nullptr) return Single::kSeveral;
  if (partial_ != nullptr) {
    auto matches = partial_->Matches(document);
    if (!matches.ok()) return matches.status();
    if (!*matches) return Single::kNone;
  }
  const size_t begin = out->size();
  out->append(prefix_);
  bool any_present = false;
  EntryTypes told;
  for (const IndexPart& part : parts_) {
    bson::Value value = document.AsValue(bson::Type::kObject);
    size_t at = 0;
    for (; at < part.path.size() && value.type() == bson::Type::kObject; ++at) {
      value = value.Doc()[part.path[at].name].value();
    }
    if (value.type() == bson::Type::kArray) {
      out->resize(begin);
      return Single::kSeveral;
    }
    if (at < part.path.size()) value = bson::Value();
    any_present |= static_cast<bool>(value);
    if (index_.types) told.Add(value);
    query::AppendKey(value,
                     part.descending ? query::KeyOrder::kDescending : query::KeyOrder::kAscending,
                     index_.collation.get(), out);
  }
  if (index_.sparse && !any_present) {
    out->resize(begin);
    return Single::kNone;
  }
  if (index_.types) told.AppendTo(document, types);
  AppendOwner(document_key, out);
  if (Status status = CheckLength(out->size() - begin); !status.ok()) return status;
  return Single::kAppended;
}

void IndexKeys::AppendOwner(std::string_view document_key, std::string* key) const {
  if (index_.unique) return;
  if (!inverts_document_key_) {
    key->append(document_key);
    return;
  }
  for (const char c : document_key) key->push_back(static_cast<char>(~c));
}

std::string IndexKeys::EntryKey(std::string_view values, std::string_view document_key) const {
  std::string key = prefix_;
  key.append(values);
  AppendOwner(document_key, &key);
  return key;
}

Status IndexKeys::CheckLength(size_t key_bytes) const {
  if (key_bytes <= kStorageKeyBytesMax) return {};
  return MongoError(kKeyTooLong, "index '" + index_.name +
                                     "' cannot hold the document: its key has " +
                                     std::to_string(key_bytes) + " bytes, at most " +
                                     std::to_string(kStorageKeyBytesMax) +
                                     " are possible; shorten the value or drop the index");
}

Result<std::string> IndexKeys::NewEntryKey(std::string_view values,
                                           std::string_view document_key) const {
  std::string key = EntryKey(values, document_key);
  if (Status status = CheckLength(key.size()); !status.ok()) return status;
  return key;
}

std::string IndexKeys::KeyValue(bson::Document document) const {
  bson::Builder out;
  for (const IndexPart& part : parts_) {
    bson::Value first;
    query::VisitPath(document, part.path, [&](const bson::Value& value, int64_t) {
      first = value;
      if (value.type() == bson::Type::kArray) {
        const bson::Element element = *value.Doc().begin();
        first = element ? element.value() : bson::Value();
      }
      return true;
    });
    if (first && first.type() != bson::Type::kUndefined) {
      out.Value(part.path.text(), first);
    } else {
      out.Null(part.path.text());
    }
  }
  return out.Finish();
}

}  // namespace nexadb::database
