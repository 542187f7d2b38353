// Pinned: memory that Buffers handed to callers may keep alive (a cached block, a memtable).
// Ref: an owner inside the engine. Both count in the same word, so that a Get can answer with a
// Buffer into the block itself: no copy, no allocation.
#pragma once
#include <utility>

#include "nexadb/abi.h"

namespace nexadb::lsm {

// Base of T, which deletes itself when the last reference goes, on whichever thread drops it.
// Starts with one reference, which the first Ref adopts.
template <class T>
class Pinned : public Buffer::Rep {
 public:
  Pinned() noexcept
      : Buffer::Rep{1, 0, [](Buffer::Rep* rep) noexcept { delete static_cast<T*>(rep); }} {}
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

  void AddRef() noexcept { refs.fetch_add(1, std::memory_order_relaxed); }
  void DropRef() noexcept {
    if (refs.fetch_sub(1, std::memory_order_acq_rel) == 1) free(this);
  }
  // `bytes` of this memory, as a Buffer of its own.
  Buffer Pin(BytesView bytes) noexcept {
    AddRef();
    return Buffer(bytes, this);
  }

 protected:
  ~Pinned() = default;
};

template <class T>
class Ref {
 public:
  Ref() noexcept = default;
  // Adopts one reference.
  explicit Ref(T* object) noexcept : object_(object) {}
  Ref(const Ref& o) noexcept : object_(o.object_) {
    if (object_ != nullptr) object_->AddRef();
  }
  Ref(Ref&& o) noexcept : object_(std::exchange(o.object_, nullptr)) {}
  Ref& operator=(Ref o) noexcept {
    std::swap(object_, o.object_);
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr) object_->DropRef();
  }
  // Gives the reference away.
  T* Detach() noexcept { return std::exchange(object_, nullptr); }
  T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
  T* object_ = nullptr;
};

}  // namespace nexadb::lsm
