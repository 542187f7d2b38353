#include "plugins/database-document/collection/index_keys.h"

#include "core/document/error.h"
#include "plugins/database-document/collection/layout.h"
#include "plugins/database-document/value/key_encoding.h"

namespace nexadb::database {

namespace {

constexpr int32_t kCannotIndexParallelArrays = 171;

// What one path contributes: its values, and whether an array gave them.
struct PathValues {
  std::vector<bson::Value> values;
  bool through_array = false;
  bool present = false;
};

PathValues ValuesOf(bson::Document document, const query::Path& path) {
  PathValues out;
  query::VisitPath(document, path, [&](const bson::Value& value, int64_t position) {
    out.through_array |= position >= 0;
    out.present |= static_cast<bool>(value);
    if (value.type() != bson::Type::kArray) {
      out.values.push_back(value);
      return false;
    }
    out.through_array = true;
    const size_t before = out.values.size();
    for (const bson::Element& e : value.Doc()) out.values.push_back(e.value());
    // An empty array sorts below null: the encoding of undefined.
    if (out.values.size() == before) {
      out.values.push_back(bson::Value(bson::Type::kUndefined, nullptr, 0));
    }
    return false;
  });
  if (out.values.empty()) out.values.push_back(bson::Value());
  return out;
}

}  // namespace

std::string IndexPrefix(uint32_t collection_id, uint32_t index_id) {
  std::string prefix = SpacePrefix(collection_id, Space::kIndex);
  AppendBigEndian32(index_id, &prefix);
  return prefix;
}

Result<IndexKeys> IndexKeys::Compile(uint32_t collection_id, const IndexEntry& index) {
  IndexKeys keys(index);
  keys.prefix_ = IndexPrefix(collection_id, index.id);
  const bson::Document spec(AsBytes(keys.index_.spec));
  for (const bson::Element& e : keys.index_.key()) {
    const bson::Value& v = e.value();
    const bool descending = (v.type() == bson::Type::kInt32 && v.Int32() < 0) ||
                            (v.type() == bson::Type::kInt64 && v.Int64() < 0) ||
                            (v.type() == bson::Type::kDouble && v.Double() < 0);
    keys.parts_.push_back({query::Path(e.name()), descending});
  }
  const bson::Element partial = spec["partialFilterExpression"];
  if (partial.type() == bson::Type::kObject) {
    auto matcher = query::Matcher::Parse(partial.value().Doc(), {});
    if (!matcher.ok()) return matcher.status();
    keys.partial_ = std::move(*matcher);
  }
  return keys;
}

Result<std::set<std::string>> IndexKeys::Of(bson::Document document) const {
  std::set<std::string> keys;
  if (partial_ != nullptr) {
    auto matches = partial_->Matches(document);
    if (!matches.ok()) return matches.status();
    if (!*matches) return keys;
  }
  keys.insert("");
  const Part* array_part = nullptr;
  bool any_present = false;
  for (const Part& part : parts_) {
    const PathValues found = ValuesOf(document, part.path);
    any_present |= found.present;
    if (found.through_array) {
      if (array_part != nullptr && array_part->path[0].name != part.path[0].name) {
        return MongoError(kCannotIndexParallelArrays, "cannot index parallel arrays [" +
                                                          part.path.text() + "] [" +
                                                          array_part->path.text() + "]");
      }
      array_part = &part;
    }
    std::set<std::string> longer;
    for (const std::string& key : keys) {
      for (const bson::Value& value : found.values) {
        std::string next = key;
        query::AppendKey(
            value, part.descending ? query::KeyOrder::kDescending : query::KeyOrder::kAscending,
            &next);
        longer.insert(std::move(next));
      }
    }
    keys = std::move(longer);
  }
  if (index_.sparse && !any_present) keys.clear();
  return keys;
}

std::string IndexKeys::EntryKey(std::string_view values, std::string_view document_key) const {
  std::string key = prefix_;
  key.append(values);
  if (!index_.unique) key.append(document_key);
  return key;
}

std::string IndexKeys::KeyValue(bson::Document document) const {
  bson::Builder out;
  for (const Part& part : parts_) {
    const PathValues found = ValuesOf(document, part.path);
    if (found.values.front() && found.values.front().type() != bson::Type::kUndefined) {
      out.Value(part.path.text(), found.values.front());
    } else {
      out.Null(part.path.text());
    }
  }
  return out.Finish();
}

}  // namespace nexadb::database
