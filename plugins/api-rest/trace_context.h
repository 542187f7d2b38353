// W3C Trace Context: the trace that a request says it is part of, so that what is shown of it here
// can be found beside what its callers know of it.
#pragma once
#include <string_view>

namespace nexadb::rest {

// The trace-id of a `traceparent` header of version 00: 32 hexadecimal digits, not all zero. Empty
// for anything else, which the specification says to ignore.
inline std::string_view TraceIdOf(std::string_view traceparent) {
  constexpr std::string_view kForm = "00-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
  constexpr size_t kTraceAt = 3;
  constexpr size_t kTraceDigits = 32;
  constexpr size_t kParentAt = kTraceAt + kTraceDigits + 1;
  constexpr size_t kParentDigits = 16;
  if (traceparent.size() != kForm.size()) return {};
  for (size_t i = 0; i < kForm.size(); ++i) {
    const char c = traceparent[i];
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (kForm[i] == 'x' ? !digit : c != kForm[i]) return {};
  }
  const std::string_view trace = traceparent.substr(kTraceAt, kTraceDigits);
  const std::string_view parent = traceparent.substr(kParentAt, kParentDigits);
  const auto is_zero = [](std::string_view digits) {
    return digits.find_first_not_of('0') == std::string_view::npos;
  };
  return is_zero(trace) || is_zero(parent) ? std::string_view() : trace;
}

}  // namespace nexadb::rest
