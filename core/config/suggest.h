// Suggest: the name that the user may have meant.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace nexadb::config {

// ` (did you mean "x"?)` for the candidate nearest to `name`, or "" when none is near: more than
// a third of the letters would have to change (insert, drop, replace or swap two neighbours).
std::string Suggest(std::string_view name, const std::vector<std::string_view>& candidates);

}  // namespace nexadb::config
