// The rows that every engine gets: the same keys, the same values, in the same order.
//
// Keys are 24 bytes, "user" and a decimal number; stored rows have even numbers, so that an odd one
// is a key that is missing inside of the range. Values compress to about half, as in db_bench.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <string>
#include <string_view>

#include "core/base/prng.h"

namespace nexadb::bench {

constexpr size_t kKeyBytes = 24;
constexpr std::string_view kKeyPrefix = "user";

inline void NumberKey(uint64_t number, std::string& key) {
  key.assign(kKeyBytes, '0');
  std::memcpy(key.data(), kKeyPrefix.data(), kKeyPrefix.size());
  for (size_t at = kKeyBytes; number != 0; number /= 10) {
    key[--at] = static_cast<char>('0' + number % 10);
  }
}
inline void RowKey(uint64_t row, std::string& key) { NumberKey(row * 2, key); }
inline void MissingKey(uint64_t row, std::string& key) { NumberKey(row * 2 + 1, key); }

// A number that looks random, and is the same in every run and for every engine.
inline uint64_t Scramble(uint64_t number) {
  uint64_t x = (number + 1) * 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// Every row of [0, rows) once, in an order without a pattern.
class Permutation {
 public:
  explicit Permutation(uint64_t rows) : rows_(rows), step_(kPrime % rows) {
    while (std::gcd(step_, rows_) != 1) ++step_;
  }
  uint64_t operator()(uint64_t i) const { return (i % rows_ * step_ + rows_ / 3) % rows_; }

 private:
  static constexpr uint64_t kPrime = 2654435761;
  uint64_t rows_;
  uint64_t step_;
};

class Values {
 public:
  explicit Values(size_t bytes) : bytes_(bytes) {
    base::Prng prng(301);
    while (pool_.size() < kPoolBytes + bytes) {
      std::string piece;
      for (int i = 0; i < 50; ++i) piece.push_back(static_cast<char>(' ' + prng.Below(95)));
      pool_ += piece + piece;
    }
  }
  // Neighbours in key order share no bytes.
  std::string_view operator()(uint64_t row) const {
    return std::string_view(pool_).substr((row * 2654435761u >> 7) % kPoolBytes, bytes_);
  }

 private:
  static constexpr size_t kPoolBytes = 1 << 20;
  size_t bytes_;
  std::string pool_;
};

// Ranks by Zipf's law with YCSB's exponent, scattered over the rows (Gray et al., "Quickly
// generating billion-record synthetic databases", 1994).
class Zipfian {
 public:
  explicit Zipfian(uint64_t rows) : rows_(rows), zeta_(Zeta(rows)) {
    const double n = static_cast<double>(rows);
    eta_ = (1 - std::pow(2.0 / n, 1 - kTheta)) / (1 - Zeta(2) / zeta_);
  }
  uint64_t operator()(base::Prng& prng) const {
    const double u = static_cast<double>(prng.Next() >> 11) * 0x1p-53;
    const double uz = u * zeta_;
    uint64_t rank = 0;
    if (uz >= 1.0 + std::pow(0.5, kTheta)) {
      const double n = static_cast<double>(rows_);
      rank = static_cast<uint64_t>(n * std::pow(eta_ * u - eta_ + 1, 1 / (1 - kTheta)));
    } else if (uz >= 1.0) {
      rank = 1;
    }
    return Scramble(rank) % rows_;
  }

 private:
  static constexpr double kTheta = 0.99;
  static double Zeta(uint64_t n) {
    double sum = 0;
    for (uint64_t i = 1; i <= n; ++i) sum += std::pow(static_cast<double>(i), -kTheta);
    return sum;
  }
  uint64_t rows_;
  double zeta_;
  double eta_ = 0;
};

}  // namespace nexadb::bench
