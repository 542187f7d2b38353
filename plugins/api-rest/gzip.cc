#include "plugins/api-rest/gzip.h"

#include <zlib.h>

#include <array>

#include "core/document/error.h"

namespace nexadb::rest {
namespace {

constexpr size_t kPieceBytes = 64 * 1024;
// A short body of one repeated letter may grow far: the ratio counts from here on.
constexpr uint64_t kFreeBytes = 1024 * 1024;
// zlib's largest window, plus 16 for a gzip frame.
constexpr int kGzipWindow = 15 + 16;
constexpr int kMemoryLevel = 8;

Status NotGzip() {
  return MakeError(ErrorId::kBadRequest,
                   "The body says 'Content-Encoding: gzip' but is not gzip, or is damaged.");
}

Bytef* BytesOf(std::string_view text) {
  // zlib's input is not const, and is not written to.
  return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
}

}  // namespace

struct GzipReader::State {
  z_stream stream{};
  std::array<char, kPieceBytes> piece;
  uint64_t in = 0;
  uint64_t out = 0;
  bool ready = false;
  bool ended = false;  // behind a whole member
};

GzipReader::GzipReader() : state_(std::make_unique<State>()) {
  state_->ready = inflateInit2(&state_->stream, kGzipWindow) == Z_OK;
}

GzipReader::~GzipReader() {
  if (state_->ready) inflateEnd(&state_->stream);
}

Status GzipReader::Feed(std::string_view part, const Sink& sink) {
  State& s = *state_;
  if (!s.ready) return Status::Error(Code::kResourceExhausted, "no memory to read gzip");
  s.in += part.size();
  s.stream.next_in = BytesOf(part);
  s.stream.avail_in = static_cast<uInt>(part.size());
  do {
    if (s.ended) {
      if (s.stream.avail_in == 0) return {};
      if (inflateReset(&s.stream) != Z_OK) return NotGzip();
      s.ended = false;
    }
    s.stream.next_out = reinterpret_cast<Bytef*>(s.piece.data());
    s.stream.avail_out = kPieceBytes;
    const int outcome = inflate(&s.stream, Z_NO_FLUSH);
    if (outcome != Z_OK && outcome != Z_STREAM_END && outcome != Z_BUF_ERROR) return NotGzip();
    s.ended = outcome == Z_STREAM_END;
    const size_t made = kPieceBytes - s.stream.avail_out;
    s.out += made;
    if (s.out > kFreeBytes && s.out / kGzipRatioMax > s.in) {
      return LimitError(ErrorId::kBodyTooLarge, "gzip_ratio", static_cast<int64_t>(kGzipRatioMax),
                        static_cast<int64_t>(s.out / s.in));
    }
    if (made == 0) continue;
    if (Status status = sink({s.piece.data(), made}); !status.ok()) return status;
  } while (s.stream.avail_in > 0 || s.stream.avail_out == 0);
  return {};
}

Status GzipReader::Finish() const {
  if (state_->ended) return {};
  return MakeError(ErrorId::kBadRequest, "The gzip body ends before its end.");
}

struct GzipWriter::State {
  z_stream stream{};
  bool ready = false;
};

GzipWriter::GzipWriter() : state_(std::make_unique<State>()) {
  state_->ready = deflateInit2(&state_->stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, kMemoryLevel,
                               Z_DEFAULT_STRATEGY) == Z_OK;
}

GzipWriter::~GzipWriter() {
  if (state_->ready) deflateEnd(&state_->stream);
}

namespace {

Result<std::string> Deflate(z_stream& stream, std::string_view text, int flush) {
  std::string out;
  stream.next_in = BytesOf(text);
  stream.avail_in = static_cast<uInt>(text.size());
  do {
    const size_t used = out.size();
    out.resize(used + kPieceBytes);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    stream.avail_out = kPieceBytes;
    const int outcome = deflate(&stream, flush);
    out.resize(out.size() - stream.avail_out);
    if (outcome == Z_STREAM_END) return out;
    if (outcome != Z_OK && outcome != Z_BUF_ERROR) {
      return Status::Error(Code::kInternal, "zlib could not compress an answer");
    }
  } while (stream.avail_out == 0 || flush == Z_FINISH);
  return out;
}

Status NoMemory() { return Status::Error(Code::kResourceExhausted, "no memory to write gzip"); }

}  // namespace

Result<std::string> GzipWriter::Add(std::string_view text) {
  if (!state_->ready) return NoMemory();
  return Deflate(state_->stream, text, Z_NO_FLUSH);
}

Result<std::string> GzipWriter::Finish() {
  if (!state_->ready) return NoMemory();
  return Deflate(state_->stream, {}, Z_FINISH);
}

}  // namespace nexadb::rest
