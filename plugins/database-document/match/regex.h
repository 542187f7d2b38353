// Regular expressions of filters and expressions, on RE2: linear time, whatever the pattern. What
// RE2 cannot do (back-references, look-around) is refused with a message that says so.
// Const and thread-safe once compiled.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace nexadb::query {

class Regex {
 public:
  // Flags: i, m, s, x, u. Throws QueryError with `bad_flag_code` or 51091 (bad pattern).
  Regex(std::string_view pattern, std::string_view flags, int bad_flag_code);
  ~Regex();
  Regex(Regex&&) noexcept;

  bool Search(std::string_view text) const;
  struct Group {
    int64_t start = -1;  // -1: the group took no part
    int64_t size = 0;
  };
  // The first match at or after `from`: groups[0] is the whole. False when there is none.
  bool Find(std::string_view text, size_t from, std::vector<Group>* groups) const;
  int group_count() const;
  const std::string& pattern() const { return pattern_; }
  const std::string& flags() const { return flags_; }

 private:
  std::string pattern_;
  std::string flags_;
  std::unique_ptr<re2::RE2> re2_;
};

}  // namespace nexadb::query
