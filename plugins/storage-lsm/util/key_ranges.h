// KeyRanges: a set of keys given as ranges; touching and overlapping ones melt together. [serial]
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "plugins/storage-lsm/format/key.h"

namespace nexadb::lsm {

class KeyRanges {
 public:
  void Add(std::string_view begin, std::string_view end) {
    if (RangeEmpty(begin, end)) return;
    std::string low(begin);
    std::string high(end);
    auto at = ranges_.upper_bound(low);
    if (at != ranges_.begin()) {
      auto before = std::prev(at);
      if (before->second.empty() || before->second >= low) {
        low = before->first;
        high = LaterEnd(high, before->second);
        at = ranges_.erase(before);
      }
    }
    while (at != ranges_.end() && (high.empty() || at->first <= high)) {
      high = std::string(LaterEnd(high, at->second));
      at = ranges_.erase(at);
    }
    ranges_.emplace(std::move(low), std::move(high));
  }
  bool Contains(std::string_view key) const {
    auto at = ranges_.upper_bound(key);
    return at != ranges_.begin() && BeforeEnd(key, std::prev(at)->second);
  }
  void Clear() { ranges_.clear(); }
  bool empty() const { return ranges_.empty(); }
  size_t size() const { return ranges_.size(); }
  auto begin() const { return ranges_.begin(); }
  auto end() const { return ranges_.end(); }

 private:
  std::map<std::string, std::string, std::less<>> ranges_;  // begin to end; disjoint
};

}  // namespace nexadb::lsm
