// Sort patterns: {a: 1, "b.c": -1}. A document's sort key is bytes whose memcmp is the order asked
// for: an array counts as its least element ascending and its greatest descending, an empty one
// sorts below null, a missing field is null. With a collation strings are in its order. Const and
// thread-safe once parsed.
#pragma once
#include <string>
#include <vector>

#include "nexadb/bson.h"
#include "plugins/database-document/value/collation.h"
#include "plugins/database-document/value/path.h"

namespace nexadb::query {

constexpr size_t kSortFieldsMax = 32;

class SortPattern {
 public:
  struct Part {
    Path path;
    bool descending = false;
    CollationPtr collation = {};
  };
  // Values must be 1 or -1. An empty pattern is allowed and makes every key empty.
  static Result<SortPattern> Parse(bson::Document spec, const Collation* collation = nullptr);
  // One more member, behind all others.
  void Append(Part part) { parts_.push_back(std::move(part)); }
  const std::vector<Part>& parts() const noexcept { return parts_; }
  bool empty() const noexcept { return parts_.empty(); }
  // Adds _id by its bytes, in the direction of the last part, unless it is a part: no two documents
  // of a collection have the same place then.
  void BreakTiesById();
  // Appends the document's key. Fails with 2 when two parts go through different arrays.
  Status AppendKey(bson::Document doc, std::string* key) const;
  // The order of two plain values under this pattern's parts.
  int Compare(bson::Document a, bson::Document b) const;

 private:
  std::vector<Part> parts_;
};

}  // namespace nexadb::query
