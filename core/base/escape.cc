#include "core/base/escape.h"

namespace nexadb::base {
namespace {

void Append(std::string& out, std::string_view text, bool in_quotes) {
  constexpr char kHex[] = "0123456789abcdef";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      out.append("\\u00").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
    } else if (in_quotes && (c == '"' || c == '\\')) {
      out.append(1, '\\').append(1, c);
    } else {
      out.push_back(c);
    }
  }
}

}  // namespace

std::string Escaped(std::string_view text) {
  std::string out;
  Append(out, text, false);
  return out;
}

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  Append(out, text, true);
  return out + "\"";
}

}  // namespace nexadb::base
