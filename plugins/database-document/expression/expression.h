// Compiled aggregation expressions ("$price", {$add: ["$a", 1]}).
//
// Constants are folded while parsing, so a constant mistake fails there. Evaluating allocates only
// for results that are not part of the document. The result may borrow from the document: Keep()
// what outlives it. An expression is used from one thread at a time.
#pragma once
#include <memory>

#include "nexadb/bson.h"
#include "plugins/database-document/value/owned.h"
#include "plugins/database-document/value/parse_options.h"

namespace nexadb::query {

class ExpressionNode;

class Expression {
 public:
  static Result<std::unique_ptr<Expression>> Parse(const bson::Value& spec,
                                                   const ParseOptions& options);
  ~Expression();
  Result<OwnedValue> Evaluate(bson::Document root) const;
  bool IsConstant() const noexcept;
  // A command's `let`: names of variables to expressions that need no document. Error 9 for a bad
  // name, 4890500 for an expression that reads a field, else what its evaluation fails with.
  static Status CheckLet(const ParseOptions& options);

 private:
  Expression();
  std::unique_ptr<ExpressionNode> root_;
  size_t slots_ = 0;
  CollationPtr collation_;
};

// Whether a value counts as true: all but false, zero, null, undefined and missing.
bool IsTruthy(const bson::Value& value) noexcept;

}  // namespace nexadb::query
