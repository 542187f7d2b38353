#include "plugins/http-server/request_gate.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace nexadb::http {
namespace {

enum : uint8_t { kTokenChar = 1, kValueChar = 2, kTargetChar = 4 };

constexpr std::array<uint8_t, 256> MakeClasses() {
  std::array<uint8_t, 256> classes{};
  for (unsigned c = 0x21; c < 0x7F; ++c) {
    classes[c] = kValueChar | kTargetChar;
    const bool alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (alphanumeric ||
        std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos) {
      classes[c] |= kTokenChar;
    }
  }
  classes['#'] = static_cast<uint8_t>(classes['#'] & ~kTargetChar);
  classes[' '] = classes['\t'] = kValueChar;
  // obs-text: allowed in values, never looked into.
  for (unsigned c = 0x80; c < 0x100; ++c) classes[c] = kValueChar;
  return classes;
}

constexpr std::array<uint8_t, 256> kClasses = MakeClasses();

bool AllOf(std::string_view text, uint8_t wanted) {
  for (const char c : text) {
    if ((kClasses[static_cast<uint8_t>(c)] & wanted) == 0) return false;
  }
  return true;
}

bool IsKnownMethod(std::string_view method) {
  constexpr std::string_view kMethods[] = {"GET",   "HEAD",   "POST",   "PUT",
                                           "PATCH", "DELETE", "OPTIONS"};
  for (const std::string_view known : kMethods) {
    if (method == known) return true;
  }
  return false;
}

}  // namespace

bool IsToken(std::string_view text) { return !text.empty() && AllOf(text, kTokenChar); }

void RequestGate::Reset() {
  line_begin_ = searched_ = header_begin_ = header_count_ = head_begin_ = head_end_ = 0;
  saw_request_line_ = false;
}

GateState RequestGate::Refuse(ErrorId error, std::string_view detail) {
  refusal_.error = error;
  refusal_.detail = detail;
  return GateState::kRefused;
}

GateState RequestGate::Scan(std::string_view input) {
  while (true) {
    const void* found = searched_ < input.size()
                            ? std::memchr(input.data() + searched_, '\n', input.size() - searched_)
                            : nullptr;
    if (found == nullptr) {
      searched_ = input.size();
      return CheckUnfinished(input.substr(line_begin_)) ? GateState::kNeedMore
                                                        : GateState::kRefused;
    }
    const auto at = static_cast<size_t>(static_cast<const char*>(found) - input.data());
    searched_ = at + 1;
    if (at == line_begin_ || input[at - 1] != '\r') {
      return Refuse(ErrorId::kMalformedRequest, "A line of the head ends in a bare LF.");
    }
    const std::string_view line = input.substr(line_begin_, at - 1 - line_begin_);
    const bool first_line = line_begin_ == 0;
    line_begin_ = at + 1;
    if (!saw_request_line_) {
      if (line.empty() && first_line) {  // RFC 9112 section 2.2: ignore one empty line.
        head_begin_ = line_begin_;
        continue;
      }
      if (!CheckRequestLine(line)) return GateState::kRefused;
      saw_request_line_ = true;
      header_begin_ = line_begin_;
      continue;
    }
    if (line.empty()) {
      head_end_ = line_begin_;
      return GateState::kComplete;
    }
    if (!CheckHeaderLine(line)) return GateState::kRefused;
  }
}

bool RequestGate::CheckRequestLine(std::string_view line) {
  if (line.size() > limits_.request_line_bytes_max) {
    Refuse(ErrorId::kUriTooLong, "The request line is longer than " +
                                     std::to_string(limits_.request_line_bytes_max) + " bytes.");
    return false;
  }
  const size_t method_end = line.find(' ');
  const size_t version_begin = line.rfind(' ');
  if (method_end == std::string_view::npos || method_end == version_begin) {
    Refuse(ErrorId::kMalformedRequest,
           "The request line is not 'METHOD target HTTP/1.1' with one space between its parts.");
    return false;
  }
  const std::string_view method = line.substr(0, method_end);
  const std::string_view target = line.substr(method_end + 1, version_begin - method_end - 1);
  if (!IsToken(method)) {
    Refuse(ErrorId::kMalformedRequest, "The method is not a token.");
    return false;
  }
  if (target.empty() || !AllOf(target, kTargetChar)) {
    Refuse(ErrorId::kMalformedRequest,
           "The target has white space, '#' or characters outside visible ASCII: "
           "percent-encode them.");
    return false;
  }
  if (!CheckVersion(line.substr(version_begin + 1))) return false;
  if (!IsKnownMethod(method)) {
    Refuse(ErrorId::kUnsupportedMethod,
           "'" + std::string(method.substr(0, 32)) + "' is not a method of this server.");
    return false;
  }
  const bool asterisk = target == "*" && method == "OPTIONS";
  const bool absolute = target.starts_with("http://") || target.starts_with("https://");
  if (target[0] != '/' && !asterisk && !absolute) {
    Refuse(ErrorId::kMalformedRequest, "The target does not begin with '/'.");
    return false;
  }
  return true;
}

bool RequestGate::CheckVersion(std::string_view version) {
  auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (version.size() != 8 || !version.starts_with("HTTP/") || !digit(version[5]) ||
      version[6] != '.' || !digit(version[7])) {
    Refuse(ErrorId::kMalformedRequest, "The request line does not end in an HTTP version.");
    return false;
  }
  if (version[5] != '1' || version[7] > '1') {
    Refuse(ErrorId::kUnsupportedHttpVersion,
           std::string(version) + " is not spoken here, only HTTP/1.1 and HTTP/1.0.");
    return false;
  }
  return true;
}

bool RequestGate::CheckHeaderLine(std::string_view line) {
  if (line_begin_ - header_begin_ > limits_.header_bytes_max) {
    Refuse(ErrorId::kHeadersTooLarge,
           "The headers are longer than " + std::to_string(limits_.header_bytes_max) + " bytes.");
    return false;
  }
  if (++header_count_ > limits_.header_count_max) {
    Refuse(ErrorId::kHeadersTooLarge,
           "There are more than " + std::to_string(limits_.header_count_max) + " headers.");
    return false;
  }
  if (line[0] == ' ' || line[0] == '\t') {
    Refuse(ErrorId::kMalformedRequest, "A header line is continued on the next line.");
    return false;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || !IsToken(line.substr(0, colon))) {
    Refuse(ErrorId::kMalformedRequest, "A header line is not 'Name: value'.");
    return false;
  }
  if (!AllOf(line.substr(colon + 1), kValueChar)) {
    Refuse(ErrorId::kMalformedRequest, "A header's value has control characters.");
    return false;
  }
  return true;
}

bool RequestGate::CheckUnfinished(std::string_view line) {
  // A CR as the last byte may still get its LF.
  const std::string_view settled = line.substr(0, line.empty() ? 0 : line.size() - 1);
  if (settled.find('\r') != std::string_view::npos) {
    Refuse(ErrorId::kMalformedRequest, "The head has a CR without LF.");
    return false;
  }
  if (saw_request_line_) {
    if (line_begin_ - header_begin_ + line.size() <= limits_.header_bytes_max + 2) return true;
    Refuse(ErrorId::kHeadersTooLarge,
           "The headers are longer than " + std::to_string(limits_.header_bytes_max) + " bytes.");
    return false;
  }
  if (!settled.empty() && (kClasses[static_cast<uint8_t>(settled[0])] & kTokenChar) == 0) {
    Refuse(ErrorId::kMalformedRequest, "This is not HTTP: the method is not a token.");
    return false;
  }
  if (line.size() <= limits_.request_line_bytes_max + 1) return true;
  Refuse(ErrorId::kUriTooLong, "The request line is longer than " +
                                   std::to_string(limits_.request_line_bytes_max) + " bytes.");
  return false;
}

}  // namespace nexadb::http
