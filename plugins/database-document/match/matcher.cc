#include "plugins/database-document/match/matcher.h"

#include <algorithm>

#include "plugins/database-document/match/node.h"
#include "plugins/database-document/match/parser.h"
#include "plugins/database-document/value/failure.h"
#include "plugins/database-document/value/meter.h"

namespace nexadb::query {
namespace {

// Calls visit for each leaf that every matching document satisfies; true ends the search.
template <class Visit>
bool VisitConjunction(const MatchNode& node, Visit&& visit) {
  if (const auto* leaf = dynamic_cast<const LeafNode*>(&node)) return visit(*leaf);
  if (const auto* both = dynamic_cast<const AndNode*>(&node)) {
    for (const NodePtr& child : both->children()) {
      if (VisitConjunction(*child, visit)) return true;
    }
  }
  const auto* either = dynamic_cast<const OrNode*>(&node);
  if (either != nullptr && either->children().size() == 1) {
    return VisitConjunction(*either->children().front(), visit);
  }
  return false;
}

bool IsPlainId(bson::Type type) {
  return type != bson::Type::kArray && type != bson::Type::kNull && type != bson::Type::kRegex &&
         type != bson::Type::kUndefined;
}

// Keys of documents have the strings' bytes, so where a collation has a say none follows from it.
bool ComparesBytes(const bson::Value& operand, const Collation* collation) {
  return collation == nullptr || !HasText(operand);
}

}  // namespace

Matcher::Matcher() = default;
Matcher::~Matcher() = default;

Result<std::unique_ptr<Matcher>> Matcher::Parse(bson::Document filter,
                                                const ParseOptions& options) {
  return Catch<std::unique_ptr<Matcher>>([&] {
    const EvaluationScope scope(EvaluationScope::Kind::kParse);
    std::unique_ptr<Matcher> matcher(new Matcher());
    matcher->source_ = AsText(filter.bytes());
    matcher->collation_ = options.collation;
    matcher->root_ = ParseFilter(matcher->Source(), options);
    return matcher;
  });
}

Result<std::unique_ptr<Matcher>> Matcher::ParseValuePredicate(bson::Value predicate,
                                                              const ParseOptions& options) {
  return Catch<std::unique_ptr<Matcher>>([&] {
    std::unique_ptr<Matcher> matcher(new Matcher());
    matcher->source_ = bson::Builder().Value("", predicate).Finish();
    matcher->collation_ = options.collation;
    matcher->root_ = ParseValueFilter((*matcher->Source().begin()).value(), options);
    return matcher;
  });
}

Result<bool> Matcher::Matches(bson::Document doc, MatchDetails* details) const {
  MatchDetails ignored;
  try {
    return root_->Match(doc, details != nullptr ? *details : ignored);
  } catch (QueryError& e) {
    return std::move(e.status);
  }
}

Result<bool> Matcher::MatchesValue(const bson::Value& value) const {
  try {
    return root_->MatchValue(value, Expand::kElements);
  } catch (QueryError& e) {
    return std::move(e.status);
  }
}

bool Matcher::IsEmpty() const noexcept { return Source().empty(); }

namespace {

bool AddPaths(const MatchNode& node, std::vector<std::string>* out) {
  if (const auto* leaf = dynamic_cast<const LeafNode*>(&node)) {
    out->push_back(leaf->path().text());
    return true;
  }
  const auto all = [&](const std::vector<NodePtr>& children) {
    return std::all_of(children.begin(), children.end(),
                       [&](const NodePtr& child) { return AddPaths(*child, out); });
  };
  if (const auto* both = dynamic_cast<const AndNode*>(&node)) return all(both->children());
  if (const auto* either = dynamic_cast<const OrNode*>(&node)) return all(either->children());
  if (const auto* no = dynamic_cast<const NotNode*>(&node)) return AddPaths(no->child(), out);
  return dynamic_cast<const ConstantNode*>(&node) != nullptr;
}

}  // namespace

std::optional<std::vector<std::string>> Matcher::Paths() const {
  std::vector<std::string> paths;
  if (!AddPaths(*root_, &paths)) return std::nullopt;
  return paths;
}

std::optional<bson::Value> Matcher::IdEquality() const {
  std::optional<bson::Value> id;
  VisitConjunction(*root_, [&](const LeafNode& leaf) {
    const auto* compare = dynamic_cast<const CompareTest*>(&leaf.test());
    if (compare == nullptr || compare->comparison() != Comparison::kEqual) return false;
    if (leaf.path().text() != "_id" || !IsPlainId(compare->operand().type())) return false;
    if (!ComparesBytes(compare->operand(), compare->collation())) return false;
    id = compare->operand();
    return true;
  });
  return id;
}

std::optional<bson::Document> Matcher::IdIn() const {
  std::optional<bson::Document> ids;
  VisitConjunction(*root_, [&](const LeafNode& leaf) {
    const auto* in = dynamic_cast<const InTest*>(&leaf.test());
    if (in == nullptr || leaf.path().text() != "_id" || in->HasRegex()) return false;
    for (const bson::Element& e : in->source()) {
      if (!IsPlainId(e.type()) || !ComparesBytes(e.value(), in->collation())) return false;
    }
    ids = in->source();
    return true;
  });
  return ids;
}

std::optional<FieldBounds> Matcher::Bounds(std::string_view path) const {
  FieldBounds bounds;
  bool any = false;
  VisitConjunction(*root_, [&](const LeafNode& leaf) {
    const auto* compare = dynamic_cast<const CompareTest*>(&leaf.test());
    if (compare == nullptr || leaf.path().text() != path) return false;
    if (!ComparesBytes(compare->operand(), compare->collation())) return false;
    any = true;
    switch (compare->comparison()) {
      case Comparison::kEqual: bounds.equal = compare->operand(); break;
      case Comparison::kLess:
      case Comparison::kLessOrEqual:
        bounds.high = compare->operand();
        bounds.high_inclusive = compare->comparison() == Comparison::kLessOrEqual;
        break;
      case Comparison::kGreater:
      case Comparison::kGreaterOrEqual:
        bounds.low = compare->operand();
        bounds.low_inclusive = compare->comparison() == Comparison::kGreaterOrEqual;
        break;
    }
    return false;
  });
  if (!any) return std::nullopt;
  return bounds;
}

}  // namespace nexadb::query
