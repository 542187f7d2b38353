// Newline-delimited JSON: lines are put together from the parts that arrive, then read one by one.
#include <algorithm>

#include "core/document/error.h"
#include "core/document/json.h"

namespace nexadb {
namespace {

bool IsBlank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

// The error of one line, told as one of the whole stream.
Status OnLine(const Status& status, uint64_t line) {
  const auto number = static_cast<int64_t>(line);
  ErrorDetail detail;
  bool placed = false;
  for (const bson::Element& e : bson::Document(status.detail())) {
    if (e.name() == "line") {
      detail.Int64("line", number);
      placed = true;
    } else {
      detail.Element(e);
    }
  }
  if (!placed) detail.Int64("line", number);
  std::string message(status.message());
  const std::string own = "line 1, ";  // a line of NDJSON has only one
  const std::string place = "line " + std::to_string(line);
  message =
      message.starts_with(own) ? place + ", " + message.substr(own.size()) : place + ": " + message;
  return MakeError(ErrorOf(status).id, message, detail.Finish());
}

}  // namespace

NdjsonReader::NdjsonReader(DocumentSink sink, const JsonOptions& options, int64_t line_bytes_max)
    : sink_(std::move(sink)), options_(options), line_bytes_max_(line_bytes_max) {}

Status NdjsonReader::Fail(Status status) {
  failed_ = std::move(status);
  partial_.clear();
  return failed_;
}

Status NdjsonReader::Line(std::string_view line) {
  ++line_;
  if (static_cast<int64_t>(line.size()) > line_bytes_max_) {
    return Fail(OnLine(LimitError(ErrorId::kLineTooLong, "import_line_bytes", line_bytes_max_,
                                  static_cast<int64_t>(line.size())),
                       line_));
  }
  if (IsBlank(line)) return Status::Ok();
  Result<std::string> document = JsonToBson(line, options_);
  if (!document.ok()) return Fail(OnLine(document.status(), line_));
  Status s = sink_(documents_, bson::Document(AsBytes(*document)));
  if (!s.ok()) return Fail(std::move(s));
  ++documents_;
  return Status::Ok();
}

Status NdjsonReader::Feed(std::string_view part) {
  if (!failed_.ok()) return failed_;
  while (true) {
    const size_t end = part.find('\n');
    if (end == std::string_view::npos) break;
    const std::string_view head = part.substr(0, end);
    part.remove_prefix(end + 1);
    Status s;
    if (partial_.empty()) {
      s = Line(head);
    } else {
      partial_.append(head);
      const std::string line = std::move(partial_);
      partial_.clear();
      s = Line(line);
    }
    if (!s.ok()) return s;
  }
  partial_.append(part);
  // Refused as soon as it is known to be too long, not when its end arrives.
  if (static_cast<int64_t>(partial_.size()) > line_bytes_max_) return Line(std::move(partial_));
  return Status::Ok();
}

Status NdjsonReader::Finish() {
  if (!failed_.ok()) return failed_;
  if (partial_.empty()) return Status::Ok();
  const std::string line = std::move(partial_);
  partial_.clear();
  return Line(line);
}

Status NdjsonToBson(std::string_view json, const DocumentSink& sink, const JsonOptions& options) {
  NdjsonReader reader(sink, options);
  if (Status s = reader.Feed(json); !s.ok()) return s;
  return reader.Finish();
}

}  // namespace nexadb
