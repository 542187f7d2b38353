// ChunkDecoder: Transfer-Encoding: chunked, strictly. Refuses bare LF, sizes that are not 1 to 15
// hex digits, extensions over kChunkExtensionBytesMax, and every trailer: a trailer could smuggle
// in a header after the checks on headers. Keeps its place between calls. Not thread-safe.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nexadb::http {

constexpr size_t kChunkExtensionBytesMax = 256;

class ChunkDecoder {
 public:
  // A step of decoding: `consumed` bytes of the input are done with, `data` (within them) is the
  // next piece of the body, perhaps empty.
  struct Step {
    size_t consumed = 0;
    std::string_view data;
  };
  void Reset() { *this = ChunkDecoder(); }
  // Decodes up to the end of the input or of one piece of data. Call until done(), error() or the
  // input is used up.
  Step Next(std::string_view input);
  bool done() const { return state_ == State::kDone; }
  // Null, or what is wrong; the decoder is then of no more use.
  const char* error() const { return error_; }

 private:
  enum class State {
    kSize,
    kExtension,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kLastCr,
    kLastLf,
    kDone,
  };
  void OnControlByte(char c);
  void OnSizeByte(char c);

  State state_ = State::kSize;
  uint64_t left_ = 0;
  uint32_t digits_ = 0;
  uint32_t extension_bytes_ = 0;
  const char* error_ = nullptr;
};

}  // namespace nexadb::http
