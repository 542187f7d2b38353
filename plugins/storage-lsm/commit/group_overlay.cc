#include "plugins/storage-lsm/commit/group_overlay.h"

#include <algorithm>

namespace nexadb::lsm {

void GroupOverlay::Apply(const Entry& entry) {
  if (entry.kind == Kind::kDeleteRange) {
    for (auto at = keys_.lower_bound(entry.key);
         at != keys_.end() && BeforeEnd(at->first, entry.value); ++at) {
      at->second = {std::nullopt, false};
    }
    deleted_.push_back({entry.key, entry.value});
    return;
  }
  // Large batches mostly come in the order of their keys: then no place is searched for.
  Pending& pending = keys_.try_emplace(keys_.end(), entry.key)->second;
  pending.sums_only = pending.sums_only && entry.kind == Kind::kSum;
  pending.value.reset();
  if (HasValue(entry.kind)) pending.value = entry.value;
}

bool GroupOverlay::InDeletedRange(std::string_view key) const {
  return std::any_of(deleted_.begin(), deleted_.end(),
                     [&](const Range& r) { return key >= r.begin && BeforeEnd(key, r.end); });
}

GroupOverlay::Lookup GroupOverlay::Find(std::string_view key) const {
  if (auto at = keys_.find(key); at != keys_.end()) return {true, at->second.value};
  return {InDeletedRange(key), std::nullopt};
}

bool GroupOverlay::Touched(std::string_view key, bool adds_only) const {
  if (InDeletedRange(key)) return true;
  auto at = keys_.find(key);
  return at != keys_.end() && !(adds_only && at->second.sums_only);
}

bool GroupOverlay::RangeTouched(std::string_view begin, std::string_view end) const {
  auto at = keys_.lower_bound(begin);
  if (at != keys_.end() && BeforeEnd(at->first, end)) return true;
  return std::any_of(deleted_.begin(), deleted_.end(),
                     [&](const Range& r) { return RangesOverlap(r.begin, r.end, begin, end); });
}

}  // namespace nexadb::lsm
