// EntryBuilder: the encoded entries of one document in one index. Walks the paths of all parts at
// once, and at an array goes on once for each element, so that parts which share an array stay
// together. For one document; borrows it and the parts.
#pragma once
#include <span>

#include "plugins/database-document/index/index_keys.h"

namespace nexadb::database {

struct EntryLimits {
  size_t entries_max = SIZE_MAX;
  size_t bytes_max = SIZE_MAX;
  // 201 beyond them.
  Status Check(const DocumentEntries& entries) const {
    return Check(entries.values.size(), entries.bytes);
  }
  Status Check(size_t entries, size_t bytes) const;
};

class EntryBuilder {
 public:
  EntryBuilder(std::span<const IndexPart> parts, const query::Collation* collation,
               EntryLimits limits)
      : parts_(parts), collation_(collation), limits_(limits) {
    out_.arrays.resize(parts.size());
  }

  // Says of a document without arrays what the key of its entry does not.
  void TellTypes() { tells_types_ = true; }
  // 171 when two parts go through different arrays, 201 beyond the limits.
  Status Build(bson::Document document);
  // Whether any part found something, null and empty arrays included.
  bool any_present() const { return any_present_; }
  DocumentEntries Take() { return std::move(out_); }

 private:
  // How far one part has come.
  struct Walk {
    bson::Value value;  // what its first `at` components lead to
    size_t at = 0;
    bool done = false;  // `value` is the part's
  };

  Status Expand(std::vector<Walk> walks);
  Status ExpandArray(const std::vector<Walk>& walks, const std::vector<size_t>& waiting);
  void Advance(size_t part, Walk& walk);
  bool TakesPosition(const std::vector<Walk>& walks, const std::vector<size_t>& waiting) const;
  Status Combine();
  Status Emit(const std::vector<Walk>& walks);
  // Adds a key to `keys`, whose bytes it counts.
  Status Insert(std::string key, std::set<std::string>* keys);

  std::span<const IndexPart> parts_;
  const query::Collation* collation_;
  const EntryLimits limits_;
  bson::Document document_;
  DocumentEntries out_;
  bool any_present_ = false;
  bool combined_ = false;
  bool tells_types_ = false;
};

}  // namespace nexadb::database
