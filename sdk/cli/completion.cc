// Completion for bash, zsh and fish: every branch of the scripts comes from a declared command or
// option. Bash and zsh read the same cases, whose words they call `offers`: `words` is zsh's own.
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
  return choices.empty() ? "" : "offers='" + choices + "'";
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
  facts.options += Arm("'" + path + "'", "offers='" + options + "'");
  std::string names;
  for (const CLI::App* child : CommandsOf(command)) {
    names += (names.empty() ? "" : " ") + child->get_name();
    Collect(*child, path.empty() ? child->get_name() : path + " " + child->get_name(), facts);
  }
  if (names.empty()) return;
  facts.groups += "'" + path + "'|";
  facts.subcommands += Arm("'" + path + "'", "offers='" + names + "'");
}

std::string WithoutLast(std::string text) {
  if (!text.empty()) text.pop_back();
  return text;
}

// What both shells do once they know the command and the place in it.
std::string OffersOf(const Facts& facts) {
  return "  case $before in\n" + facts.values + "  esac\n" +
         "  if [[ -z $given && $word == -* ]]; then\n    case $command in\n" + facts.options +
         "    esac\n" + "  elif [[ -z $given ]]; then\n    case $command in\n" + facts.subcommands +
         "    esac\n" + "    case \"$command $place\" in\n" + facts.arguments + "    esac\n  fi\n";
}

// The loop's body: which command the words before `word` name, and how many arguments it has.
std::string CaseOf(const Facts& facts, const std::string& word) {
  return "    case " + word + " in\n      " + WithoutLast(facts.valued) +
         ") ((i++)) ;;\n"
         "      -?*) ;;\n"
         "      *) case $command in\n           " +
         WithoutLast(facts.groups) + ") command=${command:+$command }" + word +
         " ;;\n"
         "           *) ((place++)) ;;\n"
         "         esac ;;\n"
         "    esac\n"
         "  done\n";
}

// Names come from a server: they are compared and quoted, never expanded.
constexpr std::string_view kBashHelpers = R"bash(_nexadb_collections() {
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

constexpr std::string_view kZshHelpers = R"zsh(_nexadb_collections() {
  local -a names
  names=("${(@f)$("${words[1]}" collections 2>/dev/null </dev/null)}")
  compadd -- "${names[@]}"
}
_nexadb_files() { _files }
)zsh";

// The command so far, and the arguments that it has.
constexpr std::string_view kFishHelpers = R"fish(function __nexadb_collections
  set -l words (commandline -opc)
  command $words[1] collections 2>/dev/null </dev/null
end
function __nexadb_at
  set -l words (commandline -opc)
  set -l at
  set -l skip 0
  for word in $words[2..-1]
    if test $skip = 1
      set skip 0
    else if contains -- $word $__nexadb_valued
      set skip 1
    else if not string match -q -- '-?*' $word
      if contains -- "$at" $__nexadb_groups
        set at (string trim -- "$at $word")
      else
        set -a places $word
      end
    end
  end
  test "$at" = "$argv[1]"; and begin
    test (count $argv) = 1; or test (count $places) = $argv[2]
  end
end
)fish";

std::string FishQuoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

// What offers the values of an option or argument, as fish's complete wants it.
std::string FishValues(const CLI::Option& option, const std::string& name) {
  if (IsFile(name)) return " -F";
  if (name == "collection") return " -f -a '(__nexadb_collections)'";
  const std::string choices = Choices(option);
  return choices.empty() ? " -f" : " -f -a " + FishQuoted(choices);
}

void AppendFish(const CLI::App& command, const std::string& path, std::string& out) {
  const auto when = [&](const std::string& place) {
    return "complete -c nexadb -n \"__nexadb_at " + FishQuoted(path) + place + "\"";
  };
  size_t place = 0;
  for (const CLI::Option* option : command.get_options()) {
    if (!option->nonpositional()) {
      out +=
          when(" " + std::to_string(place++)) + FishValues(*option, option->get_name(true)) + "\n";
      continue;
    }
    for (const std::string& name : option->get_lnames()) {
      out += when("") + " -l " + name;
      if (option->get_expected_max() != 0) out += " -r" + FishValues(*option, name);
      out += " -d " + FishQuoted(option->get_description()) + "\n";
    }
  }
  for (const CLI::App* child : CommandsOf(command)) {
    const std::string name = child->get_name();
    out += when(" 0") + " -f -a " + name + " -d " + FishQuoted(child->get_description()) + "\n";
    AppendFish(*child, path.empty() ? name : path + " " + name, out);
  }
}

// "a|b|" as a list of fish's.
std::string FishList(std::string text) {
  std::replace(text.begin(), text.end(), '|', ' ');
  return text;
}

}  // namespace

std::string BashCompletion(const CLI::App& program) {
  Facts facts;
  Collect(program, "", facts);
  std::string out = "# Completion of nexadb for bash, written by: nexadb completion bash\n";
  out.append(kBashHelpers);
  out +=
      "_nexadb() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
      "  local command='' place=0 offers='' given='' i\n"
      "  COMPREPLY=()\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n";
  out += CaseOf(facts, "${COMP_WORDS[i]}") + OffersOf(facts);
  out +=
      "  [[ -z $offers ]] || mapfile -t COMPREPLY < <(compgen -W \"$offers\" -- \"$word\")\n"
      "}\ncomplete -F _nexadb nexadb\n";
  return out;
}

std::string ZshCompletion(const CLI::App& program) {
  Facts facts;
  Collect(program, "", facts);
  std::string out =
      "#compdef nexadb\n"
      "# Completion of nexadb for zsh, written by: nexadb completion zsh\n";
  out.append(kZshHelpers);
  out +=
      "_nexadb() {\n"
      "  local word=${words[CURRENT]} before=${words[CURRENT-1]}\n"
      "  local command='' place=0 offers='' given='' i\n"
      "  for ((i = 2; i < CURRENT; i++)); do\n";
  out += CaseOf(facts, "${words[i]}") + OffersOf(facts);
  out +=
      "  [[ -z $offers ]] || compadd -- ${=offers}\n"
      "}\n"
      "if [[ $funcstack[1] == _nexadb ]]; then _nexadb \"$@\"; else compdef _nexadb nexadb; fi\n";
  return out;
}

std::string FishCompletion(const CLI::App& program) {
  Facts facts;
  Collect(program, "", facts);
  std::string out = "# Completion of nexadb for fish, written by: nexadb completion fish\n";
  out += "set -g __nexadb_valued " + FishList(facts.valued) + "\n";
  out += "set -g __nexadb_groups " + FishList(facts.groups) + "\n";
  out.append(kFishHelpers);
  AppendFish(program, "", out);
  return out;
}

}  // namespace nexadb::cli
