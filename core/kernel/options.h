// Options: nexadb-kernel's command line.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "nexadb/abi.h"

namespace nexadb::kernel {

enum class Command : uint8_t {
  kRun,
  kCheck,
  kPrintWiring,
  kPrintConfig,
  kInspect,
  kVersion,
  kHelp
};

struct Options {
  Command command = Command::kRun;
  std::string config_path;
  std::string inspect_path;
  std::optional<std::string> data_dir;
  std::vector<std::string> sets;  // "plugins.lsm.config.durability=os"
  bool dev_mode = false;
};

// kInvalidArgument says what is wrong with the command line.
Result<Options> ParseOptions(int argc, const char* const* argv);

// The text of --help.
std::string HelpText();

// What nexadb-kernel exits with.
constexpr int kExitOk = 0;
constexpr int kExitFailure = 1;  // could not start, or a second signal cut the drain short
constexpr int kExitUsage = 2;    // command line or configuration

}  // namespace nexadb::kernel
