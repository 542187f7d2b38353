// Updates and deletes by filter, and findAndModify. Each statement is one transaction: a failure
// in its middle leaves nothing of it.
#pragma once
#include <optional>
#include <string>

#include "plugins/database-document/collection/writer.h"
#include "plugins/database-document/project/sort.h"

namespace nexadb::database {

struct UpdateStatement {
  bson::Document filter;
  bson::Value update;  // an object, or an array for a pipeline
  bson::Document array_filters;
  bson::Document sort;                           // which one, when not `multi`
  bson::Value hint;                              // an index's name or key, or none
  std::optional<query::CollationPtr> collation;  // none: the collection's own
  bool multi = false;
  bool upsert = false;
  Validation validation = Validation::kCheck;
};

struct UpdateOutcome {
  int64_t matched = 0;  // without an upsert's
  int64_t modified = 0;
  std::string upserted;  // a document with the member _id; empty: none
  std::string before;    // of the one document, when not `multi`; empty: none matched
  std::string after;
};

struct DeleteStatement {
  bson::Document filter;
  bson::Document sort;
  bson::Value hint;
  std::optional<query::CollationPtr> collation;
  bool multi = false;
};

struct DeleteOutcome {
  int64_t deleted = 0;
  std::string before;  // of the one document, when not `multi`
};

struct Target {
  std::string_view database;
  std::string_view collection;
};

Result<UpdateOutcome> RunUpdate(SessionImpl& session, const Target& target,
                                const UpdateStatement& statement,
                                const query::ParseOptions& options);
Result<DeleteOutcome> RunDelete(SessionImpl& session, const Target& target,
                                const DeleteStatement& statement,
                                const query::ParseOptions& options);

}  // namespace nexadb::database
