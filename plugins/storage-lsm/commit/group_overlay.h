// GroupOverlay: what the members of a commit group have written that no memtable holds yet. Later
// members are validated against it, and their adds build on it. Views live as long as the group.
// [serial]
#pragma once
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "plugins/storage-lsm/log/batch_record.h"

namespace nexadb::lsm {

class GroupOverlay {
 public:
  void Apply(const Entry& entry);

  struct Lookup {
    bool decided = false;                   // the group has written or deleted the key
    std::optional<std::string_view> value;  // none: deleted
  };
  Lookup Find(std::string_view key) const;
  // Whether the group has written the key; with `adds_only`, other than by adding.
  bool Touched(std::string_view key, bool adds_only) const;
  bool RangeTouched(std::string_view begin, std::string_view end) const;

 private:
  struct Pending {
    std::optional<std::string_view> value;
    bool sums_only = true;
  };
  struct Range {
    std::string_view begin;
    std::string_view end;
  };
  bool InDeletedRange(std::string_view key) const;

  std::map<std::string_view, Pending> keys_;
  std::vector<Range> deleted_;
};

}  // namespace nexadb::lsm
