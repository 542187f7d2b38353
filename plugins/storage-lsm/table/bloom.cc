#include "plugins/storage-lsm/table/bloom.h"

namespace nexadb::lsm {
namespace {

constexpr uint64_t kBitsPerKey = 10;
constexpr int kProbes = 6;
constexpr uint64_t kLineBytes = 64;
constexpr uint64_t kLineBits = kLineBytes * 8;

// Maps the high half of the hash evenly onto [0, lines).
uint64_t Line(uint64_t hash, uint64_t lines) { return ((hash >> 32) * lines) >> 32; }
// Six 9-bit positions out of the low half, stretched by an odd multiplier.
uint64_t ProbeBits(uint64_t hash) { return (hash & 0xffffffffu) * 0x9e3779b97f4a7c15u; }

}  // namespace

std::string BuildBloom(const std::vector<uint64_t>& hashes) {
  if (hashes.empty()) return {};
  const uint64_t lines = (hashes.size() * kBitsPerKey + kLineBits - 1) / kLineBits;
  std::string filter(lines * kLineBytes, '\0');
  for (uint64_t hash : hashes) {
    char* line = filter.data() + Line(hash, lines) * kLineBytes;
    uint64_t bits = ProbeBits(hash);
    for (int i = 0; i < kProbes; ++i, bits >>= 9) {
      const uint64_t bit = bits & (kLineBits - 1);
      line[bit >> 3] = static_cast<char>(static_cast<uint8_t>(line[bit >> 3]) | 1u << (bit & 7));
    }
  }
  return filter;
}

void PrefetchBloom(std::string_view filter, uint64_t hash) {
  const uint64_t lines = filter.size() / kLineBytes;
  if (lines != 0) __builtin_prefetch(filter.data() + Line(hash, lines) * kLineBytes);
}

bool BloomMayContain(std::string_view filter, uint64_t hash) {
  const uint64_t lines = filter.size() / kLineBytes;
  if (lines == 0) return true;
  const char* line = filter.data() + Line(hash, lines) * kLineBytes;
  uint64_t bits = ProbeBits(hash);
  for (int i = 0; i < kProbes; ++i, bits >>= 9) {
    const uint64_t bit = bits & (kLineBits - 1);
    if ((static_cast<uint8_t>(line[bit >> 3]) >> (bit & 7) & 1) == 0) return false;
  }
  return true;
}

}  // namespace nexadb::lsm
