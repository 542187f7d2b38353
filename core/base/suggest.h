// Suggest: the name that the user may have meant. Pure functions.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace nexadb::base {

// The candidate that takes the fewest edits of `name` (insert, drop, replace or swap two
// neighbours), at most `edits_max` and fewer than it has letters; the first of several, or "".
std::string_view Nearest(std::string_view name, const std::vector<std::string_view>& candidates,
                         size_t edits_max);

// ` (did you mean "x"?)` for the candidate nearest to `name`, or "" when none is near: more than
// a third of the letters would have to change.
std::string Suggest(std::string_view name, const std::vector<std::string_view>& candidates);

}  // namespace nexadb::base
