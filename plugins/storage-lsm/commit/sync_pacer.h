// SyncPacer: learns from each sync how many batches could have shared it, and says how many the
// next one should wait for, and how long at most.
//
// Writers who wait for a sync come back together once it is done. A sync that starts with the first
// of them leaves the others to the next one, so that every batch pays for two; one that waits for
// as many as there were last time serves them all. Those behind a sync count as well: they came
// while it ran. A lone writer is never made to wait. [serial]
#pragma once
#include <algorithm>
#include <cstdint>

namespace nexadb::lsm {

class SyncPacer {
 public:
  uint64_t expected() const { return static_cast<uint64_t>(batches_ + 0.5); }
  // Waiting for longer than this costs more than the next sync would.
  uint64_t WaitNs() const { return std::min(sync_ns_ / kWaitShare, kWaitNsMax); }

  // A sync for `batches` took `sync_ns`; `behind` more had come when it was done.
  void Note(uint64_t batches, uint64_t behind, uint64_t sync_ns) {
    batches_ += (static_cast<double>(batches + behind) - batches_) / kMemory;
    sync_ns_ = sync_ns_ == 0 ? sync_ns : sync_ns_ - sync_ns_ / kWaitShare + sync_ns / kWaitShare;
  }

 private:
  static constexpr double kMemory = 4;  // syncs that the average remembers
  static constexpr uint64_t kWaitShare = 4;
  static constexpr uint64_t kWaitNsMax = 1'000'000;

  double batches_ = 1;
  uint64_t sync_ns_ = 0;
};

}  // namespace nexadb::lsm
