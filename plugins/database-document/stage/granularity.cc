#include "plugins/database-document/stage/granularity.h"

#include <algorithm>
#include <cmath>

namespace nexadb::query {
namespace {

// ISO 3's R80; every second, fourth, eighth and sixteenth number is R40, R20, R10 and R5.
constexpr double kRenard[] = {
    1.00, 1.03, 1.06, 1.09, 1.12, 1.15, 1.18, 1.22, 1.25, 1.28, 1.32, 1.36, 1.40, 1.45, 1.50, 1.55,
    1.60, 1.65, 1.70, 1.75, 1.80, 1.85, 1.90, 1.95, 2.00, 2.06, 2.12, 2.18, 2.24, 2.30, 2.36, 2.43,
    2.50, 2.58, 2.65, 2.72, 2.80, 2.90, 3.00, 3.07, 3.15, 3.25, 3.35, 3.45, 3.55, 3.65, 3.75, 3.87,
    4.00, 4.12, 4.25, 4.37, 4.50, 4.62, 4.75, 4.87, 5.00, 5.15, 5.30, 5.45, 5.60, 5.80, 6.00, 6.15,
    6.30, 6.50, 6.70, 6.90, 7.10, 7.30, 7.50, 7.75, 8.00, 8.25, 8.50, 8.75, 9.00, 9.25, 9.50, 9.75};

// IEC 60063's E24, which is not quite a geometric series; E12 and E6 are parts of it.
constexpr double kElectronics[] = {1.0, 1.1, 1.2, 1.3, 1.5, 1.6, 1.8, 2.0, 2.2, 2.4, 2.7, 3.0,
                                   3.3, 3.6, 3.9, 4.3, 4.7, 5.1, 5.6, 6.2, 6.8, 7.5, 8.2, 9.1};

template <size_t kSize>
std::vector<double> Every(const double (&series)[kSize], size_t step) {
  std::vector<double> out;
  for (size_t i = 0; i < kSize; i += step) out.push_back(series[i]);
  return out;
}

// IEC 60063's finer series: powers of the n-th root of ten to three digits, one of them by decree.
std::vector<double> Fine(int n) {
  std::vector<double> out;
  for (int i = 0; i < n; ++i) {
    const double exact = std::pow(10.0, static_cast<double>(i) / n);
    const double rounded = std::round(exact * 100) / 100;
    out.push_back(rounded == 9.19 ? 9.20 : rounded);
  }
  return out;
}

}  // namespace

std::optional<Granularity> Granularity::Find(std::string_view name) {
  if (name == "POWERSOF2") return Granularity({});
  if (name == "1-2-5") return Granularity({1, 2, 5});
  if (name == "R5") return Granularity(Every(kRenard, 16));
  if (name == "R10") return Granularity(Every(kRenard, 8));
  if (name == "R20") return Granularity(Every(kRenard, 4));
  if (name == "R40") return Granularity(Every(kRenard, 2));
  if (name == "R80") return Granularity(Every(kRenard, 1));
  if (name == "E6") return Granularity(Every(kElectronics, 4));
  if (name == "E12") return Granularity(Every(kElectronics, 2));
  if (name == "E24") return Granularity(Every(kElectronics, 1));
  if (name == "E48") return Granularity(Fine(48));
  if (name == "E96") return Granularity(Fine(96));
  if (name == "E192") return Granularity(Fine(192));
  return std::nullopt;
}

double Granularity::Up(double number) const {
  if (number == 0 || !std::isfinite(number)) return number;
  if (decade_.empty()) return std::exp2(std::floor(std::log2(number)) + 1);
  double unit = std::pow(10.0, std::floor(std::log10(number)));
  if (number >= 10 * unit) unit *= 10;  // log10 rounded down
  const auto at = std::find_if(decade_.begin(), decade_.end(),
                               [&](double step) { return step * unit > number; });
  return at == decade_.end() ? 10 * unit : *at * unit;
}

double Granularity::Down(double number) const {
  if (number == 0 || !std::isfinite(number)) return number;
  if (decade_.empty()) return std::exp2(std::ceil(std::log2(number)) - 1);
  double unit = std::pow(10.0, std::floor(std::log10(number)));
  if (number <= unit) unit /= 10;
  const auto above = std::find_if(decade_.begin(), decade_.end(),
                                  [&](double step) { return step * unit >= number; });
  return *(above - 1) * unit;
}

}  // namespace nexadb::query
