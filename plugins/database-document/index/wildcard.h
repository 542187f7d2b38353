// Wildcard: the part {"$**": 1} or {"a.$**": 1} of an index's key. It stands for every path below
// its root that the index's wildcardProjection lets through (_id only where that names it). A
// document has an entry for each path at which it has a value: the path, whether arrays were on the
// way, and the value. Objects are entered and have no entry themselves, unless they are empty; what
// is missing has none. So an index has what a condition wants only where null and objects are no
// part of it. Immutable.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/database-document/index/entry_builder.h"
#include "plugins/database-document/index/key_intervals.h"

namespace nexadb::database {

class Wildcard {
 public:
  // Whether a member of a key pattern is one.
  static bool Is(std::string_view key_part);
  // None where the index's key has no such part.
  static std::optional<Wildcard> Of(const IndexEntry& index);

  size_t part() const { return part_; }  // its place in the key
  // Whether the entries hold every value at the path. Names that are numbers may be positions of
  // arrays, of which entries say nothing.
  bool Covers(const query::Path& path) const;
  // Whether whatever has one of the values at a path has an entry for it.
  static bool Holds(const KeyIntervals& values);

  enum class Through : char { kObjects = 1, kArrays = 2 };
  // What an entry begins with, before the value.
  static std::string EntryPrefix(std::string_view path, Through through);
  // Adds a document's entries to `out`, for which `part` is that of the key. 201 beyond the limits.
  Status Collect(bson::Document document, const query::Collation* collation, EntryLimits limits,
                 DocumentEntries* out) const;

 private:
  class Walk;
  void TakeProjection(bson::Document projection);
  bool CoversText(std::string_view path) const;
  bool MayHold(std::string_view path) const;

  size_t part_ = 0;
  std::vector<std::string> included_;  // paths; none: all
  std::vector<std::string> excluded_;
};

}  // namespace nexadb::database
