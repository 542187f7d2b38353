#include "plugins/api-rest/held_cursors.h"

#include "core/document/limits.h"

namespace nexadb::rest {
namespace {

// The database drops a cursor that has been idle for kCursorIdleMs; twice that is beyond doubt.
constexpr uint64_t kKeptNs = 2 * static_cast<uint64_t>(kCursorIdleMs) * 1'000'000;

}  // namespace

void HeldCursors::Keep(uint64_t id, uint64_t passed, uint64_t now_ns) {
  std::lock_guard lock(mutex_);
  if (now_ns - swept_ns_ > kKeptNs) {
    std::erase_if(entries_,
                  [&](const auto& entry) { return now_ns - entry.second.kept_ns > kKeptNs; });
    swept_ns_ = now_ns;
  }
  entries_[id] = {passed, now_ns};
}

bool HeldCursors::Claim(uint64_t id, uint64_t passed) {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.passed != passed) return false;
  entries_.erase(found);
  return true;
}

}  // namespace nexadb::rest
