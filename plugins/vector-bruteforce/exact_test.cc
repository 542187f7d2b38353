#include "plugins/vector-bruteforce/exact.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <vector>

namespace nexadb::bruteforce {
namespace {

TEST(Exact, WideAndPortableLoopsGiveTheSameBits) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  for (size_t n = 1; n < 200; ++n) {
    std::vector<float> a(n);
    std::vector<float> b(n);
    for (size_t i = 0; i < n; ++i) {
      a[i] = std::ldexp(normal(random), static_cast<int>(random() % 60) - 30);
      b[i] = std::ldexp(normal(random), static_cast<int>(random() % 60) - 30);
    }
    EXPECT_EQ(std::bit_cast<uint64_t>(Exact().dot(a.data(), b.data(), n)),
              std::bit_cast<uint64_t>(PortableExact().dot(a.data(), b.data(), n)));
    EXPECT_EQ(std::bit_cast<uint64_t>(Exact().squared_distance(a.data(), b.data(), n)),
              std::bit_cast<uint64_t>(PortableExact().squared_distance(a.data(), b.data(), n)));
  }
}

TEST(Exact, SumsAreThoseOfLongDoubles) {
  std::mt19937_64 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> a(1537);
  std::vector<float> b(1537);
  long double dot = 0;
  long double squared = 0;
  long double absolute = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    a[i] = normal(random);
    b[i] = normal(random);
    const long double x = a[i];
    const long double y = b[i];
    dot += x * y;
    absolute += std::fabs(x * y);
    squared += (x - y) * (x - y);
  }
  const auto slack = static_cast<double>(absolute) * 1e-13;
  EXPECT_NEAR(Exact().dot(a.data(), b.data(), a.size()), static_cast<double>(dot), slack);
  EXPECT_NEAR(Exact().squared_distance(a.data(), b.data(), a.size()), static_cast<double>(squared),
              static_cast<double>(squared) * 1e-13);
}

}  // namespace
}  // namespace nexadb::bruteforce
