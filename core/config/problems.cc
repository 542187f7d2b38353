#include "core/config/problems.h"

namespace nexadb::config {

void Problems::Add(std::string_view where, std::string_view path, std::string_view message) {
  std::string line;
  for (std::string_view part : {where, path}) {
    if (!part.empty()) line.append(part).append(": ");
  }
  lines_.push_back(line.append(message));
}

}  // namespace nexadb::config
