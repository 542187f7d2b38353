// InsertMany: bulk inserts, ordered or not, atomic or in chunks of one transaction each.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "plugins/database-document/collection/writer.h"

namespace nexadb::database {

struct WriteError {
  uint64_t index = 0;
  Status status;
};

struct InsertOutcome {
  std::vector<std::string> ids;  // of those inserted, in order: documents with the member _id
  // Of each of ids, kVersionstampBytes one after the other. Empty within a transaction, whose
  // versions are made by its commit.
  std::string versions;
  std::vector<WriteError> errors;
};

struct InsertRequest {
  std::string_view database;
  std::string_view collection;
  std::span<const BytesView> documents;  // well-formed
  std::span<const float> vectors;        // empty, or `dimensions` for each document
  size_t dimensions = 0;
  bool ordered = true;
  bool atomic = false;
  Validation validation = Validation::kCheck;
};

// A failure only when nothing was inserted for a reason that no single document has, or when
// `atomic` and one document failed.
Result<InsertOutcome> InsertMany(SessionImpl& session, const InsertRequest& request);

}  // namespace nexadb::database
