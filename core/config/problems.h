// Problems: every mistake found in a configuration, so that the user sees them all at once.
// Not thread-safe.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace nexadb::config {

class Problems {
 public:
  // One line: "where: path: message". `where` or `path` may be empty.
  void Add(std::string_view where, std::string_view path, std::string_view message) {
    std::string line;
    for (std::string_view part : {where, path}) {
      if (!part.empty()) line.append(part).append(": ");
    }
    lines_.push_back(line.append(message));
  }
  bool empty() const { return lines_.empty(); }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::vector<std::string> lines_;
};

}  // namespace nexadb::config
