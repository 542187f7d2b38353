// POST /collections/{name}/_import: documents of a streamed body, inserted batch by batch.
//
// A body of any size in constant memory, as NDJSON, a JSON array or CSV, plain or gzip. Who accepts
// NDJSON is told how far it has come, and how it ended.
#include <vector>

#include "core/document/error.h"
#include "core/document/limits.h"
#include "plugins/api-rest/body_writer.h"
#include "plugins/api-rest/csv.h"
#include "plugins/api-rest/gzip.h"
#include "plugins/api-rest/handlers.h"
#include "plugins/api-rest/json_splitter.h"
#include "plugins/api-rest/members.h"
#include "plugins/api-rest/reply.h"
#include "plugins/api-rest/request.h"
#include "plugins/api-rest/write_outcome.h"

namespace nexadb::rest {
namespace {

// One insert call: large enough to share a commit, small enough to hold little.
constexpr size_t kImportBatchDocuments = 1000;
constexpr size_t kImportBatchBytes = 1024 * 1024;
// More failures than anybody reads are only counted.
constexpr size_t kImportErrorsShown = 100;
// Often enough to see that it goes on, seldom enough to fit into socket buffers unread.
constexpr uint64_t kProgressNs = 1'000'000'000;
constexpr std::string_view kNdjson = "application/x-ndjson";

// Gathers documents and inserts them batch by batch.
class Importer {
 public:
  // `progress`, where given, gets a line now and then.
  Importer(Request& request, Session& session, BodyWriter* progress)
      : request_(request), session_(session), progress_(progress), told_ns_(NowNs()) {}

  Status Add(bson::Document document) {
    if (Status status = CheckInserted(document); !status.ok()) {
      Fail(index_++, std::move(status));
      return {};
    }
    batch_.emplace_back(AsText(document.bytes()));
    indexes_.push_back(index_++);
    bytes_ += document.bytes().size();
    const bool full = batch_.size() >= kImportBatchDocuments || bytes_ >= kImportBatchBytes;
    return full ? Flush() : Status();
  }

  Status Flush() {
    if (batch_.empty()) return {};
    std::vector<BytesView> views;
    for (const std::string& document : batch_) views.push_back(AsBytes(document));
    InsertOptions options;
    options.ordered = 0;
    // An import takes as long as its body: the time limit is each batch's.
    if (Result<Session*> renewed = request_.session(); !renewed.ok()) {
      return std::move(renewed).status();
    }
    Result<Buffer> reply = request_.database().Insert(session_, request_.database_name(),
                                                      request_.capture(0), views, options);
    if (!reply.ok()) return std::move(reply).status();
    const bson::Document outcome(reply->bytes());
    inserted_ += IntegerOf(outcome, "n");
    for (const bson::Element& element : outcome["writeErrors"].value().Doc()) {
      const auto at = static_cast<size_t>(IntegerOf(element.value().Doc(), "index"));
      Fail(at < indexes_.size() ? indexes_[at] : -1, WriteErrorStatus(element.value().Doc()));
    }
    batch_.clear();
    indexes_.clear();
    bytes_ = 0;
    return Tell();
  }

  void Fail(int64_t index, Status status) {
    ++failed_;
    if (failed_ > static_cast<int64_t>(kImportErrorsShown)) return;
    if (!errors_.empty()) errors_.push_back(',');
    AppendErrorItem(errors_, status, index);
  }

  int64_t inserted() const { return inserted_; }
  int64_t failed() const { return failed_; }
  const std::string& errors() const { return errors_; }

 private:
  uint64_t NowNs() { return request_.api().services.clock->MonotonicNs(); }

  Status Tell() {
    if (progress_ == nullptr || NowNs() - told_ns_ < kProgressNs) return {};
    told_ns_ = NowNs();
    JsonObject done;
    done.Integer("read", index_).Integer("inserted", inserted_).Integer("failed", failed_);
    progress_->text() += JsonObject().Raw("progress", done.Finish()).Finish() + "\n";
    return progress_->Flush();
  }

  Request& request_;
  Session& session_;
  BodyWriter* const progress_;
  uint64_t told_ns_;
  std::vector<std::string> batch_;
  std::vector<int64_t> indexes_;
  size_t bytes_ = 0;
  int64_t index_ = 0;
  int64_t inserted_ = 0;
  int64_t failed_ = 0;
  std::string errors_;
};

// Hands each part of the body to `feed`, unzipped where it came zipped.
template <class Feed>
Status ForEachPart(Request& request, Feed&& feed) {
  GzipReader gzip;
  while (true) {
    Result<BytesView> part = request.exchange().ReadBody();
    if (!part.ok()) return std::move(part).status();
    if (part->empty()) return request.sent_gzip() ? gzip.Finish() : Status();
    Status status = request.sent_gzip() ? gzip.Feed(AsText(*part), feed) : feed(AsText(*part));
    if (!status.ok()) return status;
  }
}

Status ImportLines(Request& request, Importer& importer) {
  NdjsonReader reader([&](uint64_t, bson::Document document) { return importer.Add(document); });
  Status status = ForEachPart(request, [&](std::string_view part) { return reader.Feed(part); });
  return status.ok() ? reader.Finish() : status;
}

Status ImportArray(Request& request, Importer& importer) {
  JsonSplitter splitter(static_cast<uint64_t>(kImportLineBytesMax),
                        [&](std::string_view text) -> Status {
                          Result<std::string> document = JsonToBson(text);
                          if (!document.ok()) return std::move(document).status();
                          return importer.Add(AsDocument(*document));
                        });
  Status status = ForEachPart(request, [&](std::string_view part) { return splitter.Feed(part); });
  return status.ok() ? splitter.End() : status;
}

// A cell that reads as JSON's number, true, false, null, object or array is that; else it is text.
void AddCell(bson::Builder& document, std::string_view name, const std::string& cell, bool infer) {
  constexpr std::string_view kStarts = "-0123456789tfn{[";
  if (infer && kStarts.find(cell.front()) != std::string_view::npos) {
    Result<JsonValue> value = ParseJsonValue(cell);
    if (value.ok()) {
      document.Value(name, value->value());
      return;
    }
  }
  document.Text(name, cell);
}

Status ImportCsv(Request& request, Importer& importer) {
  Result<bool> infer = request.parameters().Flag("infer", true);
  if (!infer.ok()) return std::move(infer).status();
  CsvRecord columns;
  CsvReader* position = nullptr;
  CsvReader reader(static_cast<uint64_t>(kImportLineBytesMax), [&](CsvRecord&& record) -> Status {
    for (const std::string& field : record) {
      if (bson::internal::ValidUtf8(field) && field.find('\0') == std::string::npos) continue;
      return MakeError(ErrorId::kInvalidCsv, "The CSV is not UTF-8 text before line " +
                                                 std::to_string(position->line()) + ".");
    }
    if (columns.empty()) {
      columns = std::move(record);
      return {};
    }
    if (record.size() > columns.size()) {
      return MakeError(ErrorId::kInvalidCsv, "The record before line " +
                                                 std::to_string(position->line()) +
                                                 " has more fields than the header.");
    }
    bson::Builder document;
    for (size_t i = 0; i < record.size(); ++i) {
      if (!record[i].empty()) AddCell(document, columns[i], record[i], *infer);
    }
    const std::string bytes = document.Finish();
    return importer.Add(AsDocument(bytes));
  });
  position = &reader;
  Status status = ForEachPart(request, [&](std::string_view part) { return reader.Feed(part); });
  return status.ok() ? reader.End() : status;
}

Status ReadDocuments(Request& request, Importer& importer) {
  const std::string type = request.ContentType();
  Status status = type == "text/csv" ? ImportCsv(request, importer)
                  : type == kNdjson  ? ImportLines(request, importer)
                                     : ImportArray(request, importer);
  Status flushed = importer.Flush();
  return status.ok() ? flushed : status;
}

// A body that turned out not to be what it claimed: what came before stays, and is reported.
Status Interrupted(const Status& status, const Importer& importer) {
  bson::Builder detail;
  if (!status.detail().empty()) detail.Elements(bson::Document(status.detail()));
  const std::string bytes =
      detail.Int64("inserted", importer.inserted()).Int64("failed", importer.failed()).Finish();
  return Status::Make(status.code(), status.domain(), status.number(), status.message(),
                      AsBytes(bytes));
}

JsonObject& AddOutcome(JsonObject& out, Request& request, const Importer& importer) {
  out.Bool("ok", importer.failed() == 0).Integer("inserted", importer.inserted());
  out.Integer("failed", importer.failed());
  if (importer.failed() != 0) out.Raw("errors", "[" + importer.errors() + "]");
  return out.Number("took_ms", request.TookMs());
}

// The last line of a stream of progress, also when the body turned out to be broken.
Status EndProgress(Request& request, BodyWriter& writer, const Status& status,
                   const Importer& importer) {
  if (!status.ok() && !request.begun()) return Interrupted(status, importer);
  JsonObject end;
  if (status.ok()) {
    AddOutcome(end, request, importer);
  } else {
    std::string error;
    AppendErrorItem(error, Interrupted(status, importer), -1);
    end.Bool("ok", false).Raw("error", error);
  }
  writer.text() += JsonObject().Raw("$end", end.Finish()).Finish() + "\n";
  return writer.Finish();
}

}  // namespace

Status ImportCollection(Request& request) {
  // Documents that were exported keep the moments they bring.
  Result<Session*> session = request.session(0, Stamps::kKept);
  if (!session.ok()) return std::move(session).status();
  if (request.Accepts(kNdjson)) {
    BodyWriter writer(request, 200, kNdjson, Packing::kPlain);
    Importer importer(request, **session, &writer);
    return EndProgress(request, writer, ReadDocuments(request, importer), importer);
  }
  Importer importer(request, **session, nullptr);
  if (Status status = ReadDocuments(request, importer); !status.ok()) {
    return Interrupted(status, importer);
  }
  const bool ok = importer.failed() == 0;
  JsonObject out;
  out.Text("status", ok ? "success" : "partial").Text("collection", request.capture(0));
  AddOutcome(out, request, importer);
  return SendJson(request.exchange(), ok ? 201 : 207, out.Finish());
}

}  // namespace nexadb::rest
