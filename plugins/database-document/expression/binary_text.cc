#include "plugins/database-document/expression/binary_text.h"

namespace nexadb::query {
namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr int kUuidSubtype = 4;
constexpr size_t kUuidBytes = 16;

bool DecodeBase64(std::string_view text, std::string_view alphabet, bool padded,
                  std::string* bytes) {
  if (padded && text.size() % 4 != 0) return false;
  size_t padding = 0;
  while (padding < 2 && !text.empty() && text.back() == '=') {
    text.remove_suffix(1);
    ++padding;
  }
  if (text.size() % 4 == 1) return false;
  if (padding != 0 && (text.size() + padding) % 4 != 0) return false;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const size_t digit = alphabet.find(c);
    if (digit == std::string_view::npos) return false;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes->push_back(static_cast<char>(bits >> count));
    }
  }
  return true;
}

std::string EncodeBase64(BytesView bytes, std::string_view alphabet, bool padded) {
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t bits = static_cast<uint32_t>(bytes[i]) << 16;
    if (i + 1 < bytes.size()) bits |= static_cast<uint32_t>(bytes[i + 1]) << 8;
    if (i + 2 < bytes.size()) bits |= bytes[i + 2];
    out.push_back(alphabet[bits >> 18]);
    out.push_back(alphabet[(bits >> 12) & 63]);
    if (i + 1 < bytes.size()) out.push_back(alphabet[(bits >> 6) & 63]);
    if (i + 2 < bytes.size()) out.push_back(alphabet[bits & 63]);
  }
  while (padded && out.size() % 4 != 0) out.push_back('=');
  return out;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool DecodeHex(std::string_view text, std::string* bytes) {
  if (text.size() % 2 != 0) return false;
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = HexDigit(text[i]);
    const int low = HexDigit(text[i + 1]);
    if (high < 0 || low < 0) return false;
    bytes->push_back(static_cast<char>(high * 16 + low));
  }
  return true;
}

std::string EncodeHex(BytesView bytes, std::string_view digits) {
  std::string out;
  for (const uint8_t b : bytes) {
    out.push_back(digits[b >> 4]);
    out.push_back(digits[b & 15]);
  }
  return out;
}

bool DecodeUuid(std::string_view text, std::string* bytes) {
  if (text.size() != 36) return false;
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (text[i] == '-')) return false;
    if (!dash) digits.push_back(text[i]);
  }
  return DecodeHex(digits, bytes);
}

}  // namespace

bool IsBinaryFormat(std::string_view format) {
  return format == "base64" || format == "base64url" || format == "hex" || format == "utf8" ||
         format == "uuid" || format == "auto";
}

bool DecodeBinaryText(std::string_view text, std::string_view format, int subtype,
                      std::string* bytes) {
  if ((format == "uuid") != (subtype == kUuidSubtype)) return false;
  if (format == "base64") return DecodeBase64(text, kBase64, true, bytes);
  if (format == "base64url") return DecodeBase64(text, kBase64Url, false, bytes);
  if (format == "hex") return DecodeHex(text, bytes);
  if (format == "uuid") return DecodeUuid(text, bytes);
  if (format == "utf8") {
    *bytes = text;
    return true;
  }
  return false;
}

bool EncodeBinaryText(const bson::Value& binary, std::string_view format, std::string* text) {
  const BytesView bytes = binary.Binary();
  if (format == "base64") {
    *text = EncodeBase64(bytes, kBase64, true);
  } else if (format == "base64url") {
    *text = EncodeBase64(bytes, kBase64Url, false);
  } else if (format == "hex") {
    *text = EncodeHex(bytes, "0123456789ABCDEF");
  } else if (format == "utf8") {
    if (!bson::internal::ValidUtf8(AsText(bytes))) return false;
    *text = AsText(bytes);
  } else if (format == "uuid") {
    if (binary.BinarySubtype() != kUuidSubtype || bytes.size() != kUuidBytes) return false;
    *text = EncodeHex(bytes, "0123456789abcdef");
    for (const size_t at : {size_t{20}, size_t{16}, size_t{12}, size_t{8}}) text->insert(at, "-");
  } else {
    return false;
  }
  return true;
}

}  // namespace nexadb::query
