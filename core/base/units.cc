#include "core/base/units.h"

#include <charconv>
#include <cmath>
#include <span>

namespace nexadb::base {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr Unit kSizes[] = {{"B", 1},
                           {"KiB", 1024.0},
                           {"MiB", 1048576.0},
                           {"GiB", 1073741824.0},
                           {"TiB", 1099511627776.0},
                           {"kB", 1e3},
                           {"MB", 1e6},
                           {"GB", 1e9},
                           {"TB", 1e12}};
constexpr Unit kDurations[] = {{"ms", 1},    {"s", 1e3},   {"m", 6e4},
                               {"min", 6e4}, {"h", 3.6e6}, {"d", 8.64e7}};

// Below it a double is exact to the unit for the values people write.
constexpr double kValueMax = 9.2e18;

std::optional<int64_t> Parse(std::string_view text, std::span<const Unit> units) {
  double number = 0;
  const char* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc() || !(number >= 0)) return std::nullopt;
  while (rest != end && *rest == ' ') ++rest;
  const std::string_view name(rest, static_cast<size_t>(end - rest));
  if (name.empty()) return number == 0 ? std::optional<int64_t>(0) : std::nullopt;
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    const double value = std::ceil(number * unit.factor);
    if (!(value < kValueMax)) return std::nullopt;
    return static_cast<int64_t>(value);
  }
  return std::nullopt;
}

}  // namespace

std::optional<int64_t> ParseSize(std::string_view text) { return Parse(text, kSizes); }
std::optional<int64_t> ParseDuration(std::string_view text) { return Parse(text, kDurations); }

}  // namespace nexadb::base
