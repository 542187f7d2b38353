#include "plugins/database-document/match/regex.h"

#include <re2/re2.h>

#include "core/document/error.h"
#include "core/document/limits.h"
#include "plugins/database-document/value/failure.h"

namespace nexadb::query {
namespace {

// Extended syntax: white space and comments outside classes do not count. RE2 has no such mode.
std::string StripExtended(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      out.push_back(c);
      out.push_back(pattern[++i]);
    } else if (in_class) {
      in_class = c != ']';
      out.push_back(c);
    } else if (c == '#') {
      while (i + 1 < pattern.size() && pattern[i + 1] != '\n') ++i;
    } else if (c != ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\v' && c != '\f') {
      in_class = c == '[';
      out.push_back(c);
    }
  }
  return out;
}

// Names groups RE2's way: (?<name>…) is (?P<name>…) there.
std::string NameGroups(std::string_view pattern) {
  std::string out;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      if (pattern[i + 1] == 'Z') {
        out.append("\\n?\\z");  // the end, or before a last line break
        ++i;
        continue;
      }
      out.push_back(pattern[i]);
      out.push_back(pattern[++i]);
      continue;
    }
    out.push_back(pattern[i]);
    const bool named = pattern.substr(i).starts_with("(?<") && i + 3 < pattern.size() &&
                       pattern[i + 3] != '=' && pattern[i + 3] != '!';
    if (named) {
      out.append("?P<");
      i += 2;
    }
  }
  return out;
}

}  // namespace

Regex::Regex(std::string_view pattern, std::string_view flags, int bad_flag_code)
    : pattern_(pattern), flags_(flags) {
  const auto size = static_cast<int64_t>(pattern.size());
  if (size > kRegexBytesMax) {
    Require(LimitError(ErrorId::kRegexTooLong, "regex_bytes", kRegexBytesMax, size));
  }
  std::string prefix;
  bool extended = false;
  for (const char flag : flags) {
    switch (flag) {
      case 'i':
      case 'm':
      case 's': prefix.push_back(flag); break;
      case 'x': extended = true; break;
      case 'u': break;
      default: Fail(bad_flag_code, std::string("invalid flag in regex options: ") + flag);
    }
  }
  std::string text = NameGroups(extended ? StripExtended(pattern) : std::string(pattern));
  if (!prefix.empty()) text = "(?" + prefix + ")" + text;
  RE2::Options options;
  options.set_log_errors(false);
  re2_ = std::make_unique<RE2>(text, options);
  if (re2_->ok()) return;
  std::string message = "Regular expression is invalid: " + re2_->error();
  if (re2_->error_code() == RE2::ErrorBadPerlOp || re2_->error_code() == RE2::ErrorBadEscape) {
    message += " (look-around and back-references are not supported)";
  }
  Fail(51091, message);
}

Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;

bool Regex::Search(std::string_view text) const {
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *re2_);
}

int Regex::group_count() const { return re2_->NumberOfCapturingGroups(); }

bool Regex::Find(std::string_view text, size_t from, std::vector<Group>* groups) const {
  const int count = group_count() + 1;
  std::vector<re2::StringPiece> found(static_cast<size_t>(count));
  const re2::StringPiece whole(text.data(), text.size());
  if (!re2_->Match(whole, from, text.size(), RE2::UNANCHORED, found.data(), count)) return false;
  groups->clear();
  for (const re2::StringPiece& piece : found) {
    Group g;
    if (piece.data() != nullptr) {
      g.start = piece.data() - text.data();
      g.size = static_cast<int64_t>(piece.size());
    }
    groups->push_back(g);
  }
  return true;
}

}  // namespace nexadb::query
