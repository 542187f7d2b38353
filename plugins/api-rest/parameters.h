// Parameters: the query string of a request, decoded.
//
// A value is what stands after the first '=', percent-decoded, with '+' as a space. A name that is
// given twice is refused: which one counts would be a guess. Owns its text; immutable; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexadb/abi.h"

namespace nexadb::rest {

class Parameters {
 public:
  // Fails with invalid_parameter for a bad escape, text that is not UTF-8, or a repeated name.
  static Result<Parameters> Parse(std::string_view query);

  std::optional<std::string_view> Get(std::string_view name) const;
  // Errors name the parameter and what it takes. Absent gives `absent`.
  Result<uint64_t> Number(std::string_view name, uint64_t absent, uint64_t least,
                          uint64_t most) const;
  // true, false, 1, 0 or nothing after the name, which means true.
  Result<bool> Flag(std::string_view name, bool absent) const;
  // A duration with a unit (ms, s, m, h, d) in milliseconds; a bare number is in seconds.
  Result<uint64_t> Duration(std::string_view name, uint64_t absent) const;

  const std::vector<std::pair<std::string, std::string>>& all() const { return pairs_; }

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

// Percent-decodes `text` onto `out`; '+' becomes a space. False for a bad escape.
bool DecodePercent(std::string_view text, std::string& out);
// Escapes everything but unreserved characters, for Location.
std::string EncodePercent(std::string_view text);

}  // namespace nexadb::rest
