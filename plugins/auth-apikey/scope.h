// Scope: what a key may do, as actions × patterns. Immutable once made; any thread.
//
// A pattern is "name" in the default database, or "database/name"; "*" in either part stands for
// any run of characters. Names are collections, or "kv:bucket".
//   logs_*        collections of the default database that begin with logs_
//   shop/orders   one collection of another database
//   kv:sessions   one bucket; only patterns that begin with "kv:", or are "*" alone, reach buckets
//   *             all of the default database, and the database as a whole
//   */*           everything, the server itself included
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nexadb/authenticator.h"

namespace nexadb::auth {

inline constexpr std::string_view kDefaultDatabase = "nexadb";
constexpr size_t kPatternBytesMax = 256;
constexpr size_t kPatternsMax = 100;

class Scope {
 public:
  Scope() = default;
  // REQUIRES: each pattern passes CheckPattern.
  Scope(uint32_t actions, const std::vector<std::string>& patterns);
  bool Allows(Action action, const Resource& resource) const;
  // Every action on */*.
  bool full() const;

 private:
  struct Pattern {
    std::string database;
    std::string name;
  };
  uint32_t actions_ = 0;
  std::vector<Pattern> patterns_;
};

// Null, or what is wrong with a pattern.
const char* CheckPattern(std::string_view pattern);

// Actions as bits, 1 << Action.
constexpr uint32_t kAllActions = 15;
// The bit of "read", "write", "manage" or "admin"; 0 for anything else.
uint32_t ActionBit(std::string_view name);
std::vector<std::string_view> ActionNames(uint32_t actions);

}  // namespace nexadb::auth
