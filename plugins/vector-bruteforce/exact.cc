#include "plugins/vector-bruteforce/exact.h"

namespace nexadb::bruteforce {
namespace {

constexpr size_t kSums = 8;

inline double Join(const double (&s)[kSums]) noexcept {
  return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

// A float product is exact in double, so fused and separate multiply-adds agree.
__attribute__((always_inline)) inline double DotBody(const float* a, const float* b,
                                                     size_t n) noexcept {
  double sums[kSums] = {};
  size_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    for (size_t lane = 0; lane < kSums; ++lane) {
      sums[lane] += static_cast<double>(a[i + lane]) * static_cast<double>(b[i + lane]);
    }
  }
  for (; i < n; ++i) sums[i % kSums] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return Join(sums);
}

__attribute__((always_inline)) inline double DistanceBody(const float* a, const float* b,
                                                          size_t n) noexcept {
  double sums[kSums] = {};
  size_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    for (size_t lane = 0; lane < kSums; ++lane) {
      const double d = static_cast<double>(a[i + lane]) - static_cast<double>(b[i + lane]);
      sums[lane] += d * d;
    }
  }
  for (; i < n; ++i) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sums[i % kSums] += d * d;
  }
  return Join(sums);
}

double PortableDot(const float* a, const float* b, size_t n) noexcept { return DotBody(a, b, n); }
double PortableDistance(const float* a, const float* b, size_t n) noexcept {
  return DistanceBody(a, b, n);
}
constexpr ExactLoops kPortable{PortableDot, PortableDistance};

#if defined(__x86_64__)
__attribute__((target("avx2"))) double WideDot(const float* a, const float* b, size_t n) noexcept {
  return DotBody(a, b, n);
}
__attribute__((target("avx2"))) double WideDistance(const float* a, const float* b,
                                                    size_t n) noexcept {
  return DistanceBody(a, b, n);
}
constexpr ExactLoops kWide{WideDot, WideDistance};
#endif

}  // namespace

const ExactLoops& Exact() noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return kWide;
#endif
  return kPortable;
}

const ExactLoops& PortableExact() noexcept { return kPortable; }

}  // namespace nexadb::bruteforce
