#include "plugins/database-document/plan/predicate.h"

#include <algorithm>
#include <limits>

#include "plugins/database-document/match/node.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::database {

namespace {

using query::Comparison;

// Where a node stands: below how many $elemMatch.
struct Place {
  std::string prefix;  // of paths, with its dot
  const void* element = nullptr;
  uint32_t element_arrays = 0;
  uint32_t components = 0;  // in the prefix
};

constexpr uint32_t kMaskBits = 32;

struct Values {
  KeyIntervals set = KeyIntervals::All();
  bool exact = false;
};

bson::Value NullValue() { return {bson::Type::kNull, nullptr, 0}; }

// Whether entries of an index with `index`'s strings say how a value compares by `query`.
bool Agree(const query::Collation* query, const query::Collation* index,
           const bson::Value& operand) {
  return query::SameCollation(query, index) || !query::HasText(operand);
}

// A value equal to an array is that array, whose elements are what the index holds, or one of its
// elements is. An empty one has the entry of undefined.
Values EqualTo(const bson::Value& operand, const query::Collation* query,
               const query::Collation* index) {
  if (!Agree(query, index, operand)) {
    Values out{KeyIntervals::SameType(operand), false};
    if (operand.type() != bson::Type::kArray) return out;
    out.set.Unite(EqualTo((*operand.Doc().begin()).value(), query, index).set);
    return out;
  }
  Values out{KeyIntervals::Point(operand, index), true};
  if (operand.type() != bson::Type::kArray) return out;
  const bson::Element first = *operand.Doc().begin();
  out.set.Unite(KeyIntervals::Point(
      first ? first.value() : bson::Value(bson::Type::kUndefined, nullptr, 0), index));
  out.exact = false;
  return out;
}

Values ComparedWith(const query::CompareTest& test, const query::Collation* index) {
  const bson::Value& operand = test.operand();
  const Comparison comparison = test.comparison();
  if (comparison == Comparison::kEqual) return EqualTo(operand, test.collation(), index);
  const bson::Type type = operand.type();
  // These compare with everything, or with arrays as wholes, of which an index knows nothing.
  const bool anything = type == bson::Type::kMinKey || type == bson::Type::kMaxKey ||
                        type == bson::Type::kArray || type == bson::Type::kUndefined;
  if (anything) return {};
  if (!Agree(test.collation(), index, operand)) return {KeyIntervals::SameType(operand), false};
  const bool inclusive =
      comparison == Comparison::kLessOrEqual || comparison == Comparison::kGreaterOrEqual;
  // Nothing is less or greater than null or NaN, but they equal themselves.
  if (type == bson::Type::kNull || (operand.IsNumber() && query::IsNan(operand))) {
    return {inclusive ? KeyIntervals::Point(operand) : KeyIntervals::None(), true};
  }
  const bool less = comparison == Comparison::kLess || comparison == Comparison::kLessOrEqual;
  Values out{KeyIntervals::SameType(operand), true};
  KeyIntervals side =
      less ? KeyIntervals::Below(operand, index) : KeyIntervals::Above(operand, index);
  if (inclusive) side.Unite(KeyIntervals::Point(operand, index));
  out.set.Intersect(side);
  if (operand.IsNumber()) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const bson::Value value(bson::Type::kDouble, reinterpret_cast<const uint8_t*>(&nan),
                            sizeof(nan));
    out.set.Intersect(KeyIntervals::Point(value).Complement());
  }
  return out;
}

// The text that every match begins with: after ^ and up to the first character that means more
// than itself. Flags may change what a character means.
std::string RegexPrefix(const query::Regex& regex) {
  const std::string& pattern = regex.pattern();
  if (!regex.flags().empty() || pattern.empty() || pattern[0] != '^') return {};
  if (pattern.find('|') != std::string::npos) return {};
  std::string prefix;
  for (size_t i = 1; i < pattern.size(); ++i) {
    const char c = pattern[i];
    const bool may_be_absent =
        i + 1 < pattern.size() && std::string_view("*?{").find(pattern[i + 1]) != std::string::npos;
    if (may_be_absent || std::string_view("\\^$.[]()*+?{}#").find(c) != std::string::npos ||
        static_cast<uint8_t>(c) >= 0x80) {
      break;
    }
    prefix.push_back(c);
  }
  return prefix;
}

// Patterns are about bytes, of which sort keys say nothing.
KeyIntervals TextsOf(const query::Regex& regex, const query::Collation* index) {
  return KeyIntervals::TextPrefix(index == nullptr ? RegexPrefix(regex) : std::string());
}

void Append(const KeyIntervals& set, std::vector<KeyInterval>* out) {
  out->insert(out->end(), set.intervals().begin(), set.intervals().end());
}

Values OneOf(const query::InTest& test, const query::Collation* index) {
  Values out{KeyIntervals::None(), test.regexes().empty()};
  std::vector<KeyInterval> all;
  for (const bson::Value& value : test.values()) {
    const Values equal = EqualTo(value, test.collation(), index);
    Append(equal.set, &all);
    out.exact &= equal.exact;
  }
  for (const query::Regex& regex : test.regexes()) Append(TextsOf(regex, index), &all);
  out.set = KeyIntervals::Union(std::move(all));
  return out;
}

Values Like(const query::Regex& regex, const query::Collation* index) {
  const std::string value = bson::Builder().Regex("", regex.pattern(), regex.flags()).Finish();
  Values out{TextsOf(regex, index), false};
  out.set.Unite(KeyIntervals::Point((*bson::Document(AsBytes(value)).begin()).value()));
  return out;
}

Values ValuesOfNode(const query::MatchNode& node, const query::Collation* index);

// The values that a test accepts, as entries of an index.
Values ValuesOf(const query::ValueTest& test, const query::Collation* index) {
  if (const auto* compare = dynamic_cast<const query::CompareTest*>(&test)) {
    return ComparedWith(*compare, index);
  }
  if (const auto* in = dynamic_cast<const query::InTest*>(&test)) return OneOf(*in, index);
  if (const auto* regex = dynamic_cast<const query::RegexTest*>(&test)) {
    return Like(regex->regex(), index);
  }
  if (dynamic_cast<const query::ModTest*>(&test) != nullptr) {
    const std::string zero = bson::Builder().Int32("", 0).Finish();
    return {KeyIntervals::SameType((*bson::Document(AsBytes(zero)).begin()).value()), false};
  }
  if (const auto* element = dynamic_cast<const query::ElemMatchValueTest*>(&test)) {
    return {ValuesOfNode(element->child(), index).set, false};
  }
  return {};
}

// The same for operators without a path, which all speak of one element.
Values ValuesOfNode(const query::MatchNode& node, const query::Collation* index) {
  Values out;
  if (const auto* leaf = dynamic_cast<const query::LeafNode*>(&node)) {
    // An element that is an array has one entry as a whole, none for what is in it.
    const bool inner = dynamic_cast<const query::ElemMatchValueTest*>(&leaf->test()) != nullptr;
    return inner ? Values() : ValuesOf(leaf->test(), index);
  }
  if (const auto* both = dynamic_cast<const query::AndNode*>(&node)) {
    for (const auto& child : both->children()) out.set.Intersect(ValuesOfNode(*child, index).set);
  } else if (const auto* either = dynamic_cast<const query::OrNode*>(&node)) {
    std::vector<KeyInterval> all;
    for (const auto& child : either->children()) Append(ValuesOfNode(*child, index).set, &all);
    out.set = KeyIntervals::Union(std::move(all));
  }
  return out;
}

bool HasNumber(const query::Path& path) {
  return std::any_of(path.components().begin(), path.components().end(),
                     [](const query::PathComponent& c) { return c.index >= 0; });
}

// Walks the tree of a filter.
class Analysis {
 public:
  Analysis(Predicate& out, const query::Collation* index) : out_(out), index_(index) {}

  void Visit(const query::MatchNode& node, const Place& place) {
    if (const auto* both = dynamic_cast<const query::AndNode*>(&node)) {
      for (const auto& child : both->children()) Visit(*child, place);
    } else if (const auto* leaf = dynamic_cast<const query::LeafNode*>(&node)) {
      Leaf(*leaf, place);
    } else if (const auto* negated = dynamic_cast<const query::NotNode*>(&node)) {
      Not(negated->child(), place);
    } else if (const auto* either = dynamic_cast<const query::OrNode*>(&node)) {
      Or(*either, place);
    } else if (const auto* constant = dynamic_cast<const query::ConstantNode*>(&node)) {
      out_.never |= !constant->result();
    } else {
      out_.complete = false;
    }
  }

 private:
  void Leaf(const query::LeafNode& leaf, const Place& place) {
    const Values values = ValuesOf(leaf.test(), index_);
    Demand demand;
    demand.values = values.set;
    demand.exact = values.exact;
    demand.present = !leaf.test().Test(bson::Value());
    // Where a path ends early the index has null, yet not every filter sees one there.
    if (leaf.path().size() > 1 && !demand.present) demand.exact = false;
    Add(leaf.path(), std::move(demand), place);
    const auto* objects = dynamic_cast<const query::ElemMatchObjectTest*>(&leaf.test());
    if (objects != nullptr) Elements(*objects, leaf.path(), place);
  }

  void Elements(const query::ElemMatchObjectTest& test, const query::Path& path,
                const Place& place) {
    const size_t components = place.components + path.size();
    out_.complete = false;
    if (components > kMaskBits || HasNumber(path)) return;
    Place inner;
    inner.prefix = place.prefix + path.text() + ".";
    inner.element = &test;
    inner.components = static_cast<uint32_t>(components);
    // Whatever arrays led here, it was by one element of each.
    inner.element_arrays = UINT32_MAX >> (kMaskBits - components);
    Visit(test.child(), inner);
  }

  // No value at the path satisfies the test, so no entry does, if the entries say all.
  void Not(const query::MatchNode& child, const Place& place) {
    const auto* leaf = dynamic_cast<const query::LeafNode*>(&child);
    if (leaf == nullptr) {
      out_.complete = false;
      return;
    }
    Demand demand;
    if (dynamic_cast<const query::ExistsTest*>(&leaf->test()) != nullptr) {
      demand.values = KeyIntervals::Point(NullValue());
      return Add(leaf->path(), std::move(demand), place);
    }
    const Values values = ValuesOf(leaf->test(), index_);
    const bool sees_missing = leaf->test().Test(bson::Value());
    if (!values.exact || (sees_missing && leaf->path().size() > 1)) {
      out_.complete = false;
      return;
    }
    demand.values = values.set.Complement();
    demand.present = sees_missing;
    Add(leaf->path(), std::move(demand), place);
  }

  void Or(const query::OrNode& either, const Place& place) {
    if (either.children().size() == 1) return Visit(*either.children().front(), place);
    std::vector<Predicate> branches;
    for (const auto& child : either.children()) {
      Predicate branch;
      Analysis(branch, index_).Visit(*child, place);
      if (!branch.never) branches.push_back(std::move(branch));
    }
    if (branches.empty()) {
      out_.never = true;
    } else if (!JoinBranches(branches)) {
      out_.alternatives.push_back(std::move(branches));
    }
  }

  // {$or: [{a: 1}, {a: 5}]} is a demand of a.
  bool JoinBranches(const std::vector<Predicate>& branches) {
    const auto joins = [&](const Predicate& branch) {
      return branch.complete && branch.alternatives.empty() && branch.demands.size() == 1 &&
             branch.demands[0].path == branches[0].demands[0].path &&
             branch.demands[0].element == branches[0].demands[0].element;
    };
    if (branches[0].demands.size() != 1) return false;
    if (!std::all_of(branches.begin(), branches.end(), joins)) return false;
    Demand joined = branches[0].demands[0];
    std::vector<KeyInterval> all;
    for (const Predicate& branch : branches) {
      Append(branch.demands[0].values, &all);
      joined.exact &= branch.demands[0].exact;
      joined.present &= branch.demands[0].present;
    }
    joined.values = KeyIntervals::Union(std::move(all));
    out_.demands.push_back(std::move(joined));
    return true;
  }

  void Add(const query::Path& path, Demand demand, const Place& place) {
    if (place.element != nullptr) {
      // An element may be an array itself, where names are positions and nothing is missing as an
      // index sees it.
      const std::string null = Null();
      if (HasNumber(path) || demand.values.Contains(null)) {
        out_.complete = false;
        return;
      }
      demand.present = true;
    }
    demand.path = place.prefix + path.text();
    demand.element = place.element;
    demand.element_arrays = place.element_arrays;
    out_.never |= demand.values.empty();
    out_.demands.push_back(std::move(demand));
  }

  static std::string Null() { return KeyIntervals::Point(NullValue()).intervals()[0].begin; }

  Predicate& out_;
  const query::Collation* index_;
};

}  // namespace

Predicate PredicateOf(const query::Matcher& filter, const query::Collation* collation) {
  Predicate out;
  Analysis(out, collation).Visit(filter.root(), {});
  return out;
}

}  // namespace nexadb::database
