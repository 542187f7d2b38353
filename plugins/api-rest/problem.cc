#include "plugins/api-rest/problem.h"

#include <algorithm>
#include <vector>

#include "core/base/suggest.h"
#include "core/document/json.h"
#include "nexadb/sdk/guard.h"

namespace nexadb::rest {
namespace {

// Longer words are somebody's data, not a slip of the finger.
constexpr size_t kWordBytesMax = 40;

// Whether each segment of `pointer` names a member, one within the other.
bool LeadsInto(bson::Document document, std::string_view pointer) {
  while (pointer.starts_with('/')) {
    pointer.remove_prefix(1);
    const std::string_view name = pointer.substr(0, pointer.find('/'));
    const bson::Value value = document[name].value();
    if (!value) return false;
    pointer.remove_prefix(name.size());
    if (pointer.empty()) return true;
    if (value.type() != bson::Type::kObject && value.type() != bson::Type::kArray) return false;
    document = value.Doc();
  }
  return pointer.empty();
}

// `pointer` as it stands in `body`; empty when it is found nowhere.
std::string PointerIn(bson::Document body, std::string_view pointer) {
  if (LeadsInto(body, pointer)) return std::string(pointer);
  for (const std::string_view member : {"filter", "query", "update", "document"}) {
    const bson::Value value = body[member].value();
    if (value.type() != bson::Type::kObject || !LeadsInto(value.Doc(), pointer)) continue;
    return "/" + std::string(member) + std::string(pointer);
  }
  constexpr std::string_view kVectorMember = "/__vector__";
  if (pointer.starts_with(kVectorMember) && body["vector"]) {
    return "/vector" + std::string(pointer.substr(kVectorMember.size()));
  }
  return {};
}

// In seconds: what the error says, or a minute, by which throttling counts.
std::string RetryAfterOf(const Status& status) {
  int64_t wait_s = 60;
  if (!status.detail().empty()) {
    const bson::Value told = bson::Document(status.detail())["retry_after_s"].value();
    if (told.type() == bson::Type::kInt64) wait_s = told.Int64();
  }
  return std::to_string(wait_s);
}

}  // namespace

Status LocatedInBody(Status status, std::string_view body) {
  if (status.ok() || status.detail().empty() || body.empty()) return status;
  const bson::Document detail(status.detail());
  const bson::Value pointer = detail["pointer"].value();
  if (pointer.type() != bson::Type::kString) return status;
  Result<std::string> sent = JsonToBson(body, kEnvelopeJson);
  if (!sent.ok()) return status;
  const std::string located = PointerIn(bson::Document(AsBytes(*sent)), pointer.Text());
  if (located.empty() || located == pointer.Text()) return status;
  bson::Builder changed;
  for (const bson::Element& element : detail) {
    if (element.name() == "pointer") {
      changed.Text("pointer", located);
    } else {
      changed.Element(element);
    }
  }
  const std::string bytes = changed.Finish();
  return Status::Make(status.code(), status.domain(), status.number(), status.message(),
                      AsBytes(bytes));
}

std::string DidYouMean(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.size() > kWordBytesMax) return {};
  // A third of the letters may be wrong, and two always: 'limt', 'fileds', 'projetion'.
  const std::string_view best = base::Nearest(word, {candidates.begin(), candidates.end()},
                                              std::max<size_t>(2, word.size() / 3));
  return best.empty() ? "" : " Did you mean '" + std::string(best) + "'?";
}

void SendProblem(Exchange& exchange, const Status& status) noexcept {
  const Status sent = sdk::Guard([&]() -> Status {
    const ErrorInfo& info = ErrorOf(status);
    std::vector<HttpHeader> headers;
    headers.push_back({"Content-Type", "application/problem+json"});
    if (info.status == 401) headers.push_back({"WWW-Authenticate", "ApiKey realm=\"nexadb\""});
    if (info.status == 503) headers.push_back({"Retry-After", "1"});
    const std::string wait_s = info.status == 429 ? RetryAfterOf(status) : "";
    if (info.status == 429) headers.push_back({"Retry-After", wait_s});
    std::string body = ProblemJson(status, exchange.Path(), exchange.RequestId());
    exchange.Send(info.status, headers, Buffer::Own(std::move(body)));
    return {};
  });
  // Without memory for an answer there is none, and the server makes it a 500.
  static_cast<void>(sent.ok());
}

}  // namespace nexadb::rest
