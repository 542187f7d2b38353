// Units: sizes ("64MiB") and durations ("100ms") as they stand in a configuration.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace nexadb::base {

// A decimal number, with or without a fraction, and one of B, KiB, MiB, GiB, TiB, kB, MB, GB, TB.
// The unit may be left out for 0 only. In bytes; nullopt when it is none or does not fit 63 bits.
std::optional<int64_t> ParseSize(std::string_view text);

// The same with ms, s, m (or min), h, d. In milliseconds, rounded up.
std::optional<int64_t> ParseDuration(std::string_view text);

}  // namespace nexadb::base
