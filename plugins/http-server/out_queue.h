// OutQueue: what waits to be written to a socket, as pieces of text of its own and of shared
// buffers, so that one writev sends heads and bodies without copying the bodies. Steady traffic
// reuses its memory. Not thread-safe.
#pragma once
#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "nexadb/abi.h"

namespace nexadb::http {

class OutQueue {
 public:
  void AddText(std::string_view text);
  // Small buffers are copied: a segment of its own costs more than their bytes.
  void AddBuffer(Buffer buffer);
  // Appends all of `other`, which is empty afterwards.
  void MoveFrom(OutQueue& other);
  bool empty() const { return bytes_ == 0; }
  size_t bytes() const { return bytes_; }
  // One system call. The bytes written, or -1 with errno set.
  ssize_t WriteTo(int socket);
  // The first bytes, at most `most`, in one piece: where they lie, or copied to `scratch` when that
  // brings more of them together. What was written of them is told by Consume.
  std::string_view Front(size_t most, std::string& scratch) const;
  void Consume(size_t count);
  void Clear();

 private:
  struct Segment {
    Buffer buffer;          // or, when empty:
    size_t text_begin = 0;  // a range of text_
    size_t size = 0;
  };
  std::string_view Unwritten(size_t segment) const;

  std::string text_;
  std::vector<Segment> segments_;
  size_t first_ = 0;    // segments before it are written
  size_t written_ = 0;  // bytes of segments_[first_] that are written
  size_t bytes_ = 0;
};

}  // namespace nexadb::http
