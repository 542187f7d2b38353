// A File in memory, to read bytes as if they stood on a disk. Tests and fuzzing only. [serial]
#pragma once
#include <algorithm>
#include <cstring>
#include <string>

#include "nexadb/env.h"

namespace nexadb::lsm::testing {

class MemoryFile final : public File {
 public:
  explicit MemoryFile(std::string bytes = {}) : bytes_(std::move(bytes)) {}
  virtual ~MemoryFile() = default;
  Result<uint64_t> ReadAt(uint64_t offset, Span<uint8_t> out) noexcept override {
    if (offset >= bytes_.size()) return uint64_t{0};
    const size_t count = std::min(out.size(), bytes_.size() - static_cast<size_t>(offset));
    std::memcpy(out.data(), bytes_.data() + offset, count);
    return uint64_t{count};
  }
  Status WriteAt(uint64_t offset, BytesView data) noexcept override {
    if (bytes_.size() < offset + data.size()) bytes_.resize(offset + data.size());
    std::memcpy(bytes_.data() + offset, data.data(), data.size());
    return Status::Ok();
  }
  Status Sync() noexcept override { return Status::Ok(); }
  Status Allocate(uint64_t size) noexcept override {
    if (bytes_.size() < size) bytes_.resize(size);
    return Status::Ok();
  }
  Status Truncate(uint64_t size) noexcept override {
    bytes_.resize(size);
    return Status::Ok();
  }
  Result<uint64_t> Size() noexcept override { return uint64_t{bytes_.size()}; }
  void Release() noexcept override {}  // the test owns it
  std::string& bytes() { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace nexadb::lsm::testing
