#include "plugins/api-rest/parameters.h"

#include <charconv>

#include "core/base/units.h"
#include "nexadb/bson.h"
#include "plugins/api-rest/problem.h"

namespace nexadb::rest {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Status Bad(std::string_view name, std::string_view expected, std::string_view got) {
  return MakeError(ErrorId::kInvalidParameter, "The parameter '" + std::string(name) + "' takes " +
                                                   std::string(expected) + ", not '" +
                                                   std::string(got.substr(0, 100)) + "'.");
}

// A hundred years: later moments do not fit what the storage keeps beside a value.
constexpr int64_t kDurationMsMax = 100ll * 365 * 86'400'000;

}  // namespace

bool DecodePercent(std::string_view text, std::string& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      if (i + 2 >= text.size()) return false;
      const int high = HexDigit(text[i + 1]);
      const int low = HexDigit(text[i + 2]);
      if (high < 0 || low < 0) return false;
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    }
  }
  return true;
}

std::string EncodePercent(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<uint8_t>(c);
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  return out;
}

Result<Parameters> Parameters::Parse(std::string_view query) {
  Parameters parsed;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view part = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (part.empty()) continue;
    const size_t equals = std::min(part.find('='), part.size());
    std::string name;
    std::string value;
    if (!DecodePercent(part.substr(0, equals), name) ||
        (equals < part.size() && !DecodePercent(part.substr(equals + 1), value))) {
      return MakeError(ErrorId::kInvalidParameter,
                       "The query string has a '%' that two hexadecimal digits do not follow.");
    }
    if (!bson::internal::ValidUtf8(name) || !bson::internal::ValidUtf8(value)) {
      return MakeError(ErrorId::kInvalidParameter, "The query string is not UTF-8.");
    }
    if (parsed.Get(name)) {
      return MakeError(ErrorId::kInvalidParameter, "The parameter '" + name + "' is given twice.");
    }
    parsed.pairs_.emplace_back(std::move(name), std::move(value));
  }
  return parsed;
}

std::optional<std::string_view> Parameters::Get(std::string_view name) const {
  for (const auto& [key, value] : pairs_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

Result<uint64_t> Parameters::Number(std::string_view name, uint64_t absent, uint64_t least,
                                    uint64_t most) const {
  const auto text = Get(name);
  if (!text) return absent;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < least || value > most) {
    return Bad(name, "an integer from " + std::to_string(least) + " to " + std::to_string(most),
               *text);
  }
  return value;
}

Result<bool> Parameters::Flag(std::string_view name, bool absent) const {
  const auto text = Get(name);
  if (!text) return absent;
  if (*text == "true" || *text == "1" || text->empty()) return true;
  if (*text == "false" || *text == "0") return false;
  return Bad(name, "true or false", *text);
}

Result<uint64_t> Parameters::Duration(std::string_view name, uint64_t absent) const {
  const auto text = Get(name);
  if (!text) return absent;
  const bool is_bare = text->find_first_not_of("0123456789") == std::string_view::npos;
  const auto ms = base::ParseDuration(is_bare ? std::string(*text) + "s" : std::string(*text));
  if (!ms || *ms == 0 || *ms > kDurationMsMax) {
    return Bad(name, "a duration such as 500ms, 60s, 5m, 2h or 7d", *text);
  }
  return static_cast<uint64_t>(*ms);
}

}  // namespace nexadb::rest
