// Escape: text from anywhere, made to stand in one line. Pure functions.
#pragma once
#include <string>
#include <string_view>

namespace nexadb::base {

// Control characters as \n, \t or \u00XX.
std::string Escaped(std::string_view text);

// In double quotes, with quotes and backslashes escaped too. JSON and TOML read it back as it was.
std::string Quoted(std::string_view text);

}  // namespace nexadb::base
