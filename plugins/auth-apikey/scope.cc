#include "plugins/auth-apikey/scope.h"

#include <algorithm>

namespace nexadb::auth {
namespace {

constexpr std::string_view kActionNames[] = {"read", "write", "manage", "admin"};
constexpr std::string_view kBucketPrefix = "kv:";

// "*" is any run of characters. Linear in the text for each star: the last star alone is retried.
bool Matches(std::string_view pattern, std::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;
  size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool NameMatches(std::string_view pattern, std::string_view name) {
  if (pattern == "*") return true;
  if (name.empty()) return false;  // the database as a whole
  if (name.starts_with(kBucketPrefix) != pattern.starts_with(kBucketPrefix)) return false;
  return Matches(pattern, name);
}

}  // namespace

Scope::Scope(uint32_t actions, const std::vector<std::string>& patterns) : actions_(actions) {
  for (const std::string& pattern : patterns) {
    const size_t slash = pattern.find('/');
    if (slash == std::string::npos) {
      patterns_.push_back({std::string(kDefaultDatabase), pattern});
    } else {
      patterns_.push_back({pattern.substr(0, slash), pattern.substr(slash + 1)});
    }
  }
}

bool Scope::Allows(Action action, const Resource& resource) const {
  const auto bit = static_cast<uint32_t>(action);
  if (bit > 31 || (actions_ >> bit & 1) == 0) return false;
  const std::string_view name = resource.name;
  std::string_view database = resource.database;
  const bool server = database.empty() && name.empty();
  if (database.empty()) database = kDefaultDatabase;
  return std::any_of(patterns_.begin(), patterns_.end(), [&](const Pattern& pattern) {
    if (server) return pattern.database == "*" && pattern.name == "*";
    return Matches(pattern.database, database) && NameMatches(pattern.name, name);
  });
}

bool Scope::full() const {
  return actions_ == kAllActions &&
         std::any_of(patterns_.begin(), patterns_.end(), [](const Pattern& pattern) {
           return pattern.database == "*" && pattern.name == "*";
         });
}

const char* CheckPattern(std::string_view pattern) {
  if (pattern.empty()) return "is empty";
  if (pattern.size() > kPatternBytesMax) return "is longer than 256 bytes";
  for (const char c : pattern) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7F) {
      return "has white space or control characters";
    }
  }
  const size_t slash = pattern.find('/');
  if (slash == std::string_view::npos) return nullptr;
  if (slash == 0) return "names no database before '/'";
  if (slash + 1 == pattern.size()) return "names nothing after '/'; 'shop/*' is all of shop";
  if (pattern.find('/', slash + 1) != std::string_view::npos) return "has two '/'";
  return nullptr;
}

uint32_t ActionBit(std::string_view name) {
  for (uint32_t i = 0; i < std::size(kActionNames); ++i) {
    if (kActionNames[i] == name) return 1u << i;
  }
  return 0;
}

std::vector<std::string_view> ActionNames(uint32_t actions) {
  std::vector<std::string_view> names;
  for (uint32_t i = 0; i < std::size(kActionNames); ++i) {
    if ((actions >> i & 1) != 0) names.push_back(kActionNames[i]);
  }
  return names;
}

}  // namespace nexadb::auth
