#include "plugins/http-server/bytes.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace nexadb::http {

void GrowingBytes::Reserve(size_t capacity) {
  if (capacity <= capacity_) return;
  // realloc moves large blocks by remapping pages, not by copying.
  void* moved = std::realloc(data_, capacity);
  if (moved == nullptr) throw std::bad_alloc();
  data_ = static_cast<char*>(moved);
  capacity_ = capacity;
}

void GrowingBytes::Append(std::string_view bytes) {
  if (bytes.empty()) return;
  if (bytes.size() > room()) Reserve(std::max(size_ + bytes.size(), capacity_ * 2));
  std::memcpy(tail(), bytes.data(), bytes.size());
  size_ += bytes.size();
}

void GrowingBytes::DropFront(size_t count) {
  if (count == 0) return;
  if (count < size_) std::memmove(data_, data_ + count, size_ - count);
  size_ -= count;
}

void GrowingBytes::Free() {
  std::free(data_);
  data_ = nullptr;
  size_ = capacity_ = 0;
}

}  // namespace nexadb::http
