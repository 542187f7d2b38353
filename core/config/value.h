// Value: a configuration as a tree, wherever it came from (TOML, JSON, environment, flags).
//
// Plain data, owned by whoever parsed it; threads may share it once it no longer changes. Every
// value knows where it stands, so that a message can name "nexadb.toml:14:3".
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nexadb::config {

struct Member;

struct Value {
  enum class Kind : uint8_t { kNull, kBool, kInteger, kNumber, kText, kArray, kTable };

  Kind kind = Kind::kNull;
  bool boolean = false;
  // Also what a text of format size or duration means, in bytes or milliseconds, once validated.
  int64_t integer = 0;
  double number = 0;
  std::string text;
  std::vector<Value> items;     // kArray
  std::vector<Member> members;  // kTable, in the order of the file
  std::string where;            // "nexadb.toml:14:3", "default", "environment NEXADB_LSM_…"

  bool IsTable() const { return kind == Kind::kTable; }
  bool IsText() const { return kind == Kind::kText; }
  // Null when there is no such member, or this is no table.
  const Value* Find(std::string_view name) const;
  Value* Find(std::string_view name);
  // The member's value, made when missing. REQUIRES: IsTable().
  Value& At(std::string_view name, std::string_view member_where);

  static Value Text(std::string_view text, std::string_view where);
  static Value Table(std::string_view where);
};

struct Member {
  std::string name;
  std::string where;  // of the key
  Value value;
};

// "a table", "an integer": for messages.
std::string_view KindName(Value::Kind kind);

// Every mistake found in a configuration, so that the user sees them all at once. Not thread-safe.
class Problems {
 public:
  // One line: "where: path: message". `where` or `path` may be empty.
  void Add(std::string_view where, std::string_view path, std::string_view message) {
    std::string line;
    for (std::string_view part : {where, path}) {
      if (!part.empty()) line.append(part).append(": ");
    }
    lines_.push_back(line.append(message));
  }
  bool empty() const { return lines_.empty(); }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::vector<std::string> lines_;
};

}  // namespace nexadb::config
