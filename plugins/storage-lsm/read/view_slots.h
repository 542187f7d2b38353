// ViewSlots: the current read view, handed to any number of threads without one place that all of
// them write to.
//
// Every slot has a lock and a reference count of its own, so threads on different slots share no
// cache line that changes. A lock is held for a pointer's copy only, and nothing waits inside.
// Get is [any]; Set: one caller at a time.
#pragma once
#include <atomic>
#include <memory>
#include <thread>

#include "plugins/storage-lsm/read/read_view.h"
#include "plugins/storage-lsm/util/thread_slot.h"

namespace nexadb::lsm {

class ViewSlots {
 public:
  ReadViewPointer Get() const {
    const Slot& slot = slots_[ThreadSlot(kSlots)];
    Guard guard(slot.busy);
    return slot.view;
  }
  // Changes once the view has: whoever asked for it before knows that Get has a newer one.
  uint64_t Changes() const { return changes_.load(std::memory_order_acquire); }
  void Set(const ReadViewPointer& view) {
    for (Slot& slot : slots_) {
      // Another control block over the same view: its count is this slot's alone.
      auto holder = std::make_shared<const ReadViewPointer>(view);
      ReadViewPointer own(holder, view.get());
      {
        Guard guard(slot.busy);
        slot.view.swap(own);
      }
      // The former view goes here, outside of the lock.
    }
    changes_.fetch_add(1, std::memory_order_release);
  }

 private:
  // Twice the threads that one machine of today keeps busy with reads.
  static constexpr size_t kSlots = 32;
  static constexpr size_t kCacheLineBytes = 64;

  struct alignas(kCacheLineBytes) Slot {
    mutable std::atomic_flag busy;
    ReadViewPointer view;
  };
  class Guard {
   public:
    explicit Guard(std::atomic_flag& busy) : busy_(busy) {
      while (busy_.test_and_set(std::memory_order_acquire)) std::this_thread::yield();
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() { busy_.clear(std::memory_order_release); }

   private:
    std::atomic_flag& busy_;
  };

  Slot slots_[kSlots];
  std::atomic<uint64_t> changes_{0};
};

}  // namespace nexadb::lsm
