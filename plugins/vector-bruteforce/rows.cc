#include "plugins/vector-bruteforce/rows.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "core/document/error.h"
#include "plugins/vector-bruteforce/exact.h"

namespace nexadb::bruteforce {
namespace {

// A segment's vectors fill about this much: large enough for a matrix product to run at full
// speed, small enough to be the unit that threads share out.
constexpr uint64_t kSegmentBytes = uint64_t{4} << 20;
constexpr uint64_t kSlotsMin = 64;
constexpr uint64_t kSlotsMax = 16384;
// A map entry with its node and bucket, about.
constexpr uint64_t kMapEntryBytes = 64;

uint32_t SlotsFor(uint32_t dimensions) {
  const uint64_t slots = kSegmentBytes / (sizeof(float) * dimensions);
  return static_cast<uint32_t>(std::clamp(slots, kSlotsMin, kSlotsMax));
}

}  // namespace

Segment::Segment(uint32_t slots, uint32_t dimensions)
    : capacity_(slots),
      dimensions_(dimensions),
      vectors_(new float[size_t{slots} * dimensions]),
      rows_(new uint64_t[slots]),
      norms_(new double[slots]),
      created_(new uint64_t[slots]),
      deleted_(new std::atomic<uint64_t>[slots]) {}

uint32_t Segment::Append(uint64_t row, const float* vector, double norm,
                         uint64_t created) noexcept {
  const uint32_t slot = count_.load(std::memory_order_relaxed);
  std::copy_n(vector, dimensions_, &vectors_[size_t{slot} * dimensions_]);
  rows_[slot] = row;
  norms_[slot] = norm;
  created_[slot] = created;
  deleted_[slot].store(kNever, std::memory_order_relaxed);
  count_.store(slot + 1, std::memory_order_release);
  return slot;
}

void Segment::Delete(uint32_t slot, uint64_t sequence) noexcept {
  deleted_[slot].store(sequence, std::memory_order_relaxed);
  ++deleted_count_;
}

Rows::Rows(uint32_t dimensions, std::shared_ptr<MemoryBudget> budget, uint64_t memory_max)
    : dimensions_(dimensions),
      slots_(SlotsFor(dimensions)),
      budget_(std::move(budget)),
      memory_max_(memory_max) {
  view_.segments = std::make_shared<const SegmentList>();
}

Rows::~Rows() { budget_->used.fetch_sub(MemoryBytes(), std::memory_order_relaxed); }

std::shared_ptr<Segment> Rows::NewSegment() const {
  return std::make_shared<Segment>(slots_, dimensions_);
}

uint64_t Rows::BytesPerVersion() const {
  return uint64_t{dimensions_} * sizeof(float) + 3 * sizeof(uint64_t) + sizeof(double) +
         kMapEntryBytes;
}

View Rows::Take(uint64_t sequence) const {
  std::lock_guard lock(view_lock_);
  return {view_.segments, std::min(sequence, view_.sequence)};
}

void Rows::Publish(std::shared_ptr<const SegmentList> list, uint64_t sequence) {
  std::lock_guard lock(view_lock_);
  view_.segments.swap(list);  // the old list is freed after the lock
  view_.sequence = sequence;
}

Status Rows::Check(uint64_t sequence, Span<const VectorChange> changes) const {
  if (sequence < applied_) {
    return MakeError(ErrorId::kBadRequest, "sequence " + std::to_string(sequence) +
                                               " was applied after " + std::to_string(applied_));
  }
  for (const VectorChange& change : changes) {
    if (change.op == VectorChange::Op::kErase) continue;
    if (change.op != VectorChange::Op::kPut) {
      return MakeError(ErrorId::kBadRequest, "a change is neither a put nor an erase");
    }
    if (change.vector.size() != dimensions_) {
      ErrorDetail detail;
      detail.Int64("expected", dimensions_);
      detail.Int64("got", static_cast<int64_t>(change.vector.size()));
      return MakeError(ErrorId::kVectorDimensionMismatch,
                       "a vector has " + std::to_string(change.vector.size()) +
                           " dimensions, the index has " + std::to_string(dimensions_),
                       detail.Finish());
    }
    for (float v : change.vector) {
      if (!std::isfinite(v)) {
        return MakeError(ErrorId::kInvalidVector, "a vector holds NaN or an infinity");
      }
    }
  }
  return Status::Ok();
}

Status Rows::Reserve(uint64_t versions) {
  const uint64_t bytes = versions * BytesPerVersion();
  const uint64_t mine = MemoryBytes() + bytes;
  if (mine > memory_max_) {
    return LimitError(ErrorId::kVectorMemory, "memory_max of this index",
                      static_cast<int64_t>(memory_max_), static_cast<int64_t>(mine));
  }
  const uint64_t all = budget_->used.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  if (all > budget_->max) {
    budget_->used.fetch_sub(bytes, std::memory_order_relaxed);
    return LimitError(ErrorId::kVectorMemory, "memory_max", static_cast<int64_t>(budget_->max),
                      static_cast<int64_t>(all));
  }
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  return Status::Ok();
}

Status Rows::Apply(uint64_t sequence, Span<const VectorChange> changes) {
  std::lock_guard lock(writer_);
  if (Status s = Check(sequence, changes); !s.ok()) return s;
  uint64_t puts = 0;
  for (const VectorChange& change : changes) puts += change.op == VectorChange::Op::kPut ? 1 : 0;

  // Everything that may fail comes first, so that a commit is applied whole or not at all.
  auto list = std::make_shared<SegmentList>(*view_.segments);
  size_t tail = list->empty() ? 0 : list->size() - 1;
  uint64_t room = list->empty() ? 0 : list->back()->capacity() - list->back()->Count();
  for (; room < puts; room += slots_) list->push_back(NewSegment());
  auto forget_empty_places = [&]() noexcept {
    for (const VectorChange& change : changes) {
      const auto place = live_.find(change.row);
      if (place != live_.end() && place->second.segment == nullptr) live_.erase(place);
    }
  };
  try {
    for (const VectorChange& change : changes) {
      if (change.op == VectorChange::Op::kPut) live_.try_emplace(change.row);
    }
  } catch (...) {
    forget_empty_places();
    throw;
  }
  if (Status s = Reserve(puts); !s.ok()) {
    forget_empty_places();
    return s;
  }
  for (const VectorChange& change : changes) {
    if (change.op == VectorChange::Op::kPut) {
      Put(*list, tail, sequence, change);
    } else {
      Erase(sequence, change.row);
    }
  }
  forget_empty_places();
  applied_ = sequence;
  row_count_.store(live_.size(), std::memory_order_relaxed);
  Publish(std::move(list), sequence);
  return Status::Ok();
}

void Rows::Put(SegmentList& list, size_t& tail, uint64_t sequence, const VectorChange& change) {
  while (list[tail]->Count() == list[tail]->capacity()) ++tail;
  Place& place = live_.find(change.row)->second;
  if (place.segment != nullptr) place.segment->Delete(place.slot, sequence);
  const double norm =
      std::sqrt(Exact().dot(change.vector.data(), change.vector.data(), dimensions_));
  place.slot = list[tail]->Append(change.row, change.vector.data(), norm, sequence);
  place.segment = list[tail].get();
}

void Rows::Erase(uint64_t sequence, uint64_t row) {
  const auto place = live_.find(row);
  if (place == live_.end() || place->second.segment == nullptr) return;
  place->second.segment->Delete(place->second.slot, sequence);
  // The place itself stays until the commit is through: a later put of it must not allocate.
  place->second.segment = nullptr;
}

bool Rows::WorthRewriting(const Segment& segment, uint64_t oldest_sequence) const {
  // A quarter of garbage is worth the copy of the rest. The count tells at once for most.
  const uint32_t count = segment.Count();
  if (uint64_t{segment.deleted_count()} * 4 < count || count == 0) return false;
  uint32_t dead = 0;
  for (uint32_t slot = 0; slot < count; ++slot) {
    dead += segment.Deleted(slot) <= oldest_sequence ? 1 : 0;
  }
  return dead != 0 && uint64_t{dead} * 4 >= count;
}

uint64_t Rows::Rewrite(const Segment& from, uint64_t oldest_sequence, SegmentList& to) {
  uint64_t dropped = 0;
  for (uint32_t slot = 0, count = from.Count(); slot < count; ++slot) {
    const uint64_t deleted = from.Deleted(slot);
    if (deleted <= oldest_sequence) {
      ++dropped;
      continue;
    }
    if (to.empty() || to.back()->Count() == to.back()->capacity()) to.push_back(NewSegment());
    const uint32_t moved =
        to.back()->Append(from.Row(slot), from.Vector(slot), from.Norm(slot), from.Created(slot));
    if (deleted != kNever) to.back()->Delete(moved, deleted);
  }
  return dropped;
}

void Rows::Forget(uint64_t oldest_sequence) {
  std::lock_guard lock(writer_);
  // A version deleted by a commit that is not applied yet does not exist; but nothing above the
  // newest state may be dropped either.
  const uint64_t oldest = std::min(oldest_sequence, applied_);
  SegmentList kept;
  SegmentList fresh;
  uint64_t dropped = 0;
  for (const auto& segment : *view_.segments) {
    if (WorthRewriting(*segment, oldest)) {
      dropped += Rewrite(*segment, oldest, fresh);
    } else {
      kept.push_back(segment);
    }
  }
  if (dropped == 0) return;
  // The last segment is the one that fills: the emptier of the two candidates.
  const bool fresh_last =
      kept.empty() || (!fresh.empty() && fresh.back()->Count() < kept.back()->Count());
  auto list = std::make_shared<SegmentList>(fresh_last ? kept : fresh);
  const SegmentList& rest = fresh_last ? fresh : kept;
  list->insert(list->end(), rest.begin(), rest.end());
  for (const auto& segment : fresh) {
    for (uint32_t slot = 0, count = segment->Count(); slot < count; ++slot) {
      // Live rows have their places already: nothing is allocated here.
      if (segment->Deleted(slot) != kNever) continue;
      live_.find(segment->Row(slot))->second = {segment.get(), slot};
    }
  }
  const uint64_t bytes = dropped * BytesPerVersion();
  bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  budget_->used.fetch_sub(bytes, std::memory_order_relaxed);
  Publish(std::move(list), applied_);
}

}  // namespace nexadb::bruteforce
