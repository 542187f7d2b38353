#include "core/kernel/options.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <sstream>

namespace nexadb::kernel {
namespace {

namespace po = boost::program_options;

po::options_description Describe() {
  po::options_description flags("Flags");
  auto add = flags.add_options();
  add("config", po::value<std::string>()->value_name("FILE"), "the configuration (TOML)");
  add("check", "report every mistake in the configuration and exit; no plugin code runs");
  add("print-wiring", "show which instance fills which slot, and exit");
  add("print-config", "show every option in force and where it comes from, and exit");
  add("inspect", po::value<std::string>()->value_name("LIB"),
      "show what a plugin says of itself, without running it");
  add("data-dir", po::value<std::string>()->value_name("DIR"), "kernel.data_dir");
  add("set", po::value<std::vector<std::string>>()->value_name("KEY=VALUE"),
      "any option, for instance plugins.lsm.config.durability=os; may be repeated");
  add("dev", "a developer's own machine: plugins may offer conveniences");
  add("version", "show the version and exit");
  add("help", "show this and exit");
  return flags;
}

// The first that is given counts.
constexpr std::pair<const char*, Command> kCommands[] = {
    {"help", Command::kHelp},
    {"version", Command::kVersion},
    {"inspect", Command::kInspect},
    {"check", Command::kCheck},
    {"print-wiring", Command::kPrintWiring},
    {"print-config", Command::kPrintConfig},
};

bool NeedsConfig(Command command) {
  return command != Command::kHelp && command != Command::kVersion && command != Command::kInspect;
}

}  // namespace

Result<Options> ParseOptions(int argc, const char* const* argv) {
  Options options;
  try {
    po::variables_map map;
    const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(argc, argv)
                  .options(Describe())
                  .positional(po::positional_options_description())
                  .style(style)
                  .run(),
              map);
    const auto given = [&](const auto& command) { return map.count(command.first) != 0; };
    const auto* command = std::find_if(std::begin(kCommands), std::end(kCommands), given);
    if (command != std::end(kCommands)) options.command = command->second;
    options.dev_mode = map.count("dev") != 0;
    if (map.count("config") != 0) options.config_path = map["config"].as<std::string>();
    if (map.count("inspect") != 0) options.inspect_path = map["inspect"].as<std::string>();
    if (map.count("data-dir") != 0) options.data_dir = map["data-dir"].as<std::string>();
    if (map.count("set") != 0) options.sets = map["set"].as<std::vector<std::string>>();
  } catch (const po::error& error) {
    return Status::Error(Code::kInvalidArgument, std::string(error.what()) + "; see --help");
  }
  if (options.config_path.empty() && NeedsConfig(options.command)) {
    return Status::Error(Code::kInvalidArgument,
                         "no configuration given; start it as: nexadb-kernel --config nexadb.toml");
  }
  return options;
}

std::string HelpText() {
  std::ostringstream out;
  out << "nexadb-kernel --config FILE [flags]\n\nLoads the plugins that FILE names, wires them and "
         "runs them until SIGTERM or SIGINT.\n\n"
      << Describe()
      << "\nAn option's value comes from, first wins: flag, environment (NEXADB_KERNEL_DATA_DIR,\n"
         "NEXADB_<INSTANCE>_<KEY>), file, default.\n"
         "Exit status: 0 stopped as asked, 1 could not start or was stopped at once, 2 mistake in "
         "the\ncommand line or the configuration.\n";
  return out.str();
}

}  // namespace nexadb::kernel
