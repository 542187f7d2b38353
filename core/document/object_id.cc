#include "core/document/object_id.h"

#include <algorithm>

namespace nexadb {
namespace {

constexpr char kBase32[] = "0123456789abcdefghijklmnopqrstuv";
constexpr char kHex[] = "0123456789abcdef";
constexpr int kTailBits = 36;
constexpr uint64_t kTailMask = (uint64_t{1} << kTailBits) - 1;
constexpr uint64_t kMsMask = (uint64_t{1} << 44) - 1;
// The tail starts in the lower half of its range, so that a millisecond always has room for 2^35
// more ids.
constexpr uint64_t kTailStartMask = kTailMask >> 1;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

uint64_t Draw(Random& random) {
  std::array<uint8_t, 8> bytes{};
  random.Fill(bytes);
  uint64_t value = 0;
  for (uint8_t b : bytes) value = value << 8 | b;
  return value;
}

}  // namespace

ObjectIdGenerator::ObjectIdGenerator(Clock& clock, Random& random) noexcept
    : clock_(clock), counter_(static_cast<uint32_t>(Draw(random))) {
  random.Fill(process_);
}

std::array<uint8_t, 12> ObjectIdGenerator::Next() noexcept {
  const auto seconds = static_cast<uint32_t>(clock_.UnixMs() / 1000);
  const uint32_t count = counter_.fetch_add(1, std::memory_order_relaxed);
  std::array<uint8_t, 12> id{};
  for (size_t i = 0; i < 4; ++i) id[i] = static_cast<uint8_t>(seconds >> (24 - 8 * i));
  std::copy(process_.begin(), process_.end(), id.begin() + 4);
  for (size_t i = 0; i < 3; ++i) id[9 + i] = static_cast<uint8_t>(count >> (16 - 8 * i));
  return id;
}

IdGenerator::IdGenerator(Clock& clock, Random& random) noexcept : clock_(clock), random_(random) {}

std::string IdGenerator::Next() {
  const uint64_t now = static_cast<uint64_t>(std::max<int64_t>(clock_.UnixMs(), 0)) & kMsMask;
  std::unique_lock lock(mutex_);
  // A clock that steps back must not make an id that sorts before an earlier one.
  if (now > last_ms_) {
    last_ms_ = now;
    tail_ = Draw(random_) & kTailStartMask;
  } else if (tail_ == kTailMask) {
    ++last_ms_;
    tail_ = 0;
  } else {
    ++tail_;
  }
  const uint64_t ms = last_ms_;
  const uint64_t tail = tail_;
  lock.unlock();

  // 80 bits, most significant first: the upper 40 hold ms[43..4], the lower ones ms[3..0] and tail.
  const uint64_t upper = ms >> 4;
  const uint64_t lower = (ms & 0xF) << kTailBits | tail;
  std::string id(kGeneratedIdSize, '0');
  for (size_t i = 0; i < 8; ++i) {
    id[i] = kBase32[(upper >> (35 - 5 * i)) & 31];
    id[8 + i] = kBase32[(lower >> (35 - 5 * i)) & 31];
  }
  return id;
}

bool GeneratedIdTime(std::string_view id, uint64_t& unix_ms) {
  if (id.size() != kGeneratedIdSize) return false;
  uint64_t upper = 0;
  uint64_t lower = 0;
  for (size_t i = 0; i < kGeneratedIdSize; ++i) {
    const char c = id[i];
    uint64_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<uint64_t>(c - '0');
    } else if (c >= 'a' && c <= 'v') {
      digit = static_cast<uint64_t>(c - 'a') + 10;
    } else {
      return false;
    }
    uint64_t& half = i < 8 ? upper : lower;
    half = half << 5 | digit;
  }
  unix_ms = upper << 4 | lower >> kTailBits;
  return true;
}

bool ParseObjectId(std::string_view text, std::array<uint8_t, 12>& out) {
  if (text.size() != 2 * out.size()) return false;
  std::array<uint8_t, 12> id{};
  for (size_t i = 0; i < id.size(); ++i) {
    const int high = HexDigit(text[2 * i]);
    const int low = HexDigit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    id[i] = static_cast<uint8_t>(high * 16 + low);
  }
  out = id;
  return true;
}

void AppendObjectId(std::string& out, BytesView twelve_bytes) {
  for (uint8_t b : twelve_bytes) {
    out += kHex[b >> 4];
    out += kHex[b & 15];
  }
}

}  // namespace nexadb
