#include "plugins/database-document/index/index_keys.h"

#include "core/document/error.h"
#include "plugins/database-document/collection/layout.h"
#include "plugins/database-document/index/entry_builder.h"

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
  EntryBuilder builder(parts_, index_.collation.get(), limits);
  if (Status status = builder.Build(document); !status.ok()) return status;
  if (index_.sparse && !builder.any_present()) return DocumentEntries();
  return builder.Take();
}

std::string IndexKeys::EntryKey(std::string_view values, std::string_view document_key) const {
  std::string key = prefix_;
  key.append(values);
  if (index_.unique) return key;
  if (!inverts_document_key_) return key.append(document_key);
  for (const char c : document_key) key.push_back(static_cast<char>(~c));
  return key;
}

Result<std::string> IndexKeys::NewEntryKey(std::string_view values,
                                           std::string_view document_key) const {
  std::string key = EntryKey(values, document_key);
  if (key.size() <= kStorageKeyBytesMax) return key;
  return MongoError(kKeyTooLong, "index '" + index_.name +
                                     "' cannot hold the document: its key has " +
                                     std::to_string(key.size()) + " bytes, at most " +
                                     std::to_string(kStorageKeyBytesMax) +
                                     " are possible; shorten the value or drop the index");
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
