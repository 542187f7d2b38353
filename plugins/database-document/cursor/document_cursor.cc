#include "plugins/database-document/cursor/document_cursor.h"

#include "core/document/error.h"
#include "nexadb/sdk/guard.h"
#include "plugins/database-document/command/fields.h"
#include "plugins/database-document/command/read_commands.h"
#include "plugins/database-document/session/call_meter.h"

namespace nexadb::database {

namespace {

class StreamCursor final : public DocumentCursor {
 public:
  StreamCursor(std::unique_ptr<QueryStream> stream, FindSource* find)
      : stream_(std::move(stream)), find_(find) {}

  Result<uint64_t> Next(Span<BytesView> documents) noexcept override {
    return sdk::Guard([&]() -> Result<uint64_t> {
      SessionImpl& session = stream_->context().session();
      const CallMeter meter(session);
      session.ForgetScanned();
      const size_t wanted = std::min(documents.size(), query::kBatchDocuments);
      batch_.resize(wanted);
      auto count = stream_->source().Next(batch_);
      if (!count.ok()) return count.status();
      for (size_t i = 0; i < *count; ++i) documents[i] = batch_[i].view().bytes();
      return uint64_t{*count};
    });
  }

  Result<Buffer> Position() noexcept override {
    return sdk::Guard([&]() -> Result<Buffer> {
      if (find_ == nullptr) return Buffer();
      return Buffer::Own(find_->Position());
    });
  }

  void Release() noexcept override { delete this; }

 private:
  std::unique_ptr<QueryStream> stream_;
  FindSource* find_;  // inside the stream; null for an aggregation
  std::vector<query::BatchDocument> batch_;
};

}  // namespace

Result<Handle<DocumentCursor>> OpenDocumentCursor(const CommandCall& call, std::string_view after) {
  if (call.command.empty()) return MongoError(9, "a command needs at least its name");
  const bson::Value time_limit = Member(call.command, "maxTimeMS");
  if (time_limit.IsNumber() && ToInteger(time_limit) > 0) {
    call.session.LimitCall(static_cast<uint64_t>(ToInteger(time_limit)));
  }
  const CallMeter meter(call.session);
  if (call.name() == "find") {
    auto request = ParseFindRequest(call);
    if (!request.ok()) return request.status();
    auto find = OpenFind(call, *request, after);
    if (!find.ok()) return find.status();
    return Handle<DocumentCursor>(new StreamCursor(std::move(find->stream), find->source));
  }
  if (call.name() == "aggregate") {
    if (!after.empty()) {
      return MakeError(ErrorId::kInvalidCursor, "an aggregation has no position to go on from");
    }
    auto stream = OpenAggregate(call);
    if (!stream.ok()) return stream.status();
    return Handle<DocumentCursor>(new StreamCursor(std::move(*stream), nullptr));
  }
  return MongoError(59, "no such query: '" + std::string(call.name()) + "'");
}

}  // namespace nexadb::database
