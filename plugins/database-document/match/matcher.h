// Compiled filters: MongoDB's query language over BSON documents.
//
// Parse once, match many documents. A matcher copies what it needs of the filter. Matching is
// const and allocates nothing unless the filter holds $expr or $jsonSchema, which evaluate
// expressions; only $expr can fail at run time. Use one matcher from one thread at a time.
// Limits: kFilterDepthMax here; nodes, $in values and regex bytes in core/document/limits.h.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nexadb/bson.h"
#include "plugins/database-document/value/parse_options.h"

namespace nexadb::query {

constexpr size_t kFilterDepthMax = 100;

class MatchNode;

// Which array element made a document match, for positional updates and projections.
struct MatchDetails {
  int64_t position = -1;  // -1: no array took part
};

// What a filter demands of one path, for choosing an access path. Values borrow from the matcher.
struct FieldBounds {
  bson::Value equal;  // none: no equality
  bson::Value low, high;
  bool low_inclusive = true;
  bool high_inclusive = true;
};

class Matcher {
 public:
  static Result<std::unique_ptr<Matcher>> Parse(bson::Document filter, const ParseOptions& options);
  // A predicate over values instead of documents, as $pull and $elemMatch have it:
  // {$gt: 5} or {x: 1, y: {$lt: 3}}. The operator form is tried on the value itself.
  static Result<std::unique_ptr<Matcher>> ParseValuePredicate(bson::Value predicate,
                                                              const ParseOptions& options);
  ~Matcher();

  Result<bool> Matches(bson::Document doc, MatchDetails* details = nullptr) const;
  Result<bool> MatchesValue(const bson::Value& value) const;

  bool IsEmpty() const noexcept;  // matches every document
  // How it compares strings; null: by their bytes.
  const Collation* collation() const noexcept { return collation_.get(); }
  // The filter's own bytes, as parsed.
  bson::Document Source() const noexcept { return bson::Document(AsBytes(source_)); }

  // The value that _id must equal, when the filter can only match that one; arrays, null, regular
  // expressions and operators give none.
  std::optional<bson::Value> IdEquality() const;
  // The values of {_id: {$in: [...]}} at the top, or none.
  std::optional<bson::Document> IdIn() const;
  // Bounds of a top-level conjunction on a path. On a path that may hold arrays only `equal`, or
  // one of low and high, may be used.
  std::optional<FieldBounds> Bounds(std::string_view path) const;
  // The paths at which it looks; none: it may look anywhere, or its answer is not the document's.
  std::optional<std::vector<std::string>> Paths() const;
  // The tree, for the planner. Lives as long as the matcher.
  const MatchNode& root() const noexcept { return *root_; }

 private:
  Matcher();
  std::string source_;
  CollationPtr collation_;
  std::unique_ptr<MatchNode> root_;
};

}  // namespace nexadb::query
