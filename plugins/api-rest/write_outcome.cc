#include "plugins/api-rest/write_outcome.h"

#include "core/document/error.h"
#include "core/document/json.h"
#include "core/document/limits.h"
#include "plugins/api-rest/members.h"

namespace nexadb::rest {

Status WriteErrorStatus(bson::Document entry) {
  int64_t number = 0;
  int64_t code = 0;
  std::string message = "the write failed";
  bson::Builder detail;
  for (const bson::Element& element : entry) {
    const std::string_view name = element.name();
    if (name == "number") {
      AsInteger(element.value(), number);
    } else if (name == "code") {
      AsInteger(element.value(), code);
    } else if (name == "errmsg") {
      if (element.type() == bson::Type::kString) message = element.value().Text();
    } else if (name != "index" && name != "codeName") {
      detail.Element(element);
    }
  }
  const std::string bytes = detail.Finish();
  if (number != 0) {
    for (const ErrorInfo& info : kErrors) {
      if (static_cast<int64_t>(info.id) == number) return MakeError(info.id, message, bytes);
    }
  }
  return MongoError(static_cast<int32_t>(code), message, AsBytes(bytes));
}

Status CheckInserted(bson::Document document) {
  if (Status status = CheckDocumentLimits(document); !status.ok()) return status;
  const bson::Value id = document["_id"].value();
  if (id.type() != bson::Type::kString) return {};
  // What no path can name would be stored out of reach of every document route.
  const std::string_view text = id.Text();
  if (text.starts_with('_')) {
    return FailAt(ErrorId::kInvalidId,
                  "An _id that begins with '_' is the server's; choose another.", "/_id");
  }
  if (text.empty() || text.find('\0') != text.npos ||
      text.size() > static_cast<size_t>(kPathIdBytesMax)) {
    return FailAt(ErrorId::kInvalidId,
                  "An _id of text has 1 to " + std::to_string(kPathIdBytesMax) +
                      " bytes without NUL, so that a path can name it; this one has " +
                      std::to_string(text.size()) + ".",
                  "/_id");
  }
  return {};
}

void AppendId(std::string& out, const bson::Value& id) { AppendJson(out, id, JsonMode::kRest); }

}  // namespace nexadb::rest
