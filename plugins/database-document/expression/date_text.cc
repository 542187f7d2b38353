// Dates as people write them.
#include <string>

#include "core/document/json.h"
#include "plugins/database-document/expression/convert.h"

namespace nexadb::query {
namespace {

constexpr std::string_view kNoBreakSpace = "\u00a0";

// Without the white space, no-break spaces included, at its begin or at its end.
std::string_view WithoutBlanksBefore(std::string_view text) {
  for (;;) {
    if (text.starts_with(kNoBreakSpace)) {
      text.remove_prefix(kNoBreakSpace.size());
    } else if (!text.empty() && (text[0] == ' ' || (text[0] >= '\t' && text[0] <= '\r'))) {
      text.remove_prefix(1);
    } else {
      return text;
    }
  }
}
std::string_view WithoutBlanksAfter(std::string_view text) {
  for (;;) {
    if (text.ends_with(kNoBreakSpace)) {
      text.remove_suffix(kNoBreakSpace.size());
    } else if (!text.empty() &&
               (text.back() == ' ' || (text.back() >= '\t' && text.back() <= '\r'))) {
      text.remove_suffix(1);
    } else {
      return text;
    }
  }
}

// What people write for a date, as RFC 3339 has it: blanks around it and before the offset go,
// those between day and time are 'T', and an offset may lack its colon.
std::string AsRfc3339(std::string_view text) {
  constexpr size_t kDateBytes = 10;
  constexpr size_t kPlainOffsetBytes = 5;  // +0500
  text = WithoutBlanksAfter(WithoutBlanksBefore(text));
  if (text.size() <= kDateBytes) return std::string(text);
  std::string out(text.substr(0, kDateBytes));
  const std::string_view rest = text.substr(kDateBytes);
  const std::string_view time = WithoutBlanksBefore(rest);
  if (time.size() != rest.size()) out.push_back('T');
  const size_t zone = time.find_first_of("+-Zz");
  if (zone == std::string_view::npos) return out.append(time);
  out.append(WithoutBlanksAfter(time.substr(0, zone))).append(time.substr(zone));
  if (time.size() - zone == kPlainOffsetBytes) out.insert(out.size() - 2, 1, ':');
  return out;
}

}  // namespace

bool ParseDateText(std::string_view text, int64_t* ms) {
  if (text.size() == 10 && text[4] == '-' && text[7] == '-') {
    return ParseRfc3339(std::string(text) + "T00:00:00Z", *ms);
  }
  const std::string written = AsRfc3339(text);
  if (ParseRfc3339(written, *ms)) return true;
  // Without an offset the time is UTC.
  return ParseRfc3339(written + "Z", *ms);
}

}  // namespace nexadb::query
