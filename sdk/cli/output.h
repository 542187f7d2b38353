// What the command line writes: JSON to stdout, pretty on a terminal and compact in a pipe, and
// words to stderr.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace nexadb::cli {

enum class Style { kCompact, kPretty };

// Pretty when stdout is a terminal.
Style StyleForStdout();

// `json` again, laid out. Text that is not JSON comes back as it is.
std::string Layout(std::string_view json, Style style);

// A member of a JSON object as JSON text, empty when absent; and as plain text when it is a string.
std::string Member(std::string_view object, const char* name);
std::string MemberText(std::string_view object, const char* name);

// The elements of a JSON array (or of the array under `name` in an object), each as JSON text.
std::vector<std::string> Elements(std::string_view array);
std::vector<std::string> Elements(std::string_view object, const char* name);

// `text` as a JSON string.
std::string Quote(std::string_view text);

void PrintLine(std::string_view text);

// How far it is, on stderr: nothing unless stderr is a terminal. In per cent of `total` bytes; in
// bytes where that is 0, unknown.
class Progress {
 public:
  Progress(std::string_view what, uint64_t total);
  ~Progress();
  void Advance(uint64_t done);

 private:
  std::string what_;
  uint64_t total_;
  uint64_t shown_ = ~uint64_t{0};
  bool visible_;
};

}  // namespace nexadb::cli
