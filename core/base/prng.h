// Prng: a small, fast generator for tests, simulation and sampling; the same seed gives the same
// numbers on every machine, which std:: distributions do not promise. Never for secrets: those
// come from Env::Random. (SplitMix64 of Steele, Lea, Flood, 2014.) [serial]
#pragma once
#include <cstdint>

namespace nexadb::base {

class Prng {
 public:
  explicit constexpr Prng(uint64_t seed) noexcept : state_(seed) {}

  constexpr uint64_t Next() noexcept {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // In [0, bound), even enough for bounds far below 2^64. REQUIRES: bound > 0.
  constexpr uint64_t Below(uint64_t bound) noexcept {
    __extension__ using Wide = unsigned __int128;
    return static_cast<uint64_t>((static_cast<Wide>(Next()) * bound) >> 64);
  }
  // True once in `n` draws.
  constexpr bool OneIn(uint64_t n) noexcept { return Below(n) == 0; }

 private:
  uint64_t state_;
};

}  // namespace nexadb::base
