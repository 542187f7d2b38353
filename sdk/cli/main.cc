// nexadb: the command line. One command, or the shell.
//
// stdout is data, stderr is words; kExitMeanings says what it exits with.
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <sstream>

#include "core/base/suggest.h"
#include "sdk/cli/commands.h"
#include "sdk/cli/manual.h"
#include "sdk/cli/relaxed_json.h"
#include "sdk/cli/shell.h"
#include "sdk/cli/transfer.h"

namespace nexadb::cli {
namespace {

enum ExitStatus {
  kDone = 0,
  kError = 1,
  kUsage = 2,
  kNotFound = 3,
  kNoAccess = 4,
  kConflict = 5,
  kNoAnswer = 6,
  kPartial = 7
};

constexpr ExitMeaning kExitMeanings[] = {
    {kDone, "done"},
    {kError, "an error; stderr says which"},
    {kUsage, "wrong usage"},
    {kNotFound, "not found"},
    {kNoAccess, "no key, a wrong one, or one that may not do this"},
    {kConflict, "a conflict: it exists, or somebody was faster"},
    {kNoAnswer, "the server did not answer"},
    {kPartial, "done in part"},
};

int StatusOf(const client::Error& error) {
  switch (error.status()) {
    case 0: return error.code() == "unreachable" || error.code() == "timeout" ? kNoAnswer : kError;
    case 401:
    case 403: return kNoAccess;
    case 404: return kNotFound;
    case 409:
    case 412: return kConflict;
    case 207: return kPartial;
    default: return kError;
  }
}

// What to do about a refused key, for whoever has just started.
constexpr const char* kKeyHelp =
    "a key comes from --api-key-file, NEXADB_API_KEY, NEXADB_API_KEY_FILE or "
    "./nexadb_data/root.key;\nthe server's first key is in root.key of its data directory\n";

std::string ReadFirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) throw client::Error(0, "no_key", "cannot read a key from " + path);
  return line;
}

std::string ReadStdin() {
  std::ostringstream out;
  out << std::cin.rdbuf();
  return std::move(out).str();
}

// What the command line said; each command fills in its own part.
struct Arguments {
  std::string url = "http://127.0.0.1:6969";
  std::string api_key_file;
  std::string ca_file;
  std::string collection;
  std::string id;
  std::string text;
  std::string path = "-";
  std::string format = "auto";
  std::string name;
  KeyArguments key{"", "read", "*", "", "", 0};
  KeyArguments key_changes;
  FindArguments find;
  uint64_t limit = 10;
};

int Report(const ImportResult& result, const std::string& collection) {
  std::cerr << "stored " << result.stored << " of " << result.read << " documents in " << collection
            << '\n';
  if (result.stored == result.read) return kDone;
  std::cerr << "first refusal: " << result.first_error << '\n';
  return kPartial;
}

class Program {
 public:
  Program() : app_("NexaDB's command line") { Declare(); }

  // The last command that was understood, with what it wants to be told beside its options.
  std::string UsageOfWhatWasMeant() const {
    std::string words = "nexadb";
    const CLI::App* command = &app_;
    while (!command->get_subcommands().empty()) {
      command = command->get_subcommands().back();
      words += ' ' + command->get_name();
    }
    if (command == &app_) return "nexadb --help lists the commands\n";
    std::string usage = "usage: " + words;
    for (const CLI::Option* option : command->get_options()) {
      if (option->get_positional()) usage += ' ' + option->get_name(true);
    }
    return usage + " [options]\n" + words + " --help lists its options\n";
  }

  int Run(int argc, char** argv) {
    if (argc < 2) {
      std::cerr << app_.help();
      return kUsage;
    }
    if (const char* word = UnknownCommand(argc, argv)) {
      std::cerr << "nexadb: '" << word << "' is not a command" << Suggestion(word)
                << "\nnexadb --help lists the commands\n";
      return kUsage;
    }
    try {
      app_.parse(argc, argv);
    } catch (const CLI::Success& done) {
      return app_.exit(done);
    } catch (const CLI::ParseError& error) {
      std::cerr << "nexadb: " << error.what() << '\n' << UsageOfWhatWasMeant();
      return kUsage;
    }
    if (print_) {
      std::cout << print_();
      return kDone;
    }
    try {
      client::Options options;
      options.url = arguments_.url;
      options.ca_file = arguments_.ca_file;
      options.api_key = arguments_.api_key_file.empty() ? client::FindApiKey()
                                                        : ReadFirstLine(arguments_.api_key_file);
      client::Client db(options);
      Commands commands(db, StyleForStdout());
      return chosen_(commands);
    } catch (const client::Error& error) {
      std::cout.flush();
      std::cerr << "nexadb: " << error.what() << '\n';
      if (error.status() == 401) std::cerr << kKeyHelp;
      return StatusOf(error);
    } catch (const RelaxedJsonError& error) {
      std::cerr << "nexadb: " << error.what() << '\n';
      return kUsage;
    }
  }

 private:
  using Action = std::function<int(Commands&)>;

  // The first word when no command has that name: CLI11 would only say that one is missing.
  const char* UnknownCommand(int argc, char** argv) {
    if (argc < 2 || argv[1][0] == '-') return nullptr;
    for (const CLI::App* command : CommandsOf(app_)) {
      if (command->get_name() == argv[1]) return nullptr;
    }
    return argv[1];
  }

  // The command whose name is nearest, when it is near.
  std::string Suggestion(const std::string& word) {
    constexpr size_t kEditsMax = 2;
    std::vector<std::string> texts;
    for (const CLI::App* command : CommandsOf(app_)) texts.push_back(command->get_name());
    const std::string name(base::Nearest(word, {texts.begin(), texts.end()}, kEditsMax));
    return name.empty() ? "" : "; did you mean '" + name + "'?";
  }

  CLI::App* Add(CLI::App& parent, const char* name, const char* help, Action action) {
    CLI::App* command = parent.add_subcommand(name, help);
    command->callback([this, action = std::move(action)] { chosen_ = action; });
    return command;
  }
  // A command that cannot end in part.
  CLI::App* Add(const char* name, const char* help, std::function<void(Commands&)> action) {
    return Add(app_, name, help, [action = std::move(action)](Commands& c) {
      action(c);
      return static_cast<int>(kDone);
    });
  }

  void Declare() {
    app_.name("nexadb");
    app_.require_subcommand(1);
    app_.set_version_flag("--version", "nexadb " NEXADB_VERSION);
    std::string statuses = "Exit status:";
    for (const ExitMeaning& row : kExitMeanings) {
      statuses += "\n  " + std::to_string(row.status) + "  " + std::string(row.meaning);
    }
    app_.footer(statuses);
    app_.add_option("--url", arguments_.url, "Server")
        ->envname("NEXADB_URL")
        ->capture_default_str();
    app_.add_option("--api-key-file", arguments_.api_key_file,
                    "File with the key (else NEXADB_API_KEY, NEXADB_API_KEY_FILE, root.key)");
    app_.add_option("--ca-file", arguments_.ca_file,
                    "For https: PEM file with the authorities to trust (else this machine's)")
        ->envname("NEXADB_CA_FILE");
    app_.fallthrough();
    DeclareDocuments();
    DeclareTransfer();
    DeclareServer();
    DeclareSelf();
  }

  void DeclareDocuments() {
    auto& a = arguments_;
    auto with_collection = [&](CLI::App* command) {
      command->add_option("collection", a.collection)->required();
      return command;
    };
    auto* insert =
        with_collection(Add("insert", "Store a document, or an array of them", [&](Commands& c) {
          c.Insert(a.collection, a.text == "-" ? ReadStdin() : a.text);
        }));
    insert->add_option("document", a.text, "Relaxed JSON, or - for stdin")->required();
    auto* get = with_collection(
        Add("get", "One document", [&](Commands& c) { c.Get(a.collection, a.id); }));
    get->add_option("id", a.id)->required();
    auto* find = with_collection(Add("find", "Matching documents, one a line in a pipe",
                                     [&](Commands& c) { c.Find(a.collection, a.find); }));
    find->add_option("filter", a.find.filter, "Relaxed JSON")->capture_default_str();
    find->add_option("--sort", a.find.sort, "-age,name or {age: -1}");
    find->add_option("--fields", a.find.fields, "a,b.c or {a: 1}");
    find->add_option("--skip", a.find.skip);
    find->add_option("--limit", a.find.limit)->capture_default_str();
    auto* count = with_collection(Add("count", "How many documents match",
                                      [&](Commands& c) { c.Count(a.collection, a.find.filter); }));
    count->add_option("filter", a.find.filter, "Relaxed JSON")->capture_default_str();
    auto* update = with_collection(Add("update", "Set fields of a document, or apply operators",
                                       [&](Commands& c) { c.Update(a.collection, a.id, a.text); }));
    update->add_option("id", a.id)->required();
    update->add_option("changes", a.text, "{age: 37} or {$inc: {age: 1}}")->required();
    auto* remove = with_collection(
        Add("delete", "Remove a document", [&](Commands& c) { c.Delete(a.collection, a.id); }));
    remove->add_option("id", a.id)->required();
    auto* aggregate = with_collection(Add("aggregate", "Run an aggregation pipeline",
                                          [&](Commands& c) { c.Aggregate(a.collection, a.text); }));
    aggregate->add_option("pipeline", a.text, "[{$match: {…}}, …]")->required();
    auto* search = with_collection(Add("search", "Nearest vectors", [&](Commands& c) {
      c.Search(a.collection, a.text, a.limit);
    }));
    search->add_option("vector", a.text, "[0.1, 0.9, …]")->required();
    search->add_option("--limit", a.limit)->capture_default_str();
  }

  void DeclareTransfer() {
    auto& a = arguments_;
    const CLI::IsMember formats({"auto", "ndjson", "json", "csv"});
    auto* import = Add(app_, "import", "Store the documents of a file", [&](Commands& c) {
      return Report(Import(c, a.collection, a.path, ParseFormat(a.format)), a.collection);
    });
    import->add_option("collection", a.collection)->required();
    import->add_option("file", a.path, "- for stdin")->required();
    import->add_option("--format", a.format)->check(formats)->capture_default_str();
    auto* export_ = Add("export", "Write a collection to a file", [&](Commands& c) {
      const uint64_t bytes = Export(c, a.collection, a.path, ParseFormat(a.format));
      if (a.path != "-") std::cerr << "wrote " << bytes << " bytes to " << a.path << '\n';
    });
    export_->add_option("collection", a.collection)->required();
    export_->add_option("file", a.path, "- for stdout")->capture_default_str();
    export_->add_option("--format", a.format)->check(formats)->capture_default_str();
    auto* sample =
        app_.add_subcommand("sample", "Real texts with real embeddings to try things on");
    sample->require_subcommand(1);
    auto* load = Add(*sample, "load", "Store them in a collection", [&](Commands& c) {
      if (a.collection.empty()) a.collection = "fiori_docs";
      const ImportResult loaded = LoadSample(c, a.collection);
      if (loaded.read > 0) return Report(loaded, a.collection);
      std::cerr << a.collection << " holds as many documents already; nothing to load\n";
      return static_cast<int>(kDone);
    });
    load->add_option("collection", a.collection, "Default: fiori_docs");
  }

  void DeclareServer() {
    auto& a = arguments_;
    Add("status", "The server's state", [](Commands& c) { c.Status(); });
    Add("stats", "The server's figures", [](Commands& c) { c.Stats(); });
    Add("collections", "The collections' names", [](Commands& c) { c.Collections(); });
    Add("buckets", "The key-value buckets' names", [](Commands& c) { c.Buckets(); });
    auto* drop =
        Add("drop", "Remove a collection", [&](Commands& c) { c.DropCollection(a.collection); });
    drop->add_option("collection", a.collection)->required();
    auto* keys = app_.add_subcommand("keys", "API keys");
    keys->require_subcommand(1);
    auto done = [](auto action) {
      return [action](Commands& c) {
        action(c);
        return static_cast<int>(kDone);
      };
    };
    Add(*keys, "list", "All keys, without their secrets", done([](Commands& c) { c.KeysList(); }));
    auto* create = Add(*keys, "create", "A new key; its secret is shown once",
                       done([&](Commands& c) { c.KeysCreate(a.key); }));
    create->add_option("name", a.key.name)->required();
    AddKeyOptions(*create, a.key);
    auto* change = Add(*keys, "change", "What a key may do; what is not named stays",
                       done([&](Commands& c) { c.KeysChange(a.id, a.key_changes); }));
    change->add_option("id", a.id)->required();
    change->add_option("--name", a.key_changes.name);
    AddKeyOptions(*change, a.key_changes);
    auto* revoke = Add(*keys, "revoke", "Make a key worthless",
                       done([&](Commands& c) { c.KeysRevoke(a.id); }));
    revoke->add_option("id", a.id)->required();
    Add(app_, "shell", "Commands one after the other, from a terminal or a pipe", [](Commands& c) {
      Shell shell(c);
      const bool good = isatty(STDIN_FILENO) == 1 ? shell.RunTerminal() : shell.RunPipe();
      return static_cast<int>(good ? kDone : kError);
    });
  }

  static void AddKeyOptions(CLI::App& command, KeyArguments& key) {
    command.add_option("--actions", key.actions, "read,write,manage,admin")->capture_default_str();
    command.add_option("--patterns", key.patterns, "users,logs_*,kv:sessions")
        ->capture_default_str();
    command.add_option("--expires", key.expires, "2027-01-31T00:00:00Z, or never");
    command.add_option("--rate", key.rate, "Requests in a second, or none for no limit");
    command.add_option("--burst", key.burst, "Requests at once after a silence (else as --rate)")
        ->check(CLI::Range(1, 1'000'000));
  }

  // What the program says of itself, for which it needs no server.
  void DeclareSelf() {
    auto* completion = app_.add_subcommand("completion", "A shell's completion, to be sourced");
    completion->add_option("shell", arguments_.name)
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    completion->callback([this] {
      print_ = [this] {
        if (arguments_.name == "zsh") return ZshCompletion(app_);
        return arguments_.name == "fish" ? FishCompletion(app_) : BashCompletion(app_);
      };
    });
    auto* manual = app_.add_subcommand("manual", "The manual page; read it with: man -l -");
    manual->callback([this] {
      print_ = [this] { return ManualPage(app_, kExitMeanings, std::size(kExitMeanings)); };
    });
  }

  CLI::App app_;
  Arguments arguments_;
  Action chosen_;
  std::function<std::string()> print_;  // instead of a command
};

}  // namespace
}  // namespace nexadb::cli

int main(int argc, char** argv) { return nexadb::cli::Program().Run(argc, argv); }
