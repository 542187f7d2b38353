// What nexadb says of itself beside --help: its manual page and the completion of shells, written
// from the commands as they are declared, so that neither can tell of another program.
#pragma once
#include <CLI/App.hpp>
#include <string>
#include <string_view>

namespace nexadb::cli {

// One row of what the program exits with.
struct ExitMeaning {
  int status;
  std::string_view meaning;
};

// nexadb(1) in the man macros of roff. Sections that no declaration knows (files, examples) are
// told here.
std::string ManualPage(const CLI::App& program, const ExitMeaning* meanings, size_t count);

// A script to source: completes commands, options, their values, files, and names of collections,
// which it asks the server for.
std::string BashCompletion(const CLI::App& program);
// The same for zsh, to source after compinit or to find in fpath as _nexadb.
std::string ZshCompletion(const CLI::App& program);
std::string FishCompletion(const CLI::App& program);

// All commands of `parent`, in the order of their declaration.
std::vector<const CLI::App*> CommandsOf(const CLI::App& parent);

}  // namespace nexadb::cli
