#include "plugins/http-server/chunk_decoder.h"

#include <algorithm>

namespace nexadb::http {
namespace {

// 15 hex digits are 60 bits: no overflow to check for.
constexpr uint32_t kSizeDigitsMax = 15;

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

ChunkDecoder::Step ChunkDecoder::Next(std::string_view input) {
  Step step;
  while (step.consumed < input.size() && error_ == nullptr && !done()) {
    if (state_ == State::kData) {
      const size_t count = static_cast<size_t>(
          std::min<uint64_t>(left_, static_cast<uint64_t>(input.size() - step.consumed)));
      step.data = input.substr(step.consumed, count);
      step.consumed += count;
      left_ -= count;
      if (left_ == 0) state_ = State::kDataCr;
      return step;
    }
    OnControlByte(input[step.consumed++]);
  }
  return step;
}

void ChunkDecoder::OnSizeByte(char c) {
  const int digit = HexValue(c);
  if (digit >= 0) {
    if (++digits_ > kSizeDigitsMax) error_ = "A chunk's size has too many digits.";
    left_ = left_ * 16 + static_cast<uint64_t>(digit);
    return;
  }
  if (digits_ == 0 || (c != ';' && c != '\r')) {
    error_ = "A chunk's size is not a hexadecimal number.";
    return;
  }
  state_ = c == ';' ? State::kExtension : State::kSizeLf;
}

void ChunkDecoder::OnControlByte(char c) {
  switch (state_) {
    case State::kSize: return OnSizeByte(c);
    case State::kExtension:
      if (c == '\r') {
        state_ = State::kSizeLf;
      } else if (static_cast<unsigned char>(c) < 0x20 && c != '\t') {
        error_ = "A chunk's extension has control characters.";
      } else if (++extension_bytes_ > kChunkExtensionBytesMax) {
        error_ = "The chunks' extensions are longer than 256 bytes.";
      }
      return;
    case State::kSizeLf:
      if (c != '\n') error_ = "A chunk's size line has a CR without LF.";
      state_ = left_ == 0 ? State::kLastCr : State::kData;
      return;
    case State::kDataCr:
      if (c != '\r') error_ = "A chunk is longer than its size.";
      state_ = State::kDataLf;
      return;
    case State::kDataLf:
      if (c != '\n') error_ = "A chunk is longer than its size.";
      state_ = State::kSize;
      digits_ = 0;
      return;
    case State::kLastCr:
      if (c != '\r') error_ = "Trailers after the last chunk are not accepted.";
      state_ = State::kLastLf;
      return;
    case State::kLastLf:
      if (c != '\n') error_ = "The last chunk ends in a CR without LF.";
      state_ = State::kDone;
      return;
    case State::kData:
    case State::kDone: return;
  }
}

}  // namespace nexadb::http
