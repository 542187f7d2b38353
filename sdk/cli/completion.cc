// Bash's completion: every branch of the script comes from a declared command or option.
#include <CLI/CLI.hpp>

#include <algorithm>

#include "sdk/cli/manual.h"

namespace nexadb::cli {
namespace {

// What a script must know of all commands.
struct Facts {
  std::string groups;       // patterns of commands that have commands: "''|keys|"
  std::string valued;       // options that take a value: "--url|--sort|"
  std::string values;       // case arms: what follows an option
  std::string options;      // case arms: the options of a command
  std::string subcommands;  // case arms: the commands of a group
  std::string arguments;    // case arms: what a positional argument is
};

bool IsFile(const std::string& name) { return name.ends_with("file"); }

// "auto csv" of a type name "TEXT:{auto,csv}".
std::string Choices(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const size_t begin = type.find('{');
  const size_t end = type.find('}');
  if (begin == std::string::npos || end == std::string::npos) return "";
  std::string words = type.substr(begin + 1, end - begin - 1);
  std::replace(words.begin(), words.end(), ',', ' ');
  return words;
}

std::string Arm(const std::string& pattern, const std::string& action) {
  return "    " + pattern + ") " + action + " ;;\n";
}

std::string WordsOf(const CLI::Option& option, const std::string& name) {
  if (IsFile(name)) return "_nexadb_files";
  if (name == "collection") return "_nexadb_collections";
  const std::string choices = Choices(option);
  return choices.empty() ? "" : "words='" + choices + "'";
}

void Collect(const CLI::App& command, const std::string& path, Facts& facts) {
  std::string options;
  size_t place = 0;
  for (const CLI::Option* option : command.get_options()) {
    if (!option->nonpositional()) {
      const std::string action = WordsOf(*option, option->get_name(true));
      const std::string at = "'" + path + " " + std::to_string(place++) + "'";
      if (!action.empty()) facts.arguments += Arm(at, action);
      continue;
    }
    for (const std::string& name : option->get_lnames()) {
      options += (options.empty() ? "--" : " --") + name;
      if (option->get_expected_max() == 0) continue;
      if (("|" + facts.valued).find("|--" + name + "|") == std::string::npos) {
        facts.valued += "--" + name + "|";
        const std::string action = WordsOf(*option, name);
        facts.values += Arm("--" + name, (action.empty() ? "" : action + "; ") + "given=1");
      }
    }
  }
  facts.options += Arm("'" + path + "'", "words='" + options + "'");
  std::string names;
  for (const CLI::App* child : CommandsOf(command)) {
    names += (names.empty() ? "" : " ") + child->get_name();
    Collect(*child, path.empty() ? child->get_name() : path + " " + child->get_name(), facts);
  }
  if (names.empty()) return;
  facts.groups += "'" + path + "'|";
  facts.subcommands += Arm("'" + path + "'", "words='" + names + "'");
}

std::string WithoutLast(std::string text) {
  if (!text.empty()) text.pop_back();
  return text;
}

// Names come from a server: they are compared and quoted, never expanded.
constexpr std::string_view kHelpers = R"bash(_nexadb_collections() {
  local name
  while IFS= read -r name; do
    [[ $name == "$word"* ]] && COMPREPLY+=("$(printf %q "$name")")
  done < <("${COMP_WORDS[0]}" collections 2>/dev/null </dev/null)
}
_nexadb_files() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -f -- "$word")
}
)bash";

}  // namespace

std::string BashCompletion(const CLI::App& program) {
  Facts facts;
  Collect(program, "", facts);
  std::string out = "# Completion of nexadb for bash, written by: nexadb completion bash\n";
  out.append(kHelpers);
  out +=
      "_nexadb() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
      "  local command='' place=0 words='' given='' i\n"
      "  COMPREPLY=()\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case ${COMP_WORDS[i]} in\n";
  out += "      " + WithoutLast(facts.valued) + ") ((i++)) ;;\n";
  out +=
      "      -?*) ;;\n"
      "      *) case $command in\n";
  out += "           " + WithoutLast(facts.groups) +
         ") command=${command:+$command }${COMP_WORDS[i]} ;;\n";
  out +=
      "           *) ((place++)) ;;\n"
      "         esac ;;\n"
      "    esac\n"
      "  done\n";
  out += "  case $before in\n" + facts.values + "  esac\n";
  out += "  if [[ -z $given && $word == -* ]]; then\n    case $command in\n" + facts.options +
         "    esac\n";
  out += "  elif [[ -z $given ]]; then\n    case $command in\n" + facts.subcommands + "    esac\n";
  out += "    case \"$command $place\" in\n" + facts.arguments + "    esac\n  fi\n";
  out +=
      "  [[ -z $words ]] || mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
      "}\ncomplete -F _nexadb nexadb\n";
  return out;
}

}  // namespace nexadb::cli
