// ChangeFilter: which events of a collection's changes a follower wants to see.
//
// A filter of the query language over the event as it is told: {operation, document_id, at,
// document, before}. The database evaluates it, as it does every other filter, so that all
// operators mean what they mean elsewhere. Immutable; [any].
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "nexadb/bson.h"
#include "nexadb/database.h"

namespace nexadb::rest {

class ChangeFilter {
 public:
  // Passes everything.
  ChangeFilter() = default;
  // Error of JSON, or of the query language when it is no filter.
  static Result<ChangeFilter> Parse(std::string_view json, Database& database, Session& session,
                                    std::string_view name);

  bool passes_all() const { return database_ == nullptr; }
  // The tokens of those of `events`, an array, that match; in its order. Events that are too much
  // for a query's memory together are asked about in parts.
  Result<std::vector<std::string>> Matching(Session& session, bson::Document events) const;

 private:
  Status Match(Session& session, bson::Document events, std::vector<std::string>* tokens) const;
  Database* database_ = nullptr;
  std::string name_;  // the database's
  std::string filter_;
};

}  // namespace nexadb::rest
