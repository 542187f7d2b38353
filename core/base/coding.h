// Numbers as bytes: fixed width in both byte orders, varints, and a reader that never leaves its
// range. Little-endian is for formats, big-endian for keys, whose order it keeps. No state. [any]
//
//   Put…(out, v)   appends to any container of bytes: std::string, std::vector<uint8_t>
//   Store…(p, v)   writes at p;  Load…(p) reads at p; alignment does not matter
#pragma once
#include <bit>
#include <concepts>
#include <cstring>
#include <string>

#include "nexadb/abi.h"

namespace nexadb::base {

// Seven bits a byte, lowest first.
constexpr size_t kVarint32BytesMax = 5;
constexpr size_t kVarint64BytesMax = 10;

template <std::unsigned_integral T>
constexpr T ByteSwap(T v) noexcept {
  if constexpr (sizeof(T) == 1) return v;
  if constexpr (sizeof(T) == 2) return __builtin_bswap16(v);
  if constexpr (sizeof(T) == 4) return __builtin_bswap32(v);
  if constexpr (sizeof(T) == 8) return __builtin_bswap64(v);
}

template <std::unsigned_integral T>
void StoreLittle(uint8_t* p, T v) noexcept {
  if constexpr (std::endian::native == std::endian::big) v = ByteSwap(v);
  std::memcpy(p, &v, sizeof(v));
}
template <std::unsigned_integral T>
void StoreBig(uint8_t* p, T v) noexcept {
  if constexpr (std::endian::native == std::endian::little) v = ByteSwap(v);
  std::memcpy(p, &v, sizeof(v));
}
template <std::unsigned_integral T>
T LoadLittle(const uint8_t* p) noexcept {
  T v;
  std::memcpy(&v, p, sizeof(v));
  return std::endian::native == std::endian::big ? ByteSwap(v) : v;
}
template <std::unsigned_integral T>
T LoadBig(const uint8_t* p) noexcept {
  T v;
  std::memcpy(&v, p, sizeof(v));
  return std::endian::native == std::endian::little ? ByteSwap(v) : v;
}

template <class Out>
void PutBytes(Out& out, BytesView bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}
template <std::unsigned_integral T, class Out>
void PutLittle(Out& out, T v) {
  uint8_t bytes[sizeof(T)];
  StoreLittle(bytes, v);
  PutBytes(out, {bytes, sizeof(T)});
}
template <std::unsigned_integral T, class Out>
void PutBig(Out& out, T v) {
  uint8_t bytes[sizeof(T)];
  StoreBig(bytes, v);
  PutBytes(out, {bytes, sizeof(T)});
}

// Writes at most kVarint64BytesMax bytes at p; returns how many.
inline size_t StoreVarint(uint8_t* p, uint64_t v) noexcept {
  size_t n = 0;
  while (v >= 0x80) {
    p[n++] = static_cast<uint8_t>(v | 0x80);
    v >>= 7;
  }
  p[n++] = static_cast<uint8_t>(v);
  return n;
}
constexpr size_t VarintBytes(uint64_t v) noexcept {
  return v == 0 ? 1 : (static_cast<size_t>(std::bit_width(v)) + 6) / 7;
}
template <class Out>
void PutVarint(Out& out, uint64_t v) {
  uint8_t bytes[kVarint64BytesMax];
  size_t n = StoreVarint(bytes, v);
  PutBytes(out, {bytes, n});
}
// A varint length, then the bytes.
template <class Out>
void PutLengthPrefixed(Out& out, BytesView bytes) {
  PutVarint(out, bytes.size());
  PutBytes(out, bytes);
}

// Small magnitudes of either sign become small numbers.
constexpr uint64_t ZigZag(int64_t v) noexcept {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}
constexpr int64_t UnZigZag(uint64_t v) noexcept {
  return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
}

// Reads forward through borrowed bytes. A read that does not fit returns false and moves nothing;
// a varint must be the shortest form of its number and fit its type. [serial]
class ByteReader {
 public:
  explicit ByteReader(BytesView bytes) noexcept : at_(bytes.data()), left_(bytes.size()) {}

  size_t left() const noexcept { return left_; }
  bool empty() const noexcept { return left_ == 0; }
  BytesView rest() const noexcept { return {at_, left_}; }

  template <std::unsigned_integral T>
  bool ReadLittle(T* out) noexcept {
    if (left_ < sizeof(T)) return false;
    *out = LoadLittle<T>(at_);
    Advance(sizeof(T));
    return true;
  }
  template <std::unsigned_integral T>
  bool ReadBig(T* out) noexcept {
    if (left_ < sizeof(T)) return false;
    *out = LoadBig<T>(at_);
    Advance(sizeof(T));
    return true;
  }
  bool ReadVarint(uint64_t* out) noexcept {
    if (left_ != 0 && *at_ < 0x80) {
      *out = *at_;
      Advance(1);
      return true;
    }
    return ReadLongVarint(out);
  }
  bool ReadVarint32(uint32_t* out) noexcept {
    ByteReader ahead = *this;
    uint64_t v = 0;
    if (!ahead.ReadVarint(&v) || v > UINT32_MAX) return false;
    *this = ahead;
    *out = static_cast<uint32_t>(v);
    return true;
  }
  bool ReadBytes(size_t count, BytesView* out) noexcept {
    if (left_ < count) return false;
    *out = {at_, count};
    Advance(count);
    return true;
  }
  bool ReadLengthPrefixed(BytesView* out) noexcept {
    ByteReader ahead = *this;
    uint64_t count = 0;
    if (!ahead.ReadVarint(&count) || count > ahead.left_) return false;
    if (!ahead.ReadBytes(static_cast<size_t>(count), out)) return false;
    *this = ahead;
    return true;
  }
  bool Skip(size_t count) noexcept {
    if (left_ < count) return false;
    Advance(count);
    return true;
  }

 private:
  void Advance(size_t count) noexcept {
    at_ += count;
    left_ -= count;
  }
  bool ReadLongVarint(uint64_t* out) noexcept {
    uint64_t v = 0;
    size_t limit = left_ < kVarint64BytesMax ? left_ : kVarint64BytesMax;
    for (size_t i = 0; i < limit; ++i) {
      uint64_t byte = at_[i];
      // The tenth byte holds the 64th bit alone.
      if (i == kVarint64BytesMax - 1 && byte > 1) return false;
      v |= (byte & 0x7f) << (7 * i);
      if (byte >= 0x80) continue;
      if (byte == 0 && i > 0) return false;
      *out = v;
      Advance(i + 1);
      return true;
    }
    return false;
  }

  const uint8_t* at_;
  size_t left_;
};

}  // namespace nexadb::base
