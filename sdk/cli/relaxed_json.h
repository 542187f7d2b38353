// Relaxed JSON, as people type it, to strict JSON: unquoted names, single quotes, trailing commas,
// comments, and Python's True, False and None beside JSON's words.
//
//   {name: 'Ada', tags: ['x',], /* why */ ok: True}  →  {"name":"Ada","tags":["x"],"ok":true}
//
// Malformed input throws RelaxedJsonError with the place. Nesting is bounded by kRelaxedDepthMax.
#pragma once
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace nexadb::cli {

constexpr int kRelaxedDepthMax = 200;

class RelaxedJsonError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// One value; anything after it but white space is an error.
std::string ToStrictJson(std::string_view relaxed);

// The values of an argument list, "a, {b: 1}", each as strict JSON.
std::vector<std::string> ToStrictArguments(std::string_view relaxed);

// True when every bracket, quote and comment that `text` opens is closed: the shell may run it.
bool IsComplete(std::string_view text);

}  // namespace nexadb::cli
