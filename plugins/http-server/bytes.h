// GrowingBytes: a malloc'd byte range that grows without being zeroed, for reading from sockets.
// Not thread-safe. Throws std::bad_alloc.
#pragma once
#include <cstddef>
#include <string_view>

namespace nexadb::http {

class GrowingBytes {
 public:
  GrowingBytes() = default;
  GrowingBytes(const GrowingBytes&) = delete;
  GrowingBytes& operator=(const GrowingBytes&) = delete;
  ~GrowingBytes() { Free(); }

  char* data() const { return data_; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  char* tail() const { return data_ + size_; }
  size_t room() const { return capacity_ - size_; }
  std::string_view text() const { return {data_, size_}; }

  // Makes the capacity at least `capacity`, keeping the bytes; may move them.
  void Reserve(size_t capacity);
  // `count` bytes were written at tail(). REQUIRES: count <= room().
  void Grew(size_t count) { size_ += count; }
  void Append(std::string_view bytes);
  // Drops the first `count` bytes, moving the rest to the front.
  void DropFront(size_t count);
  void Clear() { size_ = 0; }
  void Free();

 private:
  char* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace nexadb::http
