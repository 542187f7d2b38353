#include "plugins/database-document/index/bounds_text.h"

#include <array>
#include <bit>
#include <charconv>
#include <optional>

namespace nexadb::database {

namespace {

constexpr size_t kNumberBytes = 8;
constexpr int kExponentBias = 8192;
// The longest value without a length or an end of its own, and so the most bytes 0xFF that a cut
// above a value may have lost.
constexpr size_t kFixedBytesMax = 16;

constexpr std::string_view kDigits = "0123456789abcdef";

std::string DoubleText(double value) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

// Reads one encoded value as text.
class ValueReader {
 public:
  ValueReader(std::string_view encoding, TextForm form) : rest_(encoding), form_(form) {}

  // None when the bytes are not exactly one value.
  std::optional<std::string> Whole() {
    std::string text = Value();
    if (failed_ || !rest_.empty()) return std::nullopt;
    return text;
  }

 private:
  uint8_t Byte() {
    if (rest_.empty()) {
      failed_ = true;
      return 0;
    }
    const auto byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  uint64_t Number(size_t bytes) {
    uint64_t out = 0;
    for (size_t i = 0; i < bytes; ++i) out = out << 8 | Byte();
    return out;
  }
  std::string_view Take(size_t count) {
    if (rest_.size() < count) failed_ = true;
    const std::string_view out = rest_.substr(0, count);
    rest_.remove_prefix(out.size());
    return out;
  }
  std::string Escaped() {
    std::string out;
    while (!failed_) {
      const uint8_t byte = Byte();
      if (byte != 0) {
        out.push_back(static_cast<char>(byte));
        continue;
      }
      const uint8_t next = Byte();
      if (next == 0) break;
      failed_ |= next != 0xFF;
      out.push_back('\0');
    }
    return out;
  }
  std::string UntilNul() {
    const size_t end = rest_.find('\0');
    failed_ |= end == std::string_view::npos;
    std::string out(Take(failed_ ? 0 : end));
    Byte();
    return out;
  }

  std::string Value() {
    switch (Byte()) {
      case 0x08: return "MinKey";
      case 0x0A: return "undefined";
      case 0x14: return "null";
      case 0x1E: return "nan";
      case 0x20: return NumberText();
      case 0x30:
        return form_ == TextForm::kBytes ? Quoted(Escaped())
                                         : "CollationKey(0x" + Hex(Escaped()) + ")";
      case 0x40: return Object();
      case 0x50: return Array();
      case 0x60: return Binary();
      case 0x68: return "ObjectId('" + Hex(Take(12)) + "')";
      case 0x70: return "false";
      case 0x71: return "true";
      case 0x78:
        return "new Date(" + std::to_string(static_cast<int64_t>(Number(8) ^ (uint64_t{1} << 63))) +
               ")";
      case 0x80: return Timestamp();
      case 0x88: return Regex();
      case 0x90: return "DBPointer(" + Hex(Escaped()) + ")";
      case 0x98: return "Code(" + Quoted(Escaped()) + ")";
      case 0x9C: return "CodeWithScope(" + Hex(Escaped()) + ")";
      case 0xF0: return "MaxKey";
      default: failed_ = true; return {};
    }
  }

  std::string NumberText() {
    const bool negative = !rest_.empty() && (static_cast<uint8_t>(rest_[0]) & 0x80) == 0;
    // A negative number has every byte inverted.
    std::string turned(rest_);
    if (negative) {
      for (char& c : turned) c = static_cast<char>(~c);
    }
    ValueReader magnitude(turned, form_);
    const uint64_t bits = magnitude.Number(kNumberBytes) & ~(uint64_t{1} << 63);
    std::string text = DoubleText(std::bit_cast<double>(bits));
    if (magnitude.Byte() == 1) {
      const int exponent = static_cast<int>(magnitude.Number(2)) - kExponentBias;
      text = "0.";
      for (uint8_t pair = magnitude.Byte(); pair != 0; pair = magnitude.Byte()) {
        text += std::to_string((pair - 1) / 10) + std::to_string((pair - 1) % 10);
      }
      text += "e" + std::to_string(exponent);
    }
    failed_ |= magnitude.failed_;
    Take(rest_.size() - magnitude.rest_.size());
    return negative ? "-" + text : text;
  }

  std::string Object() {
    std::string out = "{";
    for (uint8_t tag = Byte(); tag != 0 && !failed_; tag = Byte()) {
      const std::string name = Quoted(Escaped());
      out += (out.size() > 1 ? ", " : " ") + name + ": " + Value();
    }
    return out + (out.size() > 1 ? " }" : "}");
  }
  std::string Array() {
    std::string out = "[";
    while (!failed_ && !rest_.empty() && rest_.front() != '\0') {
      out += (out.size() > 1 ? ", " : " ") + Value();
    }
    Byte();
    return out + (out.size() > 1 ? " ]" : "]");
  }
  std::string Binary() {
    const uint64_t size = Number(4);
    const auto subtype = static_cast<int>(Byte());
    return "BinData(" + std::to_string(subtype) + ", " + Hex(Take(static_cast<size_t>(size))) + ")";
  }
  std::string Timestamp() {
    const uint64_t seconds = Number(4);
    return "Timestamp(" + std::to_string(seconds) + ", " + std::to_string(Number(4)) + ")";
  }
  std::string Regex() {
    const std::string pattern = UntilNul();
    return "/" + pattern + "/" + UntilNul();
  }

  static std::string Hex(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
      out.push_back(kDigits[static_cast<uint8_t>(c) >> 4]);
      out.push_back(kDigits[static_cast<uint8_t>(c) & 15]);
    }
    return out;
  }
  static std::string Quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out.push_back('\\');
      if (static_cast<uint8_t>(c) < 0x20) {
        out += "\\u00" + Hex(std::string_view(&c, 1));
      } else {
        out.push_back(c);
      }
    }
    return out + "\"";
  }

  std::string_view rest_;
  const TextForm form_;
  bool failed_ = false;
};

// The value that a cut lies above: its last byte was raised, and what were 0xFF behind it are lost.
std::optional<std::string> ValueBelow(std::string cut, TextForm form) {
  cut.back() = static_cast<char>(static_cast<uint8_t>(cut.back()) - 1);
  for (size_t i = 0; i <= kFixedBytesMax; ++i) {
    if (auto text = ValueReader(cut, form).Whole()) return text;
    cut.push_back('\xFF');
  }
  return std::nullopt;
}

// Where a type begins, which is also where the one before it ends.
std::string TypeCut(std::string_view cut) {
  switch (static_cast<uint8_t>(cut[0])) {
    case 0x01: return "MinKey";
    case 0x1E: return "nan";
    case 0x1F:
    case 0x20: return "-inf";
    case 0x21: return "inf";
    case 0x30: return "\"\"";
    case 0x31:
    case 0x40: return "{}";
    case 0x41:
    case 0x50: return "[]";
    case 0x51:
    case 0x60: return "BinData(0, )";
    case 0x61:
    case 0x68: return "ObjectId('000000000000000000000000')";
    case 0x69:
    case 0x70: return "false";
    case 0x72:
    case 0x78: return "new Date(-9223372036854775808)";
    case 0x79:
    case 0x80: return "Timestamp(0, 0)";
    case 0x81:
    case 0x88: return "//";
    default: return "MaxKey";
  }
}

// A cut within strings: of those that begin with a prefix.
std::optional<std::string> PrefixText(std::string_view cut, TextForm form) {
  if (form != TextForm::kBytes || cut.size() < 2 || cut[0] != 0x30) return std::nullopt;
  return ValueReader(std::string(cut).append(2, '\0'), form).Whole();
}

}  // namespace

std::string IntervalText(const KeyInterval& interval, TextForm form) {
  std::string out;
  if (auto text = ValueReader(interval.begin, form).Whole()) {
    out = "[" + *text;
  } else if (auto prefix = PrefixText(interval.begin, form)) {
    out = "[" + *prefix;
  } else if (interval.begin.size() == 1) {
    out = "[" + TypeCut(interval.begin);
  } else {
    out = "(" + ValueBelow(interval.begin, form).value_or(TypeCut(interval.begin));
  }
  out += ", ";
  if (interval.point) return out + *ValueReader(interval.begin, form).Whole() + "]";
  if (auto text = ValueReader(interval.end, form).Whole()) return out + *text + ")";
  if (auto prefix = PrefixText(interval.end, form)) return out + *prefix + ")";
  if (interval.end == "\xFF" || interval.end == "\x21") return out + TypeCut(interval.end) + "]";
  if (interval.end.size() == 1) return out + TypeCut(interval.end) + ")";
  return out + ValueBelow(interval.end, form).value_or(TypeCut(interval.end)) + "]";
}

}  // namespace nexadb::database
