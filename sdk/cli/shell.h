// The interactive shell: the original's commands over one chosen collection. Reads a terminal, with
// history and completion, or a pipe, a command a line.
#pragma once
#include <string>
#include <vector>

#include "sdk/cli/commands.h"

namespace nexadb::cli {

class Shell {
 public:
  explicit Shell(Commands& commands) : commands_(commands) {}

  // Runs until `exit` or the end of input. True when every command succeeded.
  bool RunTerminal();
  bool RunPipe();

  // One command; false when it asks to leave. Failures are told on stderr and remembered.
  bool Execute(const std::string& line);

  // What the word that begins with `prefix` may be completed to, after `before` on its line.
  std::vector<std::string> Completions(const std::string& before, const std::string& prefix);

 private:
  void Dispatch(const std::string& line);
  void Call(const std::string& collection, const std::string& method, const std::string& arguments);
  // Adds the collections' names, each between `before` and `after`.
  void AddCollections(const char* before, const char* after, std::vector<std::string>& words);
  const std::string& Chosen() const;
  std::string Prompt() const;

  Commands& commands_;
  std::string collection_;
  bool failed_ = false;
};

}  // namespace nexadb::cli
