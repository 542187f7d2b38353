// IndexKeys: which entries a document has in a secondary index. Compiled from an index's key
// pattern once, used for many documents. An entry's key is the index's prefix, the encoded values
// in the pattern's order and directions, and for an index that is not unique the document's key,
// inverted where the last part is descending, so that a scan one way or the other breaks ties by
// _id in the direction of its last part; see FORMAT.md.
//
// An array has an entry for each of its elements, and parts that go through the same array take
// their values from the same element. Every value that a filter sees at a path (value/path.h) is
// in some entry; what is missing is null, an empty array is undefined. A wildcard
// (index/wildcard.h) is combined with the other parts, each of its entries with each of theirs.
// Strings are there by the sort keys of the index's collation, where it has one.
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

struct IndexPart {
  query::Path path;
  bool descending = false;
};
// An index's key pattern, taken apart.
std::vector<IndexPart> PartsOf(const IndexEntry& index);

// What one document has in an index.
struct DocumentEntries {
  std::set<std::string> values;  // encoded, without prefix and document key
  size_t bytes = 0;              // of the values
  // Of an index that says so: what stands before the document's key in each entry's value. Nothing
  // where there are arrays: nobody looks at the types of such an index.
  std::string types;
  ArrayMasks arrays;  // where the paths met arrays
};

class Wildcard;
struct EntryLimits;

class IndexKeys {
 public:
  // Entries of one document in one index, as in MongoDB, and their bytes: what bounds the memory of
  // a write and of a build.
  static constexpr size_t kEntriesMax = 100'000;
  static constexpr size_t kEntriesBytesMax = size_t{64} << 20;

  IndexKeys() = default;
  static Result<IndexKeys> Compile(uint32_t collection_id, const IndexEntry& index);

  const IndexEntry& index() const { return index_; }
  // No values when the index leaves the document out (sparse, partial). 171 when two paths go
  // through different arrays. 201 when a new document has more entries than the limits above.
  enum class Stored { kNo, kYes };  // whether the document stands in the index already
  Result<DocumentEntries> Of(bson::Document document, Stored stored) const;
  std::string EntryKey(std::string_view values, std::string_view document_key) const;
  // The same for an entry that is to be written. 17280 when no store takes a key so long: a value
  // that cannot be indexed whole is refused, for an index must not lack a document.
  Result<std::string> NewEntryKey(std::string_view values, std::string_view document_key) const;
  // Most documents have one entry and no array: appends its whole key to `out` without more ado.
  // kSeveral: nothing was appended, Of() has to be asked. 17280 as above. `types` are set.
  enum class Single { kAppended, kNone, kSeveral };
  Result<Single> AppendSingle(bson::Document document, std::string_view document_key,
                              std::string* out, std::string* types) const;
  std::string UniqueKey(std::string_view values) const { return prefix_ + std::string(values); }
  // {a: value} with the first value of each path, for messages.
  std::string KeyValue(bson::Document document) const;

 private:
  explicit IndexKeys(IndexEntry index) : index_(std::move(index)) {}
  // Appends what follows the values in a key.
  void AppendOwner(std::string_view document_key, std::string* key) const;
  Status CheckLength(size_t key_bytes) const;
  Result<DocumentEntries> WithWildcard(bson::Document document, const EntryLimits& limits) const;

  IndexEntry index_;
  std::string prefix_;
  std::vector<IndexPart> parts_;
  bool inverts_document_key_ = false;
  std::shared_ptr<const query::Matcher> partial_;
  std::shared_ptr<const Wildcard> wildcard_;  // null: the key has none
};

// Of a key before its values: the collection's id and space, and the index's id.
constexpr size_t kIndexPrefixBytes = sizeof(uint32_t) + 1 + sizeof(uint32_t);
// Everything under an index.
std::string IndexPrefix(uint32_t collection_id, uint32_t index_id);

}  // namespace nexadb::database
