// IndexKeys: which entries a document has in a secondary index. Compiled from an index's key
// pattern once, used for many documents. An entry's key is the index's prefix, the encoded values
// in the pattern's order and directions, and for an index that is not unique the document's key;
// see FORMAT.md.
#pragma once
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "nexadb/bson.h"
#include "plugins/database-document/catalog/entry.h"
#include "plugins/database-document/match/matcher.h"
#include "plugins/database-document/value/path.h"

namespace nexadb::database {

class IndexKeys {
 public:
  IndexKeys() = default;
  static Result<IndexKeys> Compile(uint32_t collection_id, const IndexEntry& index);

  const IndexEntry& index() const { return index_; }
  // Encoded values without prefix and document key, distinct. Empty when the index leaves the
  // document out (sparse, partial). 171 when two paths go through different arrays.
  Result<std::set<std::string>> Of(bson::Document document) const;
  std::string EntryKey(std::string_view values, std::string_view document_key) const;
  std::string UniqueKey(std::string_view values) const { return prefix_ + std::string(values); }
  // {a: value} with the first value of each path, for messages.
  std::string KeyValue(bson::Document document) const;

 private:
  struct Part {
    query::Path path;
    bool descending = false;
  };
  explicit IndexKeys(IndexEntry index) : index_(std::move(index)) {}

  IndexEntry index_;
  std::string prefix_;
  std::vector<Part> parts_;
  std::shared_ptr<const query::Matcher> partial_;
};

// Everything under an index.
std::string IndexPrefix(uint32_t collection_id, uint32_t index_id);

}  // namespace nexadb::database
