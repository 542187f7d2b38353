#include "core/document/json_text.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include "core/document/decimal.h"
#include "core/document/json.h"

namespace nexadb {
namespace json {
namespace {

constexpr char kHex[] = "0123456789abcdef";
constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// 0: as it is. 'u': \u00XX. Anything else: the letter after the backslash.
constexpr std::array<char, 256> MakeEscapes() {
  std::array<char, 256> table{};
  for (size_t i = 0; i < 0x20; ++i) table[i] = 'u';
  table['\b'] = 'b';
  table['\f'] = 'f';
  table['\n'] = 'n';
  table['\r'] = 'r';
  table['\t'] = 't';
  table['"'] = '"';
  table['\\'] = '\\';
  return table;
}
constexpr std::array<char, 256> kEscapes = MakeEscapes();

constexpr std::array<int8_t, 256> MakeBase64Digits() {
  std::array<int8_t, 256> table{};
  for (int8_t& v : table) v = -1;
  for (int8_t i = 0; i < 64; ++i) {
    table[static_cast<uint8_t>(kBase64[static_cast<size_t>(i)])] = i;
  }
  table['-'] = 62;
  table['_'] = 63;
  return table;
}
constexpr std::array<int8_t, 256> kBase64Digits = MakeBase64Digits();

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The length of the well-formed character at the start, or 0.
size_t CharacterSize(std::string_view text) {
  for (size_t n = 1; n <= 4 && n <= text.size(); ++n) {
    if (bson::internal::ValidUtf8(text.substr(0, n))) return n;
  }
  return 0;
}

// Whether one of the eight bytes needs an escape: below 0x20, a quote or a backslash. Of each test
// the highest bit of a byte tells; a byte of 0x80 and more passes all of them. A borrow or carry
// into the next byte can only come from one that needs an escape itself.
bool AnyNeedsEscape(uint64_t bytes) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHighs = kOnes * 0x80;
  const uint64_t below_space = (bytes - kOnes * 0x20) & ~bytes;
  const uint64_t quote = bytes ^ (kOnes * '"');
  const uint64_t backslash = bytes ^ (kOnes * '\\');
  const uint64_t is_quote = (quote - kOnes) & ~quote;
  const uint64_t is_backslash = (backslash - kOnes) & ~backslash;
  return ((below_space | is_quote | is_backslash) & kHighs) != 0;
}

template <class T>
T LoadFrom(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

// The compilers' own vectors: SSE2 or NEON, whatever the target has at least.
using Sixteen = uint8_t __attribute__((vector_size(16)));

bool AnyNeedsEscape(Sixteen bytes) {
  const auto bad = (bytes < 0x20) | (bytes == '"') | (bytes == '\\');
  uint64_t halves[2];
  static_assert(sizeof(halves) == sizeof(bad));
  std::memcpy(halves, &bad, sizeof(halves));
  return (halves[0] | halves[1]) != 0;
}

bool AnyNeedsEscape(uint32_t bytes) {
  constexpr uint64_t kFourPlain = uint64_t{0x61616161} << 32;
  return AnyNeedsEscape(kFourPlain | bytes);
}

// Copies one step of a text. Whether it goes out as it is.
template <class Step>
bool CopyStep(const char* from, char* to) {
  const Step bytes = LoadFrom<Step>(from);
  std::memcpy(to, &bytes, sizeof(bytes));
  return !AnyNeedsEscape(bytes);
}

// What is left behind whole steps is copied by a step that ends with the text, over bytes that were
// copied already, instead of byte by byte.
template <class Step>
bool CopyInSteps(std::string_view text, char* to) {
  constexpr size_t kStep = sizeof(Step);
  const size_t last = text.size() - kStep;
  for (size_t i = 0; i < last; i += kStep) {
    if (!CopyStep<Step>(text.data() + i, to + i)) return false;
  }
  return CopyStep<Step>(text.data() + last, to + last);
}

// How many bytes at the start go out as they are.
size_t PlainPrefix(std::string_view text) {
  size_t i = 0;
  while (i + 16 <= text.size() && !AnyNeedsEscape(LoadFrom<Sixteen>(text.data() + i))) i += 16;
  while (i < text.size() && kEscapes[static_cast<uint8_t>(text[i])] == 0) ++i;
  return i;
}

template <class T>
void AppendNumber(std::string& out, T value) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof(text), value);
  out.append(text, static_cast<size_t>(end.ptr - text));
}

}  // namespace

bool CopyPlain(std::string_view text, char* to) {
  if (text.size() >= sizeof(Sixteen)) return CopyInSteps<Sixteen>(text, to);
  if (text.size() >= sizeof(uint64_t)) return CopyInSteps<uint64_t>(text, to);
  if (text.size() >= sizeof(uint32_t)) return CopyInSteps<uint32_t>(text, to);
  for (const char c : text) {
    if (kEscapes[static_cast<uint8_t>(c)] != 0) return false;
    *to++ = c;
  }
  return true;
}

void AppendValidString(std::string& out, std::string_view text) {
  const size_t begin = out.size();
  out.resize(begin + 1 + text.size() + 1, '"');
  if (CopyPlain(text, out.data() + begin + 1)) return;  // nearly all are
  out.resize(begin + 1);
  for (;;) {
    const size_t plain = PlainPrefix(text);
    out.append(text.data(), plain);
    if (plain == text.size()) break;
    const auto c = static_cast<uint8_t>(text[plain]);
    text.remove_prefix(plain + 1);
    const char escape = kEscapes[c];
    out += '\\';
    out += escape;
    if (escape == 'u') {
      out.append("00");
      out += kHex[c >> 4];
      out += kHex[c & 15];
    }
  }
  out += '"';
}

void AppendBase64(std::string& out, BytesView bytes) {
  size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const uint32_t v = static_cast<uint32_t>(bytes[i]) << 16 |
                       static_cast<uint32_t>(bytes[i + 1]) << 8 | bytes[i + 2];
    const char four[] = {kBase64[v >> 18], kBase64[v >> 12 & 63], kBase64[v >> 6 & 63],
                         kBase64[v & 63]};
    out.append(four, sizeof(four));
  }
  const size_t left = bytes.size() - i;
  if (left == 0) return;
  const uint32_t v = static_cast<uint32_t>(bytes[i]) << 16 |
                     (left == 2 ? static_cast<uint32_t>(bytes[i + 1]) << 8 : 0);
  out += kBase64[v >> 18];
  out += kBase64[v >> 12 & 63];
  out += left == 2 ? kBase64[v >> 6 & 63] : '=';
  out += '=';
}

bool DecodeBase64(std::string_view text, std::string& out) {
  if (text.size() % 4 != 0) return false;
  size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  const std::string_view digits = text.substr(0, text.size() - padding);
  uint32_t bits = 0;
  size_t count = 0;
  for (char c : digits) {
    const int8_t digit = kBase64Digits[static_cast<uint8_t>(c)];
    if (digit < 0) return false;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    if (++count % 4 != 0) continue;
    out += static_cast<char>(bits >> 16);
    out += static_cast<char>(bits >> 8);
    out += static_cast<char>(bits);
    bits = 0;
  }
  if (padding == 2) out += static_cast<char>(bits >> 4);
  if (padding == 1) {
    out += static_cast<char>(bits >> 10);
    out += static_cast<char>(bits >> 2);
  }
  return true;
}

bool ParseUuid(std::string_view text, std::array<uint8_t, 16>& out) {
  const bool dashes = text.size() == 36;
  if (!dashes && text.size() != 32) return false;
  size_t at = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    if (dashes && (i == 4 || i == 6 || i == 8 || i == 10) && text[at++] != '-') return false;
    const int high = HexDigit(text[at]);
    const int low = HexDigit(text[at + 1]);
    at += 2;
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<uint8_t>(high * 16 + low);
  }
  return true;
}

void AppendInteger(std::string& out, int64_t value) { AppendNumber(out, value); }
void AppendInteger(std::string& out, uint64_t value) { AppendNumber(out, value); }

bool ParseDouble(std::string_view text, double& out) {
  double value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ptr != text.data() + text.size()) return false;
  if (end.ec == std::errc()) {
    out = value;
    return true;
  }
  // Out of range both ways: too small is zero, too great is an error.
  Decimal exact;
  if (!Decimal::Parse(text, exact)) return false;
  if (Decimal::Compare(Decimal::Abs(exact), Decimal::FromInt64(1)) > 0) return false;
  out = text.starts_with('-') ? -0.0 : 0.0;
  return true;
}

bool ParseInt64(std::string_view text, int64_t& out) {
  const auto end = std::from_chars(text.data(), text.data() + text.size(), out);
  return end.ec == std::errc() && end.ptr == text.data() + text.size() && !text.empty();
}

}  // namespace json

void AppendJsonString(std::string& out, std::string_view text) {
  if (bson::internal::ValidUtf8(text)) return json::AppendValidString(out, text);
  std::string repaired;
  while (!text.empty()) {
    const size_t n = json::CharacterSize(text);
    repaired.append(n != 0 ? text.substr(0, n) : "\xEF\xBF\xBD");
    text.remove_prefix(n != 0 ? n : 1);
  }
  json::AppendValidString(out, repaired);
}

void AppendJsonDouble(std::string& out, double value) {
  // Where a reader would write the digits out, so do we; 2^53 has 16 of them.
  const double magnitude = std::fabs(value);
  const bool plain = value == 0 || (magnitude >= 1e-5 && magnitude < 1e16);
  char text[40];
  const auto end = plain ? std::to_chars(text, text + sizeof(text), value, std::chars_format::fixed)
                         : std::to_chars(text, text + sizeof(text), value);
  const std::string_view digits(text, static_cast<size_t>(end.ptr - text));
  out.append(digits);
  if (digits.find_first_of(".e") == std::string_view::npos) out.append(".0");
}

}  // namespace nexadb
