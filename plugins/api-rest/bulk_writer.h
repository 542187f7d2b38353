// BulkWriter: runs the writes of one bulk request in order, in as few calls of the database as
// their kinds allow, and gathers what became of each.
//
// Neighbours of one kind (inserts, updates and replacements, deletes) go together. With ordered
// set, the first failure ends it; what came before stays. One thread; borrows the documents.
#pragma once
#include <string>
#include <vector>

#include "nexadb/bson.h"
#include "nexadb/database.h"

namespace nexadb::rest {

class Request;

enum class BulkOrder { kOrdered, kUnordered };

class BulkWriter {
 public:
  struct Failure {
    int64_t index;
    Status status;
  };

  BulkWriter(Request& request, Session& session, std::string_view collection, BulkOrder order)
      : request_(request), session_(session), collection_(collection), order_(order) {}

  // Each call adds the write that the client has at `index`, and may run those before it. A Status
  // only when the database could try nothing: then no more is worth sending.
  Status Insert(int64_t index, bson::Document document);
  // `statement` is one of the command's updates or deletes.
  Status Update(int64_t index, bson::Document statement);
  Status Delete(int64_t index, bson::Document statement);
  // A write that is known to fail without asking the database.
  Status Refuse(int64_t index, Status why);
  // Runs what is left.
  Status Finish();
  // Ordered, and something failed: later writes are not tried.
  bool stopped() const { return order_ == BulkOrder::kOrdered && !failures_.empty(); }

  const std::vector<Failure>& failures() const { return failures_; }
  // {_id} of the inserted ones, as text of a JSON array's inside.
  const std::string& ids() const { return ids_; }
  int64_t inserted() const { return inserted_; }
  int64_t matched() const { return matched_; }
  int64_t modified() const { return modified_; }
  int64_t upserted() const { return upserted_; }
  int64_t deleted() const { return deleted_; }

 private:
  enum class Kind { kNone, kInsert, kUpdate, kDelete };

  Status Add(Kind kind, int64_t index, bson::Document document);
  Status RunGroup();
  Result<Buffer> RunCommand(Kind kind);
  void TakeErrors(bson::Document reply);

  Request& request_;
  Session& session_;
  const std::string_view collection_;
  const BulkOrder order_;
  Kind kind_ = Kind::kNone;
  std::vector<int64_t> indexes_;  // of the group
  std::vector<BytesView> documents_;
  size_t bytes_ = 0;
  std::vector<Failure> failures_;
  std::string ids_;
  int64_t inserted_ = 0;
  int64_t matched_ = 0;
  int64_t modified_ = 0;
  int64_t upserted_ = 0;
  int64_t deleted_ = 0;
};

}  // namespace nexadb::rest
