// Entries: what the engine stores for a user key. An entry is (key, sequence, kind, value); entries
// order by key as memcmp, then by sequence, newest first. Ranges are half-open, [begin, end), and
// an empty end lies past the last key, here as at the boundary. No state. [any]
#pragma once
#include <bit>
#include <string>
#include <string_view>

#include "core/base/coding.h"

namespace nexadb::lsm {

using Sequence = uint64_t;

// Real sequences stay below: the two above mark a transaction's own rows and range deletes.
constexpr Sequence kSequenceMax = (Sequence{1} << 56) - 1;
// What compaction gives to a row that everybody sees and that nothing older or newer can hide:
// below every snapshot and above no tombstone. Equal sequences take no space in a block.
constexpr Sequence kOldestSequence = 1;
constexpr Sequence kOwnWriteSequence = ~Sequence{0};
constexpr Sequence kOwnDeleteSequence = ~Sequence{0} - 1;

enum class Kind : uint8_t {
  kPut = 1,
  kDelete = 2,
  kDeleteRange = 3,  // in the log only; elsewhere range tombstones have structures of their own
  kSum = 4,          // a put that came of an add: concurrent adds do not conflict with it
};

constexpr bool HasValue(Kind kind) noexcept { return kind == Kind::kPut || kind == Kind::kSum; }

// The first eight bytes of `key` after `skip` as a number that orders like them; bytes past the end
// read as zero, so equal heads decide nothing.
inline uint64_t KeyHead(std::string_view key, size_t skip = 0) noexcept {
  if (key.size() >= skip + 8) {
    return base::LoadBig<uint64_t>(reinterpret_cast<const uint8_t*>(key.data()) + skip);
  }
  uint64_t head = 0;
  for (size_t i = 0; i < 8; ++i) {
    const uint8_t byte = skip + i < key.size() ? static_cast<uint8_t>(key[skip + i]) : uint8_t{0};
    head = head << 8 | byte;
  }
  return head;
}

// The eight bytes of `key` behind `prefix`, as KeyHead; of keys that do not begin with it the least
// number when they sort before it, the greatest when after. So heads order as their keys do, and
// equal ones decide nothing.
inline uint64_t HeadBehind(std::string_view prefix, std::string_view key) noexcept {
  if (key.starts_with(prefix)) return KeyHead(key, prefix.size());
  return key < prefix ? 0 : ~uint64_t{0};
}

inline size_t SharedPrefix(std::string_view a, std::string_view b) noexcept {
  const size_t limit = a.size() < b.size() ? a.size() : b.size();
  size_t n = 0;
  while (n < limit && a[n] == b[n]) ++n;
  return n;
}

// The least key above `key`.
inline std::string Successor(std::string_view key) {
  std::string next;
  next.reserve(key.size() + 1);
  next.append(key).push_back('\0');
  return next;
}

// Whether `key` lies before the end of a range.
inline bool BeforeEnd(std::string_view key, std::string_view end) noexcept {
  return end.empty() || key < end;
}
// Orders ends of ranges.
inline bool EndLess(std::string_view a, std::string_view b) noexcept {
  if (a.empty()) return false;
  return b.empty() || a < b;
}
inline std::string_view EarlierEnd(std::string_view a, std::string_view b) noexcept {
  return EndLess(a, b) ? a : b;
}
inline std::string_view LaterEnd(std::string_view a, std::string_view b) noexcept {
  return EndLess(a, b) ? b : a;
}
inline bool RangeEmpty(std::string_view begin, std::string_view end) noexcept {
  return !end.empty() && begin >= end;
}
inline bool RangesOverlap(std::string_view begin_a, std::string_view end_a,
                          std::string_view begin_b, std::string_view end_b) noexcept {
  return BeforeEnd(begin_a, end_b) && BeforeEnd(begin_b, end_a);
}

}  // namespace nexadb::lsm
