// Merge: many sources as one, by a binary heap. Forwards: by key, newest entry first. Backwards: by
// key descending, oldest entry first. [serial]
#pragma once
#include <algorithm>
#include <vector>

#include "plugins/storage-lsm/read/row_source.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {

enum class Direction { kForward, kReverse };

template <Direction kDirection>
class Merge {
 public:
  // Takes the sources as they stand.
  void Start(const std::vector<RowSource*>& sources) {
    heap_.clear();
    for (RowSource* source : sources) {
      if (source->valid()) heap_.push_back(source);
    }
    for (size_t i = heap_.size() / 2; i-- > 0;) SiftDown(i);
  }
  bool valid() const { return !heap_.empty(); }
  RowSource& top() const { return *heap_[0]; }
  // The source that stands next behind the top one; null when that is alone.
  const RowSource* Second() const {
    if (heap_.size() < 2) return nullptr;
    return heap_.size() == 2 || Before(*heap_[1], *heap_[2]) ? heap_[1] : heap_[2];
  }
  // Moves on to the next entry.
  Status Step() {
    if constexpr (kDirection == Direction::kForward) {
      return Moved(heap_[0]->Next());
    } else {
      return Moved(heap_[0]->Previous());
    }
  }
  // To be called after the top source was moved by hand.
  Status Moved(Status status) {
    LSM_RETURN_IF_ERROR(std::move(status));
    if (!heap_[0]->valid()) DropTop();
    if (heap_.size() > 1) SiftDown(0);
    return Status::Ok();
  }
  // Takes the top source out of the merge.
  void Retire() {
    DropTop();
    if (heap_.size() > 1) SiftDown(0);
  }

 private:
  static bool Before(const RowSource& a, const RowSource& b) {
    constexpr bool kForwards = kDirection == Direction::kForward;
    if (a.head() != b.head()) return (a.head() < b.head()) == kForwards;
    const int order = a.key().compare(b.key());
    if (order != 0) return (order < 0) == kForwards;
    return (a.sequence() > b.sequence()) == kForwards;
  }
  void DropTop() {
    heap_[0] = heap_.back();
    heap_.pop_back();
  }
  void SiftDown(size_t i) {
    RowSource* moved = heap_[i];
    for (;;) {
      size_t child = i * 2 + 1;
      if (child >= heap_.size()) break;
      if (child + 1 < heap_.size() && Before(*heap_[child + 1], *heap_[child])) ++child;
      if (!Before(*heap_[child], *moved)) break;
      heap_[i] = heap_[child];
      i = child;
    }
    heap_[i] = moved;
  }

  std::vector<RowSource*> heap_;
};

}  // namespace nexadb::lsm
