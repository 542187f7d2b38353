// ReadSet: the keys and ranges a serializable transaction has read from its snapshot, to be
// validated on commit. Ranges are those that were really walked, not those asked for. [serial]
#pragma once
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nexadb::memory {

class ReadSet {
 public:
  void AddKey(std::string_view key) { keys_.emplace(key); }
  // [begin, end); an empty end reaches past the last key. Neighbours in walking order are merged.
  void AddRange(std::string begin, std::string end) {
    if (!ranges_.empty()) {
      auto& [last_begin, last_end] = ranges_.back();
      if (!last_end.empty() && last_end == begin) {
        last_end = std::move(end);
        return;
      }
      if (!end.empty() && end == last_begin) {
        last_begin = std::move(begin);
        return;
      }
    }
    ranges_.emplace_back(std::move(begin), std::move(end));
  }
  const std::set<std::string, std::less<>>& keys() const noexcept { return keys_; }
  const std::vector<std::pair<std::string, std::string>>& ranges() const noexcept {
    return ranges_;
  }

 private:
  std::set<std::string, std::less<>> keys_;
  std::vector<std::pair<std::string, std::string>> ranges_;
};

}  // namespace nexadb::memory
