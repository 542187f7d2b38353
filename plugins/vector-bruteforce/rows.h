// Rows: the versions of an index's vectors, in segments that readers walk without a lock.
//
// A segment is a fixed number of slots that fill from the front. A slot is written once, before
// the segment's count covers it; afterwards only its `deleted` sequence is ever set. A version is
// visible at sequence S when created <= S < deleted. Readers take a View: the list of segments and
// the last applied sequence, taken together under a lock that is held for two assignments. A commit
// becomes visible as a whole, because a View never reads past its own sequence. Garbage is dropped
// by writing survivors into new segments and swapping the list; old Views keep theirs.
//
// Apply and Forget exclude each other. Take may run at any time.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "nexadb/vector_index.h"

namespace nexadb::bruteforce {

inline constexpr uint64_t kNever = ~uint64_t{0};

// Memory counted over all indexes of a plugin instance.
struct MemoryBudget {
  explicit MemoryBudget(uint64_t max_bytes) : max(max_bytes) {}
  const uint64_t max;
  std::atomic<uint64_t> used{0};
};

class Segment {
 public:
  Segment(uint32_t slots, uint32_t dimensions);
  uint32_t capacity() const { return capacity_; }
  uint32_t Count() const { return count_.load(std::memory_order_acquire); }
  const float* Vector(uint32_t slot) const { return &vectors_[size_t{slot} * dimensions_]; }
  uint64_t Row(uint32_t slot) const { return rows_[slot]; }
  // The Euclidean norm.
  double Norm(uint32_t slot) const { return norms_[slot]; }
  bool VisibleAt(uint32_t slot, uint64_t sequence) const {
    return created_[slot] <= sequence && Deleted(slot) > sequence;
  }
  uint64_t Created(uint32_t slot) const { return created_[slot]; }
  uint64_t Deleted(uint32_t slot) const { return deleted_[slot].load(std::memory_order_relaxed); }

  // By the one writer. REQUIRES: Count() < capacity(). Returns the slot.
  uint32_t Append(uint64_t row, const float* vector, double norm, uint64_t created) noexcept;
  void Delete(uint32_t slot, uint64_t sequence) noexcept;
  // Slots whose version has been deleted at some sequence.
  uint32_t deleted_count() const { return deleted_count_; }

 private:
  const uint32_t capacity_;
  const uint32_t dimensions_;
  std::atomic<uint32_t> count_{0};
  uint32_t deleted_count_ = 0;
  // Left unwritten until a slot is filled, so that a small index touches little memory.
  std::unique_ptr<float[]> vectors_;
  std::unique_ptr<uint64_t[]> rows_;
  std::unique_ptr<double[]> norms_;
  std::unique_ptr<uint64_t[]> created_;
  std::unique_ptr<std::atomic<uint64_t>[]> deleted_;
};

using SegmentList = std::vector<std::shared_ptr<Segment>>;

struct View {
  std::shared_ptr<const SegmentList> segments;
  uint64_t sequence = 0;
};

class Rows {
 public:
  // `memory_max` bounds this index alone, on top of the instance's budget.
  Rows(uint32_t dimensions, std::shared_ptr<MemoryBudget> budget, uint64_t memory_max);
  ~Rows();
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  // As VectorIndex::Apply. Throws std::bad_alloc only, with nothing applied.
  Status Apply(uint64_t sequence, Span<const VectorChange> changes);
  void Forget(uint64_t oldest_sequence);
  // The newest state, but nothing above `sequence`.
  View Take(uint64_t sequence) const;

  uint32_t dimensions() const { return dimensions_; }
  uint64_t RowCount() const { return row_count_.load(std::memory_order_relaxed); }
  uint64_t MemoryBytes() const { return bytes_.load(std::memory_order_relaxed); }
  // What one version of a vector costs.
  uint64_t BytesPerVersion() const;

 private:
  struct Place {
    Segment* segment = nullptr;
    uint32_t slot = 0;
  };
  Status Check(uint64_t sequence, Span<const VectorChange> changes) const;
  Status Reserve(uint64_t versions);
  void Put(SegmentList& list, size_t& tail, uint64_t sequence, const VectorChange& change);
  void Erase(uint64_t sequence, uint64_t row);
  bool WorthRewriting(const Segment& segment, uint64_t oldest_sequence) const;
  uint64_t Rewrite(const Segment& from, uint64_t oldest_sequence, SegmentList& to);
  void Publish(std::shared_ptr<const SegmentList> list, uint64_t sequence);
  std::shared_ptr<Segment> NewSegment() const;

  const uint32_t dimensions_;
  const uint32_t slots_;
  const std::shared_ptr<MemoryBudget> budget_;  // streams keep rows longer than their index
  const uint64_t memory_max_;

  std::mutex writer_;  // Apply and Forget
  std::unordered_map<uint64_t, Place> live_;
  uint64_t applied_ = 0;
  std::atomic<uint64_t> row_count_{0};
  std::atomic<uint64_t> bytes_{0};

  mutable std::mutex view_lock_;
  View view_;
};

}  // namespace nexadb::bruteforce
