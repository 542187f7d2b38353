#include "sdk/cli/shell.h"

#include <editline/readline.h>
#include <sys/stat.h>

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "sdk/cli/relaxed_json.h"

namespace nexadb::cli {
namespace {

constexpr int kHistoryLinesMax = 1000;
constexpr const char* kHelp =
    "show dbs                     list the collections\n"
    "use NAME                     choose one\n"
    "db.insert({name: 'Ada'})     store a document, or an array of them\n"
    "db.find({age: {$gt: 30}})    matching documents; a second argument is the limit\n"
    "db.get('ID')                 one document\n"
    "db.update('ID', {age: 37})   set fields, or apply operators ({$inc: {age: 1}})\n"
    "db.delete('ID')              remove a document\n"
    "db.aggregate([{$match: …}])  run a pipeline\n"
    "db.count({…})                how many match\n"
    "db.stats()                   about the collection\n"
    "db.search([0.1, 0.9], 10)    nearest vectors\n"
    "db.drop()                    remove the collection\n"
    "db.NAME.find({…})            the same on another collection\n"
    "help, exit";

// Answers the line editor's completion, which passes no state.
Shell* g_completing = nullptr;

std::string Trim(const std::string& text) {
  const size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string::npos) return {};
  return text.substr(start, text.find_last_not_of(" \t\r\n;") - start + 1);
}

char* NextCompletion(const char* text, int state) {
  static std::vector<std::string>* matches = new std::vector<std::string>;
  if (state == 0) {
    const std::string line(rl_line_buffer, static_cast<size_t>(rl_point));
    const size_t word = std::strlen(text);
    const std::string before = line.substr(0, line.size() - std::min(word, line.size()));
    *matches = g_completing->Completions(Trim(before), text);
  }
  return static_cast<size_t>(state) < matches->size()
             ? strdup((*matches)[static_cast<size_t>(state)].c_str())
             : nullptr;
}

char** Complete(const char* text, int, int) {
  rl_attempted_completion_over = 1;  // never the names of files
  rl_completion_append_character = '\0';
  return rl_completion_matches(text, NextCompletion);
}

// A file that only its owner may read; its folder is made. Empty when there is no home.
std::string HistoryFile() {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  if (state == nullptr && home == nullptr) return {};
  const std::string folder =
      (state != nullptr ? std::string(state) : std::string(home) + "/.local/state") + "/nexadb";
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  return folder + "/history";
}

// The text of an argument that is an id: a quoted text as it says, a bare word as it is.
std::string IdText(const std::string& json) { return MemberText("{\"v\":" + json + "}", "v"); }

}  // namespace

bool Shell::RunTerminal() {
  std::setlocale(LC_ALL, "");
  const std::string history = HistoryFile();
  rl_readline_name = "nexadb";
  using_history();
  stifle_history(kHistoryLinesMax);
  if (!history.empty()) read_history(history.c_str());
  g_completing = this;
  rl_attempted_completion_function = Complete;
  // What ends a word of relaxed JSON; '$' and '.' are parts of one.
  rl_basic_word_break_characters = " \t\n{}[](),:\"'";
  std::cout << "NexaDB shell. 'help' lists the commands, 'exit' leaves.\n";
  std::string pending;
  while (char* raw = readline(pending.empty() ? Prompt().c_str() : "... ")) {
    pending += raw;
    std::free(raw);
    if (!IsComplete(pending)) {
      pending += ' ';
      continue;
    }
    const std::string line = Trim(pending);
    // A line that starts with a space stays out of the history.
    if (!line.empty() && pending[0] != ' ') add_history(line.c_str());
    pending.clear();
    if (!Execute(line)) break;
  }
  if (!history.empty()) {
    write_history(history.c_str());
    chmod(history.c_str(), S_IRUSR | S_IWUSR);
  }
  return !failed_;
}

bool Shell::RunPipe() {
  for (std::string line; std::getline(std::cin, line);) {
    if (!Execute(Trim(line))) break;
  }
  return !failed_;
}

bool Shell::Execute(const std::string& line) {
  if (line.empty() || line.starts_with("//") || line.starts_with("#")) return true;
  if (line == "exit" || line == "quit") return false;
  try {
    Dispatch(line);
  } catch (const std::exception& error) {
    failed_ = true;
    std::cout.flush();
    std::cerr << "error: " << error.what() << '\n';
  }
  return true;
}

void Shell::Dispatch(const std::string& line) {
  if (line == "help" || line == "?") return PrintLine(kHelp);
  if (line == "show dbs" || line == "show collections") return commands_.Collections();
  if (line == "status") return commands_.Status();
  if (line.starts_with("use ")) {
    collection_ = Trim(line.substr(4));
    return PrintLine("using " + collection_);
  }
  const size_t open = line.find('(');
  if (!line.starts_with("db.") || open == std::string::npos || line.back() != ')') {
    throw RelaxedJsonError("'" + line + "' is not a command; 'help' lists them");
  }
  const std::string path = line.substr(3, open - 3);
  const std::string arguments = line.substr(open + 1, line.size() - open - 2);
  const size_t dot = path.rfind('.');
  if (dot != std::string::npos) return Call(path.substr(0, dot), path.substr(dot + 1), arguments);
  Call(path == "stats" && collection_.empty() ? "" : Chosen(), path, arguments);
}

void Shell::Call(const std::string& collection, const std::string& method,
                 const std::string& arguments) {
  const auto values = ToStrictArguments(arguments);
  auto need = [&](size_t least, size_t most, const char* form) {
    if (values.size() < least || values.size() > most) {
      throw RelaxedJsonError("db." + method + " is called as " + form);
    }
  };
  auto value = [&](size_t i, const char* otherwise) {
    return i < values.size() ? values[i] : std::string(otherwise);
  };
  if (method == "insert") {
    need(1, 1, "db.insert({…})");
    commands_.Insert(collection, values[0]);
  } else if (method == "find" || method == "query") {
    need(0, 2, "db.find({…}) or db.find({…}, LIMIT)");
    FindArguments find;
    find.filter = value(0, "{}");
    find.limit = std::strtoull(value(1, "100").c_str(), nullptr, 10);
    commands_.Find(collection, find);
  } else if (method == "get" || method == "findById") {
    need(1, 1, "db.get('ID')");
    commands_.Get(collection, IdText(values[0]));
  } else if (method == "update") {
    need(2, 2, "db.update('ID', {…})");
    commands_.Update(collection, IdText(values[0]), values[1]);
  } else if (method == "delete" || method == "remove") {
    need(1, 1, "db.delete('ID')");
    commands_.Delete(collection, IdText(values[0]));
  } else if (method == "aggregate") {
    need(1, 1, "db.aggregate([…])");
    commands_.Aggregate(collection, values[0]);
  } else if (method == "count") {
    need(0, 1, "db.count() or db.count({…})");
    commands_.Count(collection, value(0, "{}"));
  } else if (method == "search") {
    need(1, 2, "db.search([…]) or db.search([…], LIMIT)");
    commands_.Search(collection, values[0], std::strtoull(value(1, "10").c_str(), nullptr, 10));
  } else if (method == "drop") {
    need(0, 0, "db.drop()");
    commands_.DropCollection(collection);
  } else if (method == "stats") {
    need(0, 0, "db.stats()");
    collection.empty() ? commands_.Stats() : commands_.CollectionStats(collection);
  } else {
    throw RelaxedJsonError("'db." + method + "' is not a command; 'help' lists them");
  }
}

const std::string& Shell::Chosen() const {
  if (collection_.empty()) {
    throw RelaxedJsonError("no collection chosen: 'use NAME', or db.NAME.find(…)");
  }
  return collection_;
}

std::string Shell::Prompt() const {
  return collection_.empty() ? "nexadb> " : "nexadb:" + collection_ + "> ";
}

std::vector<std::string> Shell::Completions(const std::string& before, const std::string& prefix) {
  std::vector<std::string> words;
  if (before == "show") {
    words = {"dbs", "collections"};
  } else if (before.empty()) {
    words = {"show dbs",  "use ",      "help",       "exit",          "status",
             "db.find(",  "db.get(",   "db.insert(", "db.update(",    "db.delete(",
             "db.drop()", "db.count(", "db.stats()", "db.aggregate(", "db.search("};
  } else if (before.find('(') != std::string::npos) {
    words = {"$match", "$group", "$sort", "$limit", "$project", "$unwind", "$gt",  "$gte",
             "$lt",    "$lte",   "$in",   "$ne",    "$exists",  "$regex",  "$set", "$inc"};
  }
  if (before == "use") AddCollections("", "", words);
  if (prefix.starts_with("db.")) AddCollections("db.", ".", words);
  std::erase_if(words, [&](const std::string& word) { return !word.starts_with(prefix); });
  return words;
}

void Shell::AddCollections(const char* before, const char* after, std::vector<std::string>& words) {
  try {
    for (const auto& name : Elements(commands_.db().Call("GET", "/collections"), "collections")) {
      words.push_back(before + MemberText("{\"v\":" + name + "}", "v") + after);
    }
  } catch (const client::Error&) {
    // Without a server there is nothing to add; the command itself will say so.
    words.shrink_to_fit();
  }
}

}  // namespace nexadb::cli
