// The compiled form of a filter: a tree of nodes over documents, with tests of single values at
// its leaves. Nodes borrow operands from the matcher's copy of the filter. Immutable once built.
#pragma once
#include <memory>
#include <vector>

#include "nexadb/bson.h"
#include "plugins/database-document/match/matcher.h"
#include "plugins/database-document/match/regex.h"
#include "plugins/database-document/value/collation.h"
#include "plugins/database-document/value/path.h"

namespace nexadb::query {

// Whether a leaf that holds an array is also tried element by element.
enum class Expand { kNo, kElements };

class MatchNode {
 public:
  virtual ~MatchNode() = default;
  virtual bool Match(bson::Document doc, MatchDetails& details) const = 0;
  // The node as a predicate over a value without a path.
  virtual bool MatchValue(const bson::Value& value, Expand expand) const = 0;
};
using NodePtr = std::unique_ptr<MatchNode>;

class ValueTest {
 public:
  virtual ~ValueTest() = default;
  virtual bool Test(const bson::Value& value) const = 0;
  // False for tests of the field as a whole, such as $size and $exists.
  virtual Expand expand() const { return Expand::kElements; }
};
using TestPtr = std::unique_ptr<ValueTest>;

class LeafNode final : public MatchNode {
 public:
  LeafNode(Path path, TestPtr test) : path_(std::move(path)), test_(std::move(test)) {}
  bool Match(bson::Document doc, MatchDetails& details) const override;
  bool MatchValue(const bson::Value& value, Expand expand) const override;
  const Path& path() const { return path_; }
  const ValueTest& test() const { return *test_; }

 private:
  Path path_;
  TestPtr test_;
};

class AndNode final : public MatchNode {
 public:
  explicit AndNode(std::vector<NodePtr> children) : children_(std::move(children)) {}
  bool Match(bson::Document doc, MatchDetails& details) const override;
  bool MatchValue(const bson::Value& value, Expand expand) const override;
  const std::vector<NodePtr>& children() const { return children_; }

 private:
  std::vector<NodePtr> children_;
};

class OrNode final : public MatchNode {
 public:
  explicit OrNode(std::vector<NodePtr> children) : children_(std::move(children)) {}
  bool Match(bson::Document doc, MatchDetails& details) const override;
  bool MatchValue(const bson::Value& value, Expand expand) const override;
  const std::vector<NodePtr>& children() const { return children_; }

 private:
  std::vector<NodePtr> children_;
};

class NotNode final : public MatchNode {
 public:
  explicit NotNode(NodePtr child) : child_(std::move(child)) {}
  bool Match(bson::Document doc, MatchDetails& details) const override;
  bool MatchValue(const bson::Value& value, Expand expand) const override;
  const MatchNode& child() const { return *child_; }

 private:
  NodePtr child_;
};

class ConstantNode final : public MatchNode {
 public:
  explicit ConstantNode(bool result) : result_(result) {}
  bool Match(bson::Document, MatchDetails&) const override { return result_; }
  bool MatchValue(const bson::Value&, Expand) const override { return result_; }
  bool result() const { return result_; }

 private:
  bool result_;
};

enum class Comparison { kEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };

// Type-bracketed comparison: only values of the operand's kind match.
class CompareTest final : public ValueTest {
 public:
  CompareTest(Comparison comparison, const bson::Value& operand, CollationPtr collation);
  bool Test(const bson::Value& value) const override;
  Comparison comparison() const { return comparison_; }
  const bson::Value& operand() const { return operand_; }
  const Collation* collation() const { return collation_.get(); }

 private:
  Comparison comparison_;
  bson::Value operand_;
  CollationPtr collation_;
  int rank_;
  bool unbracketed_;  // MinKey and MaxKey compare with every type
  bool operand_nan_;
};

class InTest final : public ValueTest {
 public:
  InTest(bson::Document source, std::vector<bson::Value> values, std::vector<Regex> regexes,
         CollationPtr collation);
  bool Test(const bson::Value& value) const override;
  bson::Document source() const { return source_; }
  bool HasRegex() const { return !regexes_.empty(); }
  const std::vector<bson::Value>& values() const { return values_; }
  const std::vector<Regex>& regexes() const { return regexes_; }
  const Collation* collation() const { return collation_.get(); }

 private:
  bson::Document source_;
  std::vector<bson::Value> values_;  // sorted
  std::vector<Regex> regexes_;
  CollationPtr collation_;
  bool matches_null_ = false;
};

class RegexTest final : public ValueTest {
 public:
  explicit RegexTest(Regex regex) : regex_(std::move(regex)) {}
  bool Test(const bson::Value& value) const override;
  const Regex& regex() const { return regex_; }

 private:
  Regex regex_;
};

class ExistsTest final : public ValueTest {
 public:
  bool Test(const bson::Value& value) const override { return static_cast<bool>(value); }
  Expand expand() const override { return Expand::kNo; }
};

class TypeTest final : public ValueTest {
 public:
  explicit TypeTest(std::vector<bson::Type> types) : types_(std::move(types)) {}
  bool Test(const bson::Value& value) const override;
  const std::vector<bson::Type>& types() const { return types_; }

 private:
  std::vector<bson::Type> types_;
};

// The field itself is an array: elements do not count.
class IsArrayTest final : public ValueTest {
 public:
  bool Test(const bson::Value& v) const override { return v.type() == bson::Type::kArray; }
  Expand expand() const override { return Expand::kNo; }
};

class SizeTest final : public ValueTest {
 public:
  explicit SizeTest(int64_t size) : size_(size) {}
  bool Test(const bson::Value& value) const override;
  Expand expand() const override { return Expand::kNo; }

 private:
  int64_t size_;
};

class ModTest final : public ValueTest {
 public:
  ModTest(int64_t divisor, int64_t remainder) : divisor_(divisor), remainder_(remainder) {}
  bool Test(const bson::Value& value) const override;

 private:
  int64_t divisor_;
  int64_t remainder_;
};

enum class BitsQuestion { kAllSet, kAllClear, kAnySet, kAnyClear };

class BitsTest final : public ValueTest {
 public:
  BitsTest(BitsQuestion question, std::vector<uint64_t> positions)
      : question_(question), positions_(std::move(positions)) {}
  bool Test(const bson::Value& value) const override;

 private:
  BitsQuestion question_;
  std::vector<uint64_t> positions_;
};

// $elemMatch over objects: one element satisfies the whole sub-filter.
class ElemMatchObjectTest final : public ValueTest {
 public:
  explicit ElemMatchObjectTest(NodePtr child) : child_(std::move(child)) {}
  bool Test(const bson::Value& value) const override { return FirstMatch(value) >= 0; }
  Expand expand() const override { return Expand::kNo; }
  int64_t FirstMatch(const bson::Value& array) const;
  const MatchNode& child() const { return *child_; }

 private:
  NodePtr child_;
};

// $elemMatch over values: one element satisfies every operator.
class ElemMatchValueTest final : public ValueTest {
 public:
  explicit ElemMatchValueTest(NodePtr child) : child_(std::move(child)) {}
  bool Test(const bson::Value& value) const override { return FirstMatch(value) >= 0; }
  Expand expand() const override { return Expand::kNo; }
  int64_t FirstMatch(const bson::Value& array) const;
  const MatchNode& child() const { return *child_; }

 private:
  NodePtr child_;
};

}  // namespace nexadb::query
