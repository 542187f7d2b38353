// Overlay: what a transaction has written so far, laid over its snapshot.
//
// Values are resolved when they are written: an add holds the sum over the snapshot, a stamped hole
// holds zeros. A delete-range hides what lies under it, while later writes stand above it. [serial]
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexadb/storage_engine.h"
#include "plugins/storage-memory/version_map.h"

namespace nexadb::memory {

class Overlay {
 public:
  struct Entry {
    Buffer value;
    bool exists = false;
  };
  using Map = std::map<std::string, Entry, std::less<>>;

  // REQUIRES: CheckMutation(mutation).ok(). `under` is what the snapshot holds at the key, or null.
  // Fails, changing nothing, when an add meets a value that is no counter.
  Status Apply(const Mutation& mutation, const Version* under);

  const Map& map() const noexcept { return map_; }
  // True when a delete-range hides the snapshot's row.
  bool Hides(std::string_view key) const;
  bool empty() const noexcept { return map_.empty() && hidden_.empty(); }

 private:
  Status ApplyAdd(const Mutation& mutation, const Version* under);

  Map map_;
  std::vector<std::pair<std::string, std::string>> hidden_;
};

}  // namespace nexadb::memory
