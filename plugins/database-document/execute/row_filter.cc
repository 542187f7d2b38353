#include "plugins/database-document/execute/row_filter.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "plugins/database-document/value/failure.h"

namespace nexadb::query {
namespace {

// Doubles hold every integer up to here.
constexpr int64_t kExactDoubleMax = int64_t{1} << 53;

bool Holds(Comparison comparison, int order) {
  switch (comparison) {
    case Comparison::kEqual: return order == 0;
    case Comparison::kLess: return order < 0;
    case Comparison::kLessOrEqual: return order <= 0;
    case Comparison::kGreater: return order > 0;
    case Comparison::kGreaterOrEqual: return order >= 0;
  }
  return false;
}

template <class T>
int Order(T a, T b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

int OrderText(std::string_view a, std::string_view b) {
  const int order = std::memcmp(a.data(), b.data(), std::min(a.size(), b.size()));
  return order != 0 ? order : Order(a.size(), b.size());
}

}  // namespace

RowFilter::RowFilter(std::shared_ptr<const Matcher> matcher) : matcher_(std::move(matcher)) {
  if (matcher_->IsEmpty()) return;
  Compile(matcher_->root());
  if (paths_.empty()) return;
  all_paths_ =
      paths_.size() == PathReader::kPathsMax ? ~uint64_t{0} : (uint64_t{1} << paths_.size()) - 1;
  reader_ = std::make_unique<PathReader>(paths_);
  for (PathTests& path : tests_) {
    path.missing_passes = std::all_of(path.tests.begin(), path.tests.end(), [](const Test& test) {
      return test.leaf->MatchValue(bson::Value(), Expand::kElements) != test.negated;
    });
  }
}

void RowFilter::Compile(const MatchNode& node) {
  if (const auto* both = dynamic_cast<const AndNode*>(&node)) {
    for (const NodePtr& child : both->children()) Compile(*child);
    return;
  }
  if (const auto* either = dynamic_cast<const OrNode*>(&node)) {
    if (either->children().size() == 1) return Compile(*either->children().front());
  }
  const auto* leaf = dynamic_cast<const LeafNode*>(&node);
  const auto* negation = dynamic_cast<const NotNode*>(&node);
  if (negation != nullptr) leaf = dynamic_cast<const LeafNode*>(&negation->child());
  if (leaf == nullptr || !AddLeaf(*leaf, negation != nullptr)) residual_.push_back(&node);
}

bool RowFilter::AddLeaf(const LeafNode& leaf, bool negated) {
  const auto found = std::find_if(paths_.begin(), paths_.end(), [&](const Path& path) {
    return path.text() == leaf.path().text();
  });
  const auto at = static_cast<size_t>(found - paths_.begin());
  if (found == paths_.end()) {
    if (paths_.size() == PathReader::kPathsMax || leaf.path().size() == 0) return false;
    paths_.push_back(leaf.path());
    tests_.emplace_back();
  }
  Test test;
  test.leaf = &leaf;
  test.negated = negated;
  ChooseKernel(&test);
  tests_[at].tests.push_back(test);
  return true;
}

void RowFilter::ChooseKernel(Test* test) {
  const auto* compare = dynamic_cast<const CompareTest*>(&test->leaf->test());
  if (compare == nullptr) return;
  const bson::Value& operand = compare->operand();
  test->comparison = compare->comparison();
  switch (operand.type()) {
    case bson::Type::kInt32: test->integer = operand.Int32(); break;
    case bson::Type::kInt64: test->integer = operand.Int64(); break;
    case bson::Type::kString:
      if (compare->collation() != nullptr) return;
      test->kernel = Kernel::kText;
      test->text = operand.Text();
      return;
    default: return;
  }
  const bool exact = test->integer <= kExactDoubleMax && test->integer >= -kExactDoubleMax;
  if (exact) test->kernel = Kernel::kInteger;
}

bool RowFilter::PassesInteger(const Test& test, const bson::Value& value) {
  switch (value.type()) {
    case bson::Type::kInt32:
      return Holds(test.comparison, Order<int64_t>(value.Int32(), test.integer));
    case bson::Type::kInt64: return Holds(test.comparison, Order(value.Int64(), test.integer));
    case bson::Type::kDouble: {
      const double d = value.Double();
      // NaN is neither above nor below a number.
      return !std::isnan(d) && Holds(test.comparison, Order(d, static_cast<double>(test.integer)));
    }
    case bson::Type::kDecimal128:
    case bson::Type::kArray: return test.leaf->MatchValue(value, Expand::kElements);
    default: return false;  // of another kind
  }
}

bool RowFilter::Passes(const Test& test, const bson::Value& value) {
  switch (test.kernel) {
    case Kernel::kInteger: return PassesInteger(test, value) != test.negated;
    case Kernel::kText:
      if (value.type() == bson::Type::kString) {
        return Holds(test.comparison, OrderText(value.Text(), test.text)) != test.negated;
      }
      break;
    case Kernel::kGeneral: break;
  }
  return test.leaf->MatchValue(value, Expand::kElements) != test.negated;
}

bool RowFilter::PassesThroughArray(const Test& test, bson::Document doc) {
  MatchDetails ignored;
  return test.leaf->Match(doc, ignored) != test.negated;
}

bool RowFilter::MatchesFields(bson::Document doc, bool* damaged) {
  uint64_t absent = all_paths_;
  const ReadOutcome outcome =
      reader_->Read(doc, [&](uint32_t path, const bson::Value& value, PathEnd end) {
        absent &= ~(uint64_t{1} << path);
        for (const Test& test : tests_[path].tests) {
          const bool passes =
              end == PathEnd::kValue ? Passes(test, value) : PassesThroughArray(test, doc);
          if (!passes) return false;
        }
        return true;
      });
  if (outcome == ReadOutcome::kStopped) return false;
  *damaged = outcome == ReadOutcome::kMalformed;
  for (; absent != 0 && !*damaged; absent &= absent - 1) {
    if (!tests_[static_cast<size_t>(__builtin_ctzll(absent))].missing_passes) return false;
  }
  return true;
}

bool RowFilter::Matches(bson::Document doc) {
  if (reader_ == nullptr) return matcher_->IsEmpty() || Unwrap(matcher_->Matches(doc));
  bool damaged = false;
  if (!MatchesFields(doc, &damaged)) return false;
  if (damaged) return Unwrap(matcher_->Matches(doc));
  for (const MatchNode* node : residual_) {
    MatchDetails ignored;
    if (!node->Match(doc, ignored)) return false;
  }
  return true;
}

}  // namespace nexadb::query
