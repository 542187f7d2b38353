#include "sdk/cli/manual.h"

#include <CLI/CLI.hpp>

namespace nexadb::cli {
namespace {

// Text as roff prints it: '-' is a hyphen there unless escaped, and a dot that begins a line a
// macro.
std::string Roff(std::string_view text) {
  std::string out;
  if (!text.empty() && (text[0] == '.' || text[0] == '\'')) out += "\\&";
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

bool TakesValue(const CLI::Option& option) { return option.get_expected_max() > 0; }

std::string ValueName(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const size_t list = type.find('{');
  if (list != std::string::npos) return type.substr(list);
  return type == "UINT" ? "NUMBER" : type;
}

// "--format {auto,csv}", "-h,--help".
std::string Spelling(const CLI::Option& option) {
  std::string text = option.get_name(false, true);
  if (TakesValue(option)) text += " " + ValueName(option);
  return text;
}

std::string Explanation(const CLI::Option& option) {
  std::string text = option.get_description();
  const auto append = [&](const std::string& more) { text += (text.empty() ? "" : "; ") + more; };
  if (!option.get_default_str().empty()) append("default " + option.get_default_str());
  if (!option.get_envname().empty()) append("from the environment: " + option.get_envname());
  return text;
}

void AppendOptions(const CLI::App& command, std::string& out) {
  for (const CLI::Option* option : command.get_options()) {
    if (option->nonpositional() && option->get_name() == "--help" &&
        command.get_parent() != nullptr) {
      continue;
    }
    const std::string name = option->nonpositional() ? Spelling(*option) : option->get_name(true);
    const std::string text = Explanation(*option);
    if (!option->nonpositional() && text.empty()) continue;  // the synopsis has said its name
    out += ".TP\n.B " + Roff(name) + "\n" + Roff(text.empty() ? "A number" : text) + "\n";
  }
}

std::string Synopsis(const CLI::App& command, const std::string& path) {
  std::string text = path;
  for (const CLI::Option* option : command.get_options()) {
    if (option->nonpositional()) continue;
    const std::string name = option->get_name(true);
    text += option->get_required() ? " " + name : " [" + name + "]";
  }
  return text;
}

void AppendCommands(const CLI::App& parent, const std::string& path, std::string& out) {
  for (const CLI::App* command : CommandsOf(parent)) {
    const std::string own = path + command->get_name();
    if (!CommandsOf(*command).empty()) {
      AppendCommands(*command, own + " ", out);
      continue;
    }
    out += ".SS \"" + Roff(Synopsis(*command, own)) + "\"\n";
    out += Roff(command->get_description()) + ".\n";
    AppendOptions(*command, out);
  }
}

constexpr std::string_view kFilesAndExamples = R"(.SH ENVIRONMENT
.TP
.B NEXADB_URL
The server, as with \-\-url.
.TP
.B NEXADB_API_KEY
The key itself.
.TP
.B NEXADB_API_KEY_FILE
A file with the key in its first line.
.SH FILES
Without any of these the key is looked for in
.I ./nexadb_data/root.key
and
.IR /var/lib/nexadb/root.key .
.SH EXAMPLES
.nf
nexadb insert users '{name: "Ada", age: 36}'
nexadb find users '{age: {$gt: 30}}' \-\-sort \-age
nexadb export users users.ndjson
nexadb keys create reader \-\-actions read \-\-patterns 'logs_*'
source <(nexadb completion bash)
.fi
.SH SEE ALSO
.BR nexadb\-kernel (1),
.BR nexadb.toml (5)
)";

}  // namespace

std::vector<const CLI::App*> CommandsOf(const CLI::App& parent) {
  return parent.get_subcommands([](const CLI::App*) { return true; });
}

std::string ManualPage(const CLI::App& program, const ExitMeaning* meanings, size_t count) {
  std::string out = ".TH NEXADB 1 \"\" \"NexaDB " NEXADB_VERSION "\" \"NexaDB\"\n";
  out += ".SH NAME\nnexadb \\- " + Roff(program.get_description()) + "\n";
  out += ".SH SYNOPSIS\n.B nexadb\n[options]\n.I command\n[arguments]\n";
  out +=
      ".SH DESCRIPTION\nTalks to a NexaDB server. What it answers goes to stdout as JSON, one "
      "document a line in a pipe; words go to stderr. Documents, filters and pipelines are relaxed "
      "JSON: names need no quotes.\n";
  out += ".SH OPTIONS\n";
  AppendOptions(program, out);
  out += ".SH COMMANDS\n";
  AppendCommands(program, "", out);
  out += ".SH \"EXIT STATUS\"\n";
  for (size_t i = 0; i < count; ++i) {
    out +=
        ".TP\n.B " + std::to_string(meanings[i].status) + "\n" + Roff(meanings[i].meaning) + "\n";
  }
  return out.append(kFilesAndExamples);
}

}  // namespace nexadb::cli
