// RowFilter: a Matcher compiled for many documents. The conditions that every matching document
// must meet are tested while one pass over the document finds their fields, and the pass ends at
// the first that fails. Comparisons with numbers and strings read the document's bytes; all else
// goes to the matcher's own tests. Its answer is Matcher::Matches' answer, whatever the document:
// row_filter_test.cc holds the two against each other.
//
// Learns from what it reads, so one thread at a time. Keeps the matcher alive.
#pragma once
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "plugins/database-document/execute/field_reader.h"
#include "plugins/database-document/match/matcher.h"
#include "plugins/database-document/match/node.h"

namespace nexadb::query {

class RowFilter {
 public:
  explicit RowFilter(std::shared_ptr<const Matcher> matcher);

  // Throws QueryError where Matcher::Matches fails, unless another condition has decided before.
  bool Matches(bson::Document doc);

 private:
  enum class Kernel { kGeneral, kInteger, kText };
  // One condition on one path.
  struct Test {
    const LeafNode* leaf = nullptr;
    Kernel kernel = Kernel::kGeneral;
    Comparison comparison = Comparison::kEqual;
    bool negated = false;  // from $ne, $nin, $not
    int64_t integer = 0;
    std::string_view text;
  };
  struct PathTests {
    std::vector<Test> tests;
    bool missing_passes = true;  // what they say of an absent value
  };

  void Compile(const MatchNode& node);
  // False when there are too many paths already.
  bool AddLeaf(const LeafNode& leaf, bool negated);
  static void ChooseKernel(Test* test);
  static bool Passes(const Test& test, const bson::Value& value);
  static bool PassesInteger(const Test& test, const bson::Value& value);
  static bool PassesThroughArray(const Test& test, bson::Document doc);
  bool MatchesFields(bson::Document doc, bool* damaged);

  std::shared_ptr<const Matcher> matcher_;
  std::vector<Path> paths_;
  std::vector<PathTests> tests_;            // by path
  std::vector<const MatchNode*> residual_;  // asked of what passes the tests
  std::unique_ptr<PathReader> reader_;      // null: the matcher does it all
  uint64_t all_paths_ = 0;
};

}  // namespace nexadb::query
