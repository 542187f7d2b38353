// Export and import: whole collections as NDJSON, JSON or CSV, streamed both ways.
#include <algorithm>
#include <set>
#include <vector>

#include "core/document/error.h"
#include "core/document/limits.h"
#include "plugins/api-rest/body_writer.h"
#include "plugins/api-rest/csv.h"
#include "plugins/api-rest/handlers.h"
#include "plugins/api-rest/json_splitter.h"
#include "plugins/api-rest/members.h"
#include "plugins/api-rest/query_spec.h"
#include "plugins/api-rest/reply.h"
#include "plugins/api-rest/request.h"
#include "plugins/api-rest/write_outcome.h"

namespace nexadb::rest {
namespace {

constexpr size_t kBatch = 128;
// One insert call: large enough to share a commit, small enough to hold little.
constexpr size_t kImportBatchDocuments = 1000;
constexpr size_t kImportBatchBytes = 1024 * 1024;
// More failures than anybody reads are only counted.
constexpr size_t kImportErrorsShown = 100;
// Every top-level name of the collection is a column; beyond it a table is not what is wanted.
constexpr size_t kCsvColumnsMax = 10'000;

// Calls row(document) for each document of the query.
template <class Row>
Status ForEachDocument(Request& request, Session& session, const std::string& command, Row&& row) {
  Result<Handle<DocumentCursor>> cursor =
      request.database().Query(session, request.database_name(), AsBytes(command), QueryOptions{});
  if (!cursor.ok()) return std::move(cursor).status();
  BytesView batch[kBatch];
  while (true) {
    Result<uint64_t> got = (*cursor)->Next(Span<BytesView>(batch, kBatch));
    if (!got.ok()) return std::move(got).status();
    if (*got == 0) return {};
    for (uint64_t i = 0; i < *got; ++i) {
      if (Status status = row(bson::Document(batch[i])); !status.ok()) return status;
    }
  }
}

std::string FindAll(std::string_view collection, const QuerySpec& spec) {
  bson::Builder command;
  command.Text("find", collection).Object("filter", AsDocument(spec.filter));
  if (!spec.projection.empty()) command.Object("projection", AsDocument(spec.projection));
  if (!spec.sort.empty()) command.Object("sort", AsDocument(spec.sort));
  return command.Finish();
}

Status ExportLines(Request& request, Session& session, const std::string& command) {
  BodyWriter writer(request, 200, "application/x-ndjson");
  Status status = ForEachDocument(request, session, command, [&](bson::Document document) {
    AppendJson(writer.text(), document, JsonMode::kRelaxed);
    writer.text().push_back('\n');
    return writer.Pass();
  });
  return status.ok() ? writer.Finish() : status;
}

Status ExportArray(Request& request, Session& session, const std::string& command) {
  BodyWriter writer(request, 200, "application/json");
  writer.text() = "[";
  bool first = true;
  Status status = ForEachDocument(request, session, command, [&](bson::Document document) {
    writer.text() += first ? "\n" : ",\n";
    first = false;
    AppendJson(writer.text(), document, JsonMode::kRelaxed);
    return writer.Pass();
  });
  writer.text() += "\n]\n";
  return status.ok() ? writer.Finish() : status;
}

void AppendCell(std::string& out, const bson::Value& value) {
  if (value.IsNullish()) return;
  if (value.type() == bson::Type::kString) {
    AppendCsvField(out, value.Text());
    return;
  }
  std::string json;
  if (value.type() != bson::Type::kDate || !AppendRfc3339(json, value.DateMs())) {
    AppendJson(json, value, JsonMode::kRelaxed);
  }
  AppendCsvField(out, json);
}

// Two passes over one snapshot: the first finds the columns, so that none is missing.
Status ExportCsv(Request& request, Session& session, const std::string& command) {
  std::vector<std::string> columns;
  std::set<std::string, std::less<>> known;
  Status status =
      ForEachDocument(request, session, command, [&](bson::Document document) -> Status {
        for (const bson::Element& element : document) {
          if (known.contains(element.name())) continue;
          if (columns.size() >= kCsvColumnsMax) {
            return MakeError(ErrorId::kLimitReached,
                             "The documents have more than " + std::to_string(kCsvColumnsMax) +
                                 " different fields; choose some by fields=.");
          }
          known.emplace(element.name());
          columns.emplace_back(element.name());
        }
        return {};
      });
  if (!status.ok()) return status;
  BodyWriter writer(request, 200, "text/csv; charset=utf-8");
  for (size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) writer.text().push_back(',');
    AppendCsvField(writer.text(), columns[i]);
  }
  if (!columns.empty()) writer.text() += "\r\n";
  status = ForEachDocument(request, session, command, [&](bson::Document document) {
    for (size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) writer.text().push_back(',');
      AppendCell(writer.text(), document[columns[i]].value());
    }
    writer.text() += "\r\n";
    return writer.Pass();
  });
  return status.ok() ? writer.Finish() : status;
}

// Gathers documents and inserts them batch by batch.
class Importer {
 public:
  Importer(Request& request, Session& session) : request_(request), session_(session) {}

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
    return {};
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
  Request& request_;
  Session& session_;
  std::vector<std::string> batch_;
  std::vector<int64_t> indexes_;
  size_t bytes_ = 0;
  int64_t index_ = 0;
  int64_t inserted_ = 0;
  int64_t failed_ = 0;
  std::string errors_;
};

// Hands each part of the body to `feed`.
template <class Feed>
Status ForEachPart(Request& request, Feed&& feed) {
  while (true) {
    Result<BytesView> part = request.exchange().ReadBody();
    if (!part.ok()) return std::move(part).status();
    if (part->empty()) return {};
    if (Status status = feed(AsText(*part)); !status.ok()) return status;
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

// A body that turned out not to be what it claimed: what came before stays, and is reported.
Status Interrupted(const Status& status, const Importer& importer) {
  bson::Builder detail;
  if (!status.detail().empty()) detail.Elements(bson::Document(status.detail()));
  const std::string bytes =
      detail.Int64("inserted", importer.inserted()).Int64("failed", importer.failed()).Finish();
  return Status::Make(status.code(), status.domain(), status.number(), status.message(),
                      AsBytes(bytes));
}

}  // namespace

Status ExportCollection(Request& request) {
  Result<QuerySpec> spec = ReadQueryParameters(request);
  if (!spec.ok()) return std::move(spec).status();
  const std::string_view format = request.parameters().Get("format").value_or("ndjson");
  const std::string command = FindAll(request.capture(0), *spec);
  Result<Session*> session = request.session(request.api().options.query_time_max_ms);
  if (!session.ok()) return std::move(session).status();
  if (format == "ndjson") return ExportLines(request, **session, command);
  if (format == "json") return ExportArray(request, **session, command);
  if (format != "csv") {
    return MakeError(ErrorId::kInvalidParameter,
                     "The parameter 'format' takes ndjson, json or csv.");
  }
  if ((*session)->InTransaction()) return ExportCsv(request, **session, command);
  if (Status begun = (*session)->Begin(TransactionIsolation::kSnapshot); !begun.ok()) return begun;
  Status status = ExportCsv(request, **session, command);
  Status ended = (*session)->Rollback();
  return status.ok() ? ended : status;
}

Status ImportCollection(Request& request) {
  // Documents that were exported keep the moments they bring.
  Result<Session*> session = request.session(0, Stamps::kKept);
  if (!session.ok()) return std::move(session).status();
  Importer importer(request, **session);
  const std::string type = request.ContentType();
  Status status = type == "text/csv"               ? ImportCsv(request, importer)
                  : type == "application/x-ndjson" ? ImportLines(request, importer)
                                                   : ImportArray(request, importer);
  Status flushed = importer.Flush();
  if (status.ok()) status = std::move(flushed);
  if (!status.ok()) return Interrupted(status, importer);
  const bool ok = importer.failed() == 0;
  JsonObject out;
  out.Text("status", ok ? "success" : "partial").Text("collection", request.capture(0));
  out.Bool("ok", ok).Integer("inserted", importer.inserted()).Integer("failed", importer.failed());
  if (!ok) out.Raw("errors", "[" + importer.errors() + "]");
  out.Number("took_ms", request.TookMs());
  return SendJson(request.exchange(), ok ? 201 : 207, out.Finish());
}

}  // namespace nexadb::rest
