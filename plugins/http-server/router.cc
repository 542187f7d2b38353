#include "plugins/http-server/router.h"

#include <algorithm>
#include <map>

#include "nexadb/bson.h"

namespace nexadb::http {
namespace {

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool EscapesAreWellFormed(std::string_view path) {
  for (size_t at = path.find('%'); at != std::string_view::npos; at = path.find('%', at + 1)) {
    if (at + 2 >= path.size() || HexValue(path[at + 1]) < 0 || HexValue(path[at + 2]) < 0) {
      return false;
    }
  }
  return true;
}

enum class SegmentKind { kLiteral, kCapture, kRest };

SegmentKind KindOf(std::string_view segment) {
  if (segment.size() < 2 || segment.front() != '{' || segment.back() != '}') {
    return SegmentKind::kLiteral;
  }
  return segment.ends_with("...}") ? SegmentKind::kRest : SegmentKind::kCapture;
}

// The segment of `path` that begins at `position`, just after a slash.
std::string_view SegmentAt(std::string_view path, size_t position) {
  const size_t slash = path.find('/', position);
  return path.substr(position, slash == std::string_view::npos ? slash : slash - position);
}

void AddRoute(std::vector<const std::shared_ptr<RouteEntry>*>& routes,
              const std::shared_ptr<RouteEntry>& route) {
  std::erase_if(routes,
                [&](const auto* other) { return (*other)->Stands(route->method, route->pattern); });
  routes.push_back(&route);
}

void AddMethod(std::vector<std::string_view>& methods, std::string_view method) {
  if (std::find(methods.begin(), methods.end(), method) == methods.end()) {
    methods.push_back(method);
  }
}

}  // namespace

bool RouteEntry::Enter() {
  // Both orders are sequentially consistent: either the closer sees this call, or it is refused.
  running.fetch_add(1);
  if (!closed.load()) return true;
  Leave();
  return false;
}

void RouteEntry::Leave() {
  if (running.fetch_sub(1) == 1) running.notify_all();
}

void RouteEntry::CloseAndWait() {
  closed.store(true);
  for (uint32_t now = running.load(); now != 0; now = running.load()) running.wait(now);
}

struct RouteTable::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> capture;
  std::vector<const std::shared_ptr<RouteEntry>*> here;  // routes that end at this node
  std::vector<const std::shared_ptr<RouteEntry>*> rest;  // routes that take all below it
};

struct RouteTable::Walk {
  std::string_view method;
  std::string_view path;
  Match& match;
  std::vector<std::string_view> methods;
  bool escaped = false;
  std::string decoded;
  bool all_methods = false;  // visit every node for its methods; accept none

  // Accepts a route of `routes` that serves the method; notes the methods otherwise.
  bool Take(const std::vector<const std::shared_ptr<RouteEntry>*>& routes) {
    const std::shared_ptr<RouteEntry>* as_get = nullptr;
    for (const auto* route : routes) {
      if (!all_methods && (*route)->method == method) {
        match.route = route;
        return true;
      }
      if ((*route)->method == "GET") as_get = route;
    }
    if (!all_methods && method == "HEAD" && as_get != nullptr) {
      match.route = as_get;
      return true;
    }
    for (const auto* route : routes) {
      AddMethod(methods, (*route)->method);
      if ((*route)->method == "GET") AddMethod(methods, "HEAD");
    }
    return false;
  }
};

RouteTable::RouteTable(std::vector<std::shared_ptr<RouteEntry>> routes)
    : routes_(std::move(routes)), root_(std::make_unique<Node>()) {
  for (const auto& route : routes_) Insert(route);
}

RouteTable::RouteTable() = default;

RouteTable::~RouteTable() = default;

void RouteTable::Insert(const std::shared_ptr<RouteEntry>& route) {
  Node* node = root_.get();
  const std::string_view pattern = route->pattern;
  size_t position = 1;
  while (true) {
    const std::string_view segment = SegmentAt(pattern, position);
    if (KindOf(segment) == SegmentKind::kRest) {
      AddRoute(node->rest, route);
      return;
    }
    auto& next = KindOf(segment) == SegmentKind::kCapture ? node->capture
                                                          : node->literals[std::string(segment)];
    if (!next) next = std::make_unique<Node>();
    node = next.get();
    position += segment.size() + 1;
    if (position > pattern.size()) break;
  }
  AddRoute(node->here, route);
}

// `position` is where the node's next segment begins; past the path's end when there is none.
bool RouteTable::Visit(const Node& node, size_t position, Walk& walk) {
  if (position > walk.path.size()) return walk.Take(node.here);
  const std::string_view segment = SegmentAt(walk.path, position);
  const size_t next = position + segment.size() + 1;
  std::string_view literal = segment;
  if (walk.escaped && segment.find('%') != std::string_view::npos) {
    walk.decoded.clear();
    // A segment that does not decode equals no literal; a capture of it is refused later.
    if (PercentDecode(segment, walk.decoded)) literal = walk.decoded;
  }
  const auto found = node.literals.find(literal);
  if (found != node.literals.end() && Visit(*found->second, next, walk)) return true;
  const size_t count = walk.match.capture_count;
  if (count == kCapturesMax) return false;
  if (node.capture && !segment.empty()) {
    walk.match.captures[walk.match.capture_count++] = segment;
    if (Visit(*node.capture, next, walk)) return true;
    walk.match.capture_count = count;
  }
  if (!node.rest.empty() && walk.Take(node.rest)) {
    walk.match.captures[walk.match.capture_count++] = walk.path.substr(position);
    return true;
  }
  return false;
}

void RouteTable::Find(std::string_view method, std::string_view path, Match& match) const {
  match.kind = MatchKind::kNotFound;
  match.route = nullptr;
  match.capture_count = 0;
  match.allow.clear();
  if (!root_ || path.empty() || path[0] != '/') return;
  Walk walk{method, path, match, {}, path.find('%') != std::string_view::npos, {}, false};
  if (walk.escaped && !EscapesAreWellFormed(path)) {
    match.kind = MatchKind::kBadPath;
    return;
  }
  if (Visit(*root_, 1, walk)) {
    match.kind = MatchKind::kFound;
    return;
  }
  match.capture_count = 0;
  if (walk.methods.empty()) return;
  match.kind = MatchKind::kWrongMethod;
  match.allow = Allow(path);
}

std::string RouteTable::Allow(std::string_view path) const {
  Match unused;
  if (!root_ || path.empty() || path[0] != '/') return {};
  Walk walk{"", path, unused, {}, path.find('%') != std::string_view::npos, {}, true};
  Visit(*root_, 1, walk);
  std::sort(walk.methods.begin(), walk.methods.end());
  std::string allow;
  for (const std::string_view method : walk.methods) {
    if (!allow.empty()) allow += ", ";
    allow += method;
  }
  return allow;
}

const char* CheckPattern(std::string_view pattern) {
  if (pattern.empty() || pattern[0] != '/') return "does not begin with '/'";
  size_t captures = 0;
  size_t position = 1;
  while (position <= pattern.size()) {
    const std::string_view segment = SegmentAt(pattern, position);
    const size_t next = position + segment.size() + 1;
    const SegmentKind kind = KindOf(segment);
    if (kind != SegmentKind::kLiteral && ++captures > kCapturesMax) return "has over 8 captures";
    if (kind == SegmentKind::kRest && next <= pattern.size()) return "has '...}' before its end";
    const bool braces = segment.find_first_of("{}") != std::string_view::npos;
    if (kind == SegmentKind::kLiteral && braces) return "has a brace inside a segment";
    if (segment.empty() && pattern.size() > 1 && next <= pattern.size()) {
      return "has an empty segment";
    }
    position = next;
  }
  return nullptr;
}

bool PercentDecode(std::string_view text, std::string& out) {
  const size_t begin = out.size();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return false;
    const int high = HexValue(text[i + 1]);
    const int low = HexValue(text[i + 2]);
    if (high < 0 || low < 0 || high + low == 0) return false;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return bson::internal::ValidUtf8(std::string_view(out).substr(begin));
}

}  // namespace nexadb::http
