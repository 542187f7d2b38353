// InnerExchange: a request that never was on a wire, as POST /transactions makes of each of its
// operations, and the answer that the handler gave it.
//
// The answer is gathered whole, within a limit. Lives on its maker's stack; Release does nothing.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexadb/http.h"

namespace nexadb::rest {

class InnerExchange final : public Exchange {
 public:
  struct RequestParts {
    std::string method;
    std::string path;
    std::string query;
    std::string body;
    std::string content_type;
  };
  // `outer` lends what is the caller's: address, request id, clock.
  InnerExchange(Exchange& outer, RequestParts parts, uint64_t answer_bytes_max)
      : outer_(outer), parts_(std::move(parts)), answer_bytes_max_(answer_bytes_max) {
    headers_[0] = {"Content-Type", parts_.content_type};
  }

  uint16_t status() const { return status_; }
  const std::string& body() const { return body_; }
  const std::string& content_type() const { return answer_type_; }
  bool too_large() const { return too_large_; }

  StringView Method() noexcept override { return parts_.method; }
  StringView Path() noexcept override { return parts_.path; }
  StringView Query() noexcept override { return parts_.query; }
  Span<const HttpHeader> Headers() noexcept override { return {headers_, 1}; }
  StringView Header(StringView name) noexcept override;
  Span<const StringView> Captures() noexcept override { return {}; }
  BytesView Body() noexcept override { return AsBytes(parts_.body); }
  StringView PeerAddress() noexcept override { return outer_.PeerAddress(); }
  bool PeerIsLoopback() noexcept override { return outer_.PeerIsLoopback(); }
  StringView RequestId() noexcept override { return outer_.RequestId(); }
  uint64_t StartedNs() noexcept override { return outer_.StartedNs(); }
  Result<BytesView> ReadBody() noexcept override { return BytesView(); }

  void Send(uint16_t status, Span<const HttpHeader> headers, Buffer body) noexcept override;
  Status Begin(uint16_t status, Span<const HttpHeader> headers) noexcept override;
  Result<uint64_t> Write(Buffer chunk) noexcept override;
  bool WaitWritable() noexcept override { return !too_large_; }
  void OnWritable(const Callback& callback) noexcept override { callback.run(callback.state); }
  void OnClosed(const Callback&) noexcept override {}
  bool PeerGone() noexcept override { return outer_.PeerGone(); }
  void Finish() noexcept override {}
  void Release() noexcept override {}

 private:
  Exchange& outer_;
  const RequestParts parts_;
  const uint64_t answer_bytes_max_;
  HttpHeader headers_[1];
  uint16_t status_ = 0;
  std::string body_;
  std::string answer_type_;
  bool too_large_ = false;
};

}  // namespace nexadb::rest
