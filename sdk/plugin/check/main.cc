// nexadb-plugin-check: holds a built plugin to the laws of its interfaces.
//
// Reads the manifest as the kernel does, picks the kits for what it provides, and runs each law in
// a process of its own: one that crashes or hangs is that law's failure, and the rest go on. Prints
// one line a law, what a broken law said, and a summary. Exit status: 0 all kept, 1 not, 2 misuse.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>
#include <iterator>
#include <sstream>

#include "apart.h"
#include "core/base/crash_report.h"
#include "laws.h"

namespace nexadb::check {
namespace {

constexpr const char* kUsage =
    "use: nexadb-plugin-check [options] PLUGIN.so\n"
    "  --config FILE      the plugin's configuration, TOML (or JSON: *.json); default: none\n"
    "  --with LIBRARY[=FILE]  a plugin that fills a slot, and its configuration; repeatable,\n"
    "                     each one's own slots are filled by those before it\n"
    "  --law PATTERN      only the laws whose <Kit>.<Law> matches, as in 'StorageEngine.*'\n"
    "  --seed N           of random laws; a failure prints the one it had\n"
    "  --time-limit S     seconds a law may take (default 120)\n"
    "  --list             prints the laws and runs none\n";

struct Options {
  testkit::PluginSuite suite;
  std::string pattern = "*";
  uint64_t seed = testkit::TestSeed();
  uint64_t time_limit_ms = 120'000;
  bool list = false;
};

Status Misuse(const std::string& text) { return Status::Error(Code::kInvalidArgument, text); }

Result<uint64_t> Number(const std::string& text, const std::string& option) {
  char* end = nullptr;
  const uint64_t number = ::strtoull(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0') return Misuse(option + " takes a number, not '" + text + "'");
  return number;
}

Status AddCompanion(const std::string& text, Options& options) {
  const size_t equals = text.find('=');
  testkit::PluginPart part{text.substr(0, equals), "{}"};
  if (equals != std::string::npos) {
    auto config = testkit::ReadConfiguration(text.substr(equals + 1));
    if (!config.ok()) return config.status();
    part.config = *config;
  }
  options.suite.with.push_back(part);
  return {};
}

Status TakeOption(const std::string& option, const std::string& value, Options& options) {
  if (option == "--config") {
    auto config = testkit::ReadConfiguration(value);
    if (!config.ok()) return config.status();
    options.suite.plugin.config = *config;
    return {};
  }
  if (option == "--with") return AddCompanion(value, options);
  if (option == "--law") {
    options.pattern = value;
    return {};
  }
  if (option != "--seed" && option != "--time-limit") return Misuse("no option " + option);
  auto number = Number(value, option);
  if (!number.ok()) return number.status();
  if (option == "--seed") {
    options.seed = *number;
  } else {
    options.time_limit_ms = *number * 1000;
  }
  return {};
}

Result<Options> ReadOptions(const std::vector<std::string>& arguments) {
  Options options;
  std::string& library = options.suite.plugin.library;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--list") {
      options.list = true;
    } else if (!argument.starts_with("--")) {
      if (!library.empty()) return Misuse("one plugin at a time, not '" + argument + "' too");
      library = argument;
    } else if (i + 1 == arguments.size()) {
      return Misuse(argument + " needs a value");
    } else if (Status s = TakeOption(argument, arguments[++i], options); !s.ok()) {
      return s;
    }
  }
  if (library.empty()) return Misuse("which plugin?");
  return options;
}

// What a broken law said, without GoogleTest's own lines.
void PrintOutput(const std::string& output) {
  constexpr int kLinesMax = 40;
  std::istringstream lines(output);
  int printed = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '[' || line.starts_with("Note: Google Test filter")) continue;
    if (++printed > kLinesMax) {
      std::printf("      | … run it alone with --law to see all\n");
      return;
    }
    std::printf("      | %s\n", line.c_str());
  }
}

// 0 when the law was kept.
int Judge(const std::string& law, const Options& options) {
  const Outcome outcome = RunApart([&] { return RunLaw(law); }, options.time_limit_ms);
  if (outcome.Good()) {
    std::printf("ok    %s (%llu ms)\n", law.c_str(),
                static_cast<unsigned long long>(outcome.elapsed_ms));
    return 0;
  }
  const std::string trouble = outcome.Trouble();
  std::printf("FAIL  %s%s%s\n", law.c_str(), trouble.empty() ? "" : ": ", trouble.c_str());
  PrintOutput(outcome.output);
  return 1;
}

// Apart too: asking runs the plugin for the first time.
Durability LearnDurability(const Options& options) {
  constexpr int kDurable = 10, kVolatile = 11;
  const Outcome asked = RunApart(
      [&] {
        auto answer = AskDurability(options.suite);
        if (answer.ok()) return *answer == Durability::kDurable ? kDurable : kVolatile;
        std::fprintf(stderr, "%s\n", std::string(answer.status().message()).c_str());
        return 1;
      },
      options.time_limit_ms);
  if (asked.value == 1 || !asked.Trouble().empty()) {
    std::printf("note: the plugin does not come up with this configuration%s%s\n",
                asked.Trouble().empty() ? "" : ": it ", asked.Trouble().c_str());
    PrintOutput(asked.output);
  }
  return asked.value == kDurable ? Durability::kDurable : Durability::kVolatile;
}

int Run(const Options& options) {
  const std::string& library = options.suite.plugin.library;
  auto summary = testkit::InspectPlugin(library);
  if (!summary.ok()) {
    std::printf("refused: %s\n", std::string(summary.status().message()).c_str());
    return 1;
  }
  const std::string seed = std::to_string(options.seed);
  ::setenv("NEXADB_TEST_SEED", seed.c_str(), 1);
  std::string provides;
  for (const std::string& interface : summary->provides) provides += " " + interface;
  std::printf("%s %s, provides%s; seed %s\n", summary->id.c_str(), summary->version.c_str(),
              provides.empty() ? " nothing" : provides.c_str(), seed.c_str());
  for (const std::string& interface :
       RegisterKits(options.suite, *summary, LearnDurability(options))) {
    std::printf("note: there is no kit for %s\n", interface.c_str());
  }
  const std::vector<std::string> laws = LawsMatching(options.pattern);
  if (laws.empty()) {
    std::printf("no law matches '%s'\n", options.pattern.c_str());
    return 2;
  }
  size_t broken = 0;
  for (const std::string& law : laws) {
    if (options.list) {
      std::printf("%s\n", law.c_str());
    } else {
      broken += static_cast<size_t>(Judge(law, options));
    }
    std::fflush(stdout);
  }
  if (options.list) return 0;
  std::printf("%s %s: %zu laws kept, %zu broken (seed %s)\n", summary->id.c_str(),
              summary->version.c_str(), laws.size() - broken, broken, seed.c_str());
  return broken == 0 ? 0 : 1;
}

}  // namespace
}  // namespace nexadb::check

int main(int argc, char** argv) {
  nexadb::base::InstallCrashReport("nexadb-plugin-check");
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  for (const std::string& argument : arguments) {
    if (argument != "--help") continue;
    std::fputs(nexadb::check::kUsage, stdout);
    return 0;
  }
  // GoogleTest's own flags come from the environment (GTEST_…) only.
  int none = 1;
  ::testing::InitGoogleTest(&none, argv);
  auto options = nexadb::check::ReadOptions(arguments);
  if (!options.ok()) {
    std::fprintf(stderr, "nexadb-plugin-check: %s\n%s",
                 std::string(options.status().message()).c_str(), nexadb::check::kUsage);
    return 2;
  }
  return nexadb::check::Run(*options);
}
