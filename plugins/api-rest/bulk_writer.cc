#include "plugins/api-rest/bulk_writer.h"

#include "core/document/limits.h"
#include "plugins/api-rest/members.h"
#include "plugins/api-rest/request.h"
#include "plugins/api-rest/write_outcome.h"

namespace nexadb::rest {
namespace {

// One call carries no more than this, so that one request does not hold a commit for long.
constexpr size_t kGroupBytesMax = 16 * 1024 * 1024;
constexpr size_t kGroupWritesMax = 10'000;

}  // namespace

Status BulkWriter::Insert(int64_t index, bson::Document document) {
  return Add(Kind::kInsert, index, document);
}
Status BulkWriter::Update(int64_t index, bson::Document statement) {
  return Add(Kind::kUpdate, index, statement);
}
Status BulkWriter::Delete(int64_t index, bson::Document statement) {
  return Add(Kind::kDelete, index, statement);
}

Status BulkWriter::Refuse(int64_t index, Status why) {
  // What comes before it must have had its chance to fail first.
  if (Status status = RunGroup(); !status.ok()) return status;
  if (!stopped()) failures_.push_back({index, std::move(why)});
  return {};
}

Status BulkWriter::Add(Kind kind, int64_t index, bson::Document document) {
  const bool full = documents_.size() >= kGroupWritesMax || bytes_ >= kGroupBytesMax;
  if (kind != kind_ || full) {
    if (Status status = RunGroup(); !status.ok()) return status;
    kind_ = kind;
  }
  if (stopped()) return {};
  indexes_.push_back(index);
  documents_.push_back(document.bytes());
  bytes_ += document.bytes().size();
  return {};
}

Status BulkWriter::Finish() { return RunGroup(); }

Status BulkWriter::RunGroup() {
  if (documents_.empty()) return {};
  Result<Buffer> reply = RunCommand(kind_);
  if (reply.ok()) TakeErrors(bson::Document(reply->bytes()));
  indexes_.clear();
  documents_.clear();
  bytes_ = 0;
  return reply.status();
}

Result<Buffer> BulkWriter::RunCommand(Kind kind) {
  const bool ordered = order_ == BulkOrder::kOrdered;
  if (kind == Kind::kInsert) {
    InsertOptions options;
    options.ordered = ordered ? 1 : 0;
    Result<Buffer> reply = request_.database().Insert(session_, request_.database_name(),
                                                      collection_, documents_, options);
    if (!reply.ok()) return reply;
    const bson::Document outcome(reply->bytes());
    for (const bson::Element& id : outcome["ids"].value().Doc()) {
      if (!ids_.empty()) ids_.push_back(',');
      AppendId(ids_, id.value());
    }
    inserted_ += IntegerOf(outcome, "n");
    return reply;
  }
  bson::Builder command;
  command.Text(kind == Kind::kUpdate ? "update" : "delete", collection_);
  command.Bool("ordered", ordered);
  command.OpenArray(kind == Kind::kUpdate ? "updates" : "deletes");
  for (size_t i = 0; i < documents_.size(); ++i) {
    command.Object(std::to_string(i), bson::Document(documents_[i]));
  }
  const std::string bytes = command.Close().Finish();
  Result<Buffer> reply =
      request_.database().Run(session_, request_.database_name(), AsBytes(bytes));
  if (!reply.ok()) return reply;
  const bson::Document outcome(reply->bytes());
  if (kind == Kind::kDelete) {
    deleted_ += IntegerOf(outcome, "n");
    return reply;
  }
  const auto created = static_cast<int64_t>(outcome["upserted"].value().Doc().CountElements());
  upserted_ += created;
  matched_ += IntegerOf(outcome, "n") - created;
  modified_ += IntegerOf(outcome, "nModified");
  return reply;
}

void BulkWriter::TakeErrors(bson::Document reply) {
  for (const bson::Element& element : reply["writeErrors"].value().Doc()) {
    const bson::Document entry = element.value().Doc();
    const auto at = static_cast<size_t>(IntegerOf(entry, "index"));
    const int64_t index = at < indexes_.size() ? indexes_[at] : -1;
    failures_.push_back({index, WriteErrorStatus(entry)});
  }
}

}  // namespace nexadb::rest
