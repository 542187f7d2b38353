#include "plugins/api-rest/inner_exchange.h"

#include "core/document/error.h"
#include "nexadb/sdk/guard.h"

namespace nexadb::rest {

StringView InnerExchange::Header(StringView name) noexcept {
  // Handlers ask by one spelling; operations carry this header alone.
  return std::string_view(name) == "Content-Type" ? StringView(parts_.content_type) : StringView();
}

Status InnerExchange::Begin(uint16_t status, Span<const HttpHeader> headers) noexcept {
  status_ = status;
  return sdk::Guard([&]() -> Status {
    for (const HttpHeader& header : headers) {
      if (std::string_view(header.name) == "Content-Type") {
        answer_type_ = std::string_view(header.value);
      }
    }
    return {};
  });
}

Result<uint64_t> InnerExchange::Write(Buffer chunk) noexcept {
  return sdk::Guard([&]() -> Result<uint64_t> {
    if (body_.size() + chunk.size() > answer_bytes_max_) {
      too_large_ = true;
      return MakeError(ErrorId::kTransactionTooLarge,
                       "The answers of the transaction's operations are too large together.");
    }
    body_ += chunk.text();
    return uint64_t{1} << 20;
  });
}

void InnerExchange::Send(uint16_t status, Span<const HttpHeader> headers, Buffer body) noexcept {
  if (!Begin(status, headers).ok() || !Write(std::move(body)).ok()) too_large_ = true;
}

}  // namespace nexadb::rest
