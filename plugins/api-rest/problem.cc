#include "plugins/api-rest/problem.h"

#include <algorithm>
#include <vector>

#include "core/base/suggest.h"

namespace nexadb::rest {
namespace {

// Longer words are somebody's data, not a slip of the finger.
constexpr size_t kWordBytesMax = 40;

}  // namespace

std::string DidYouMean(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.size() > kWordBytesMax) return {};
  // A third of the letters may be wrong, and two always: 'limt', 'fileds', 'projetion'.
  const std::string_view best = base::Nearest(word, {candidates.begin(), candidates.end()},
                                              std::max<size_t>(2, word.size() / 3));
  return best.empty() ? "" : " Did you mean '" + std::string(best) + "'?";
}

void SendProblem(Exchange& exchange, const Status& status) {
  const ErrorInfo& info = ErrorOf(status);
  std::vector<HttpHeader> headers;
  headers.push_back({"Content-Type", "application/problem+json"});
  if (info.status == 401) headers.push_back({"WWW-Authenticate", "ApiKey realm=\"nexadb\""});
  if (info.status == 503) headers.push_back({"Retry-After", "1"});
  // Throttling counts by the minute.
  if (info.status == 429) headers.push_back({"Retry-After", "60"});
  std::string body = ProblemJson(status, exchange.Path(), exchange.RequestId());
  exchange.Send(info.status, headers, Buffer::Own(std::move(body)));
}

}  // namespace nexadb::rest
