#include "plugins/api-rest/problem.h"

#include <algorithm>
#include <vector>

namespace nexadb::rest {
namespace {

// Levenshtein's distance, in one row.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      const size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above + 1, row[j - 1] + 1, change});
      diagonal = above;
    }
  }
  return row[b.size()];
}

// Longer words are somebody's data, not a slip of the finger.
constexpr size_t kWordBytesMax = 40;

}  // namespace

std::string DidYouMean(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.empty() || word.size() > kWordBytesMax) return {};
  // A third of the letters may be wrong, and two always: 'limt', 'fileds', 'projetion'.
  size_t nearest = std::max<size_t>(2, word.size() / 3) + 1;
  std::string_view best;
  for (const std::string_view candidate : candidates) {
    const size_t distance = Distance(word, candidate);
    if (distance < nearest && distance < candidate.size()) {
      nearest = distance;
      best = candidate;
    }
  }
  if (best.empty()) return {};
  return " Did you mean '" + std::string(best) + "'?";
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
