// Apart: runs a function in a process of its own, so that whatever it does (crash, hang, exit,
// scribble over memory) ends there. The calling process must have one thread only.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

namespace nexadb::check {

struct Outcome {
  enum class Kind : uint8_t { kReturned, kCrashed, kHung };
  Kind kind = Kind::kReturned;
  int value = 0;       // what the function returned, or the signal that ended it
  std::string output;  // all that the process wrote
  uint64_t elapsed_ms = 0;

  bool Good() const { return kind == Kind::kReturned && value == 0; }
  // "crashed with signal 11 (Segmentation fault)"; empty when it returned.
  std::string Trouble() const;
};

// `body` returns 0 to 255. Past the time limit the process and its children are killed.
Outcome RunApart(const std::function<int()>& body, uint64_t time_limit_ms);

}  // namespace nexadb::check
