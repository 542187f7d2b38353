// The two loops that every score comes from: sums of float products and of squared float
// differences, in double, in one fixed order of additions. Eight running sums, element i in sum
// i % 8, joined as ((0+4)+(2+6)) + ((1+5)+(3+7)); so the wide loops that are chosen at run time and
// the portable one give the same bits, and a score depends on its two vectors alone.
//
// Stateless, any thread.
#pragma once
#include <cstddef>

namespace nexadb::bruteforce {

// Each takes n values. REQUIRES: all finite; then no sum overflows.
struct ExactLoops {
  double (*dot)(const float* a, const float* b, size_t n) noexcept;
  double (*squared_distance)(const float* a, const float* b, size_t n) noexcept;
};

// For this machine.
const ExactLoops& Exact() noexcept;
// For any machine; tests compare.
const ExactLoops& PortableExact() noexcept;

}  // namespace nexadb::bruteforce
