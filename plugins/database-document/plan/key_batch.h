// KeyBatch: keys of documents in the order in which they are to be read. The bytes lie one behind
// the other. One thread at a time.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace nexadb::database {

class KeyBatch {
 public:
  // The key is `prefix` and `rest`.
  void Add(std::string_view prefix, std::string_view rest) {
    bytes_.append(prefix).append(rest);
    ends_.push_back(bytes_.size());
  }
  void Add(std::string_view key) { Add(key, {}); }
  size_t size() const { return ends_.size(); }
  bool empty() const { return ends_.empty(); }
  // Borrowed until the next Add.
  std::string_view operator[](size_t i) const {
    const size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(begin, ends_[i] - begin);
  }

 private:
  std::string bytes_;
  std::vector<size_t> ends_;
};

}  // namespace nexadb::database
