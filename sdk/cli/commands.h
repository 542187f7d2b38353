// The commands of `nexadb`, each one call or a few on a client. They print data to stdout and throw
// client::Error or RelaxedJsonError; main turns these into words on stderr and an exit status.
#pragma once
#include <string>

#include "nexadb/client/client.h"
#include "sdk/cli/output.h"

namespace nexadb::cli {

struct FindArguments {
  std::string filter = "{}";
  std::string sort;    // relaxed JSON, or "-age,name"
  std::string fields;  // relaxed JSON, or "a,b.c"
  uint64_t skip = 0;
  uint64_t limit = 100;
};

// What a key is made with, or changed to; empty or 0: not said.
struct KeyArguments {
  std::string name;
  std::string actions;   // "read,write"
  std::string patterns;  // "users,logs_*"
  std::string expires;   // RFC 3339, or "never"
  std::string rate;      // requests in a second, or "none"
  uint64_t burst = 0;
};

class Commands {
 public:
  Commands(client::Client& db, Style style) : db_(db), style_(style) {}

  void Status();
  void Stats();
  void Collections();
  void Buckets();
  void DropCollection(const std::string& collection);
  void Insert(const std::string& collection, const std::string& document);
  void Get(const std::string& collection, const std::string& id);
  void Find(const std::string& collection, const FindArguments& arguments);
  void Count(const std::string& collection, const std::string& filter);
  void Update(const std::string& collection, const std::string& id, const std::string& changes);
  void Delete(const std::string& collection, const std::string& id);
  void Aggregate(const std::string& collection, const std::string& pipeline);
  void CollectionStats(const std::string& collection);
  void Search(const std::string& collection, const std::string& vector, uint64_t limit);
  void KeysList();
  void KeysCreate(const KeyArguments& key);
  void KeysChange(const std::string& id, const KeyArguments& changes);
  void KeysRevoke(const std::string& id);

  Style style() const { return style_; }
  client::Client& db() { return db_; }

 private:
  void Print(std::string_view json) { PrintLine(Layout(json, style_)); }

  client::Client& db_;
  Style style_;
};

// "/collections/<name>", escaped.
std::string CollectionPath(const std::string& collection);

}  // namespace nexadb::cli
