// EntryReader: makes of an index's entry the part of its document that a query looks at, so that
// the document need not be read. What it gives has the fields, types and order that the document
// has, at the wanted paths and _id alone: a filter, a sort, a projection that look at no other path
// give of it what they give of the document.
//
// Some entries do not tell enough: of null and what is missing, of decimals, NaN, objects. Their
// documents are to be read. For one query, by one thread. Borrows nothing.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "plugins/database-document/index/entry_types.h"
#include "plugins/database-document/index/index_keys.h"

namespace nexadb::database {

class EntryReader {
 public:
  // Whether entries of the index hold all of these paths: the index knows its types, no document
  // has an array at any of its fields, and each path is one of them, or _id. `arrays` of `index`
  // are those of the query's snapshot.
  static bool Holds(const IndexEntry& index, std::span<const std::string> paths);

  // REQUIRES: Holds.
  EntryReader(const IndexEntry& index, std::span<const std::string> paths);

  // Appends a document. False: nothing was appended, the entry does not tell.
  bool Read(std::string_view key, std::string_view value, std::string* out);

 private:
  struct Part {
    query::Path path;
    query::KeyOrder order = query::KeyOrder::kAscending;
    bool wanted = false;
  };
  struct Piece {
    bson::Type type = bson::Type::kEnd;
    size_t begin = 0, size = 0;  // in values_
  };
  // An object that is being written.
  struct Open {
    const std::string* name;
    size_t begin;
  };

  bool Decode(std::string_view key, std::string_view owner);
  void SortByPlace();
  void Write(size_t part, std::string* out);
  void WriteLeaf(std::string_view name, const Piece& piece, std::string* out) const;
  void CloseDownTo(size_t depth, std::string* out);

  std::vector<Part> parts_;
  size_t decoded_parts_ = 0;  // up to the last that is wanted
  bool wants_id_ = false;

  // Of one entry.
  EntryTypes types_;
  std::string values_;
  Piece id_;
  std::vector<Piece> pieces_;
  std::vector<size_t> by_place_;
  std::vector<Open> open_;
};

}  // namespace nexadb::database
