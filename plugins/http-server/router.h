// RouteTable: from method and path to the route that serves them.
//
// The table is immutable; attaching or detaching a route makes a new one (server.h), so matching
// takes no lock. Literal segments win over captures, one step at a time from the left; a route
// whose method does not fit is passed over, so that a capture beside a literal can still serve.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nexadb/http.h"

namespace nexadb::http {

constexpr size_t kCapturesMax = 8;

// A mounted route. Shared by the tables it stands in and the exchanges it serves.
struct RouteEntry {
  std::string method;
  std::string pattern;
  BodyMode body = BodyMode::kNone;
  RunMode run = RunMode::kPool;
  uint64_t body_bytes_max = 0;
  std::vector<std::string> content_types;  // lower case; "*/*" accepts everything
  std::string owner;                       // may put another entry of its own in the same place
  HttpHandler* handler = nullptr;
  // Calls into the handler that run or are queued. Unmounting sets closed, then waits for none.
  std::atomic<uint32_t> running{0};
  std::atomic<bool> closed{false};

  // False once closed: the handler must not be called any more. Pairs with Leave.
  bool Enter();
  // From within a call that has entered, which keeps an unmounting waiting: one more.
  void EnterAgain() { running.fetch_add(1); }
  void Leave();
  void CloseAndWait();
  bool Stands(std::string_view at_method, std::string_view at_pattern) const {
    return method == at_method && pattern == at_pattern;
  }
};

enum class MatchKind { kFound, kNotFound, kWrongMethod, kBadPath };

struct Match {
  MatchKind kind = MatchKind::kNotFound;
  const std::shared_ptr<RouteEntry>* route = nullptr;
  std::string_view captures[kCapturesMax];  // still percent-encoded
  size_t capture_count = 0;
  std::string allow;  // for kWrongMethod, and for OPTIONS
};

class RouteTable {
 public:
  RouteTable();
  // Of two entries for one method and pattern the later one serves.
  explicit RouteTable(std::vector<std::shared_ptr<RouteEntry>> routes);
  ~RouteTable();
  RouteTable(const RouteTable&) = delete;
  RouteTable& operator=(const RouteTable&) = delete;

  const std::vector<std::shared_ptr<RouteEntry>>& routes() const { return routes_; }
  // Fills `match`; `path` is as sent, without the query.
  void Find(std::string_view method, std::string_view path, Match& match) const;
  // The methods that `path` has, "GET, HEAD, POST"; empty when no route matches.
  std::string Allow(std::string_view path) const;

 private:
  struct Node;
  struct Walk;
  void Insert(const std::shared_ptr<RouteEntry>& route);
  static bool Visit(const Node& node, size_t position, Walk& walk);

  std::vector<std::shared_ptr<RouteEntry>> routes_;
  std::unique_ptr<Node> root_;
};

// Null when the pattern is well-formed, or what is wrong with it.
const char* CheckPattern(std::string_view pattern);
// Appends `text` with %XX decoded. False for malformed escapes, NUL, and what is not UTF-8.
bool PercentDecode(std::string_view text, std::string& out);

}  // namespace nexadb::http
