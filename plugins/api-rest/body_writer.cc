#include "plugins/api-rest/body_writer.h"

#include "plugins/api-rest/request.h"

namespace nexadb::rest {

BodyWriter::BodyWriter(Request& request, uint16_t status, std::string_view content_type,
                       Packing packing)
    : request_(request), status_(status), packing_(packing) {
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
  AddHeader("Vary", "Accept-Encoding");
  if (packing_ == Packing::kAsAccepted && request_.AcceptsGzip()) {
    gzip_ = std::make_unique<GzipWriter>();
    AddHeader("Content-Encoding", "gzip");
  }
  std::vector<HttpHeader> views;
  for (const auto& [name, value] : headers_) views.push_back({name, value});
  return request_.exchange().Begin(status_, views);
}

Status BodyWriter::Write() {
  if (text_.empty()) return {};
  std::string chunk;
  chunk.swap(text_);
  if (gzip_ == nullptr) return Send(std::move(chunk));
  Result<std::string> packed = gzip_->Add(chunk);
  return packed.ok() ? Send(std::move(*packed)) : std::move(packed).status();
}

Status BodyWriter::Send(std::string chunk) {
  if (chunk.empty()) return {};
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
    if (gzip_ != nullptr) {
      Result<std::string> rest = gzip_->Finish();
      if (!rest.ok()) return std::move(rest).status();
      if (Status status = Send(std::move(*rest)); !status.ok()) return status;
    }
    request_.exchange().Finish();
    return {};
  }
  std::vector<HttpHeader> views;
  for (const auto& [name, value] : headers_) views.push_back({name, value});
  request_.exchange().Send(status_, views, Buffer::Own(std::move(text_)));
  return {};
}

}  // namespace nexadb::rest
