#include "plugins/http-server/out_queue.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstring>

namespace nexadb::http {
namespace {

constexpr size_t kCopiedBufferBytesMax = 512;
constexpr size_t kSegmentsInOneWrite = 64;
// Memory kept for the next answer once all is written.
constexpr size_t kTextBytesKept = 64 * 1024;
// A stream that is never written out completely is compacted past this many written segments.
constexpr size_t kWrittenSegmentsMax = 256;

}  // namespace

void OutQueue::AddText(std::string_view text) {
  if (text.empty()) return;
  const bool extends = first_ < segments_.size() && segments_.back().buffer.empty() &&
                       segments_.back().text_begin + segments_.back().size == text_.size();
  if (extends) {
    segments_.back().size += text.size();
  } else {
    segments_.push_back({Buffer(), text_.size(), text.size()});
  }
  text_.append(text);
  bytes_ += text.size();
}

void OutQueue::AddBuffer(Buffer buffer) {
  if (buffer.size() <= kCopiedBufferBytesMax) return AddText(buffer.text());
  const size_t size = buffer.size();
  segments_.push_back({std::move(buffer), 0, size});
  bytes_ += size;
}

void OutQueue::MoveFrom(OutQueue& other) {
  if (other.empty()) return;
  if (empty()) {
    std::swap(*this, other);
    other.Clear();
    return;
  }
  for (size_t i = other.first_; i < other.segments_.size(); ++i) {
    Segment& segment = other.segments_[i];
    if (segment.buffer.empty()) {
      AddText(std::string_view(other.text_).substr(segment.text_begin, segment.size));
    } else {
      AddBuffer(std::move(segment.buffer));
    }
  }
  other.Clear();
}

void OutQueue::Clear() {
  segments_.clear();
  if (text_.capacity() > kTextBytesKept) {
    text_ = std::string();
  } else {
    text_.clear();
  }
  first_ = written_ = bytes_ = 0;
}

std::string_view OutQueue::Unwritten(size_t index) const {
  const Segment& segment = segments_[index];
  const char* data = segment.buffer.empty()
                         ? text_.data() + segment.text_begin
                         : reinterpret_cast<const char*>(segment.buffer.bytes().data());
  const size_t skipped = index == first_ ? written_ : 0;
  return {data + skipped, segment.size - skipped};
}

ssize_t OutQueue::WriteTo(int socket) {
  constexpr int kFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
  if (first_ + 1 == segments_.size()) {  // the usual answer; the kernel has no list to copy
    const std::string_view piece = Unwritten(first_);
    const ssize_t written = ::send(socket, piece.data(), piece.size(), kFlags);
    if (written > 0) Consume(static_cast<size_t>(written));
    return written;
  }
  iovec pieces[kSegmentsInOneWrite];
  size_t count = 0;
  for (size_t i = first_; i < segments_.size() && count < kSegmentsInOneWrite; ++i) {
    const std::string_view piece = Unwritten(i);
    pieces[count++] = {const_cast<char*>(piece.data()), piece.size()};
  }
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = count;
  const ssize_t written = ::sendmsg(socket, &message, kFlags);
  if (written > 0) Consume(static_cast<size_t>(written));
  return written;
}

std::string_view OutQueue::Front(size_t most, std::string& scratch) const {
  if (bytes_ == 0) return {};
  const std::string_view first = Unwritten(first_);
  if (first.size() >= most || first.size() == bytes_) return first.substr(0, most);
  scratch.clear();
  for (size_t i = first_; i < segments_.size() && scratch.size() < most; ++i) {
    scratch.append(Unwritten(i).substr(0, most - scratch.size()));
  }
  return scratch;
}

void OutQueue::Consume(size_t count) {
  bytes_ -= count;
  if (bytes_ == 0) return Clear();
  while (count > 0) {
    Segment& segment = segments_[first_];
    const size_t left = segment.size - written_;
    if (count < left) {
      written_ += count;
      break;
    }
    count -= left;
    segment.buffer = Buffer();
    written_ = 0;
    ++first_;
  }
  if (first_ <= kWrittenSegmentsMax) return;
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<ptrdiff_t>(first_));
  first_ = 0;
  size_t text_begin = text_.size();
  for (const Segment& segment : segments_) {
    if (segment.buffer.empty()) text_begin = std::min(text_begin, segment.text_begin);
  }
  text_.erase(0, text_begin);
  for (Segment& segment : segments_) {
    if (segment.buffer.empty()) segment.text_begin -= text_begin;
  }
}

}  // namespace nexadb::http
