#include "plugins/api-rest/body_writer.h"

#include "plugins/api-rest/request.h"

namespace nexadb::rest {

BodyWriter::BodyWriter(Request& request, uint16_t status, std::string_view content_type)
    : request_(request), status_(status) {
  AddHeader("Content-Type", content_type);
}

void BodyWriter::AddHeader(std::string_view name, std::string_view value) {
  headers_.emplace_back(name, value);
}

Status BodyWriter::Pass() {
  if (text_.size() < (begun_ ? kChunkBytes : kStreamAfterBytes)) return {};
  return Flush();
}

Status BodyWriter::Flush() {
  if (Status status = Begin(); !status.ok()) return status;
  return Write();
}

Status BodyWriter::Begin() {
  if (begun_) return {};
  begun_ = true;
  request_.MarkBegun();
  std::vector<HttpHeader> views;
  for (const auto& [name, value] : headers_) views.push_back({name, value});
  return request_.exchange().Begin(status_, views);
}

Status BodyWriter::Write() {
  if (text_.empty()) return {};
  std::string chunk;
  chunk.swap(text_);
  Result<uint64_t> credit = request_.exchange().Write(Buffer::Own(std::move(chunk)));
  if (!credit.ok()) return credit.status();
  if (*credit == 0 && !request_.exchange().WaitWritable()) {
    return Status::Error(Code::kUnavailable, "the client has gone");
  }
  return {};
}

Status BodyWriter::Finish() {
  if (begun_) {
    if (Status status = Write(); !status.ok()) return status;
    request_.exchange().Finish();
    return {};
  }
  std::vector<HttpHeader> views;
  for (const auto& [name, value] : headers_) views.push_back({name, value});
  request_.exchange().Send(status_, views, Buffer::Own(std::move(text_)));
  return {};
}

}  // namespace nexadb::rest
