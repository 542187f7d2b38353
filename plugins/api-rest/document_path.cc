#include "plugins/api-rest/document_path.h"

#include "core/document/error.h"
#include "core/document/json.h"
#include "plugins/api-rest/parameters.h"
#include "plugins/api-rest/request.h"

namespace nexadb::rest {

Status DocumentPath::NotFound() const {
  bson::Builder detail;
  detail.Text("collection", collection).Value("id", IdValue());
  return MakeError(ErrorId::kDocumentNotFound, "Document not found", detail.Finish());
}

Status DocumentPath::OrNotFound(Status status) const {
  return status.code() == Code::kNotFound ? NotFound() : status;
}

Result<DocumentPath> ReadDocumentPath(Request& request) {
  DocumentPath path;
  path.collection = request.capture(0);
  const std::string_view text = request.capture(1);
  if (text.size() > static_cast<size_t>(kPathIdBytesMax)) {
    return LimitError(ErrorId::kIdTooLong, "path_id_bytes", kPathIdBytesMax,
                      static_cast<int64_t>(text.size()));
  }
  const std::string_view type = request.parameters().Get("id_type").value_or("string");
  if (type == "json") {
    Result<JsonValue> value = ParseJsonValue(text);
    if (!value.ok()) return std::move(value).status();
    path.id = bson::Builder().Value("_id", value->value()).Finish();
    return path;
  }
  if (type != "string") {
    return MakeError(ErrorId::kInvalidParameter, "The parameter 'id_type' takes string or json.");
  }
  if (text.empty() || text.starts_with('_')) {
    return MakeError(
        ErrorId::kInvalidId,
        "'" + std::string(text) +
            "' is neither a route nor an id: ids that begin with '_' are the server's.");
  }
  if (!bson::internal::ValidUtf8(text)) {
    return MakeError(ErrorId::kInvalidId, "The id in the path is not UTF-8.");
  }
  path.id = bson::Builder().Text("_id", text).Finish();
  return path;
}

std::string LocationOf(std::string_view path, const bson::Value& id) {
  std::string location(path);
  if (location.ends_with('/')) location.pop_back();
  location.push_back('/');
  if (id.type() == bson::Type::kString) return location + EncodePercent(id.Text());
  std::string json;
  AppendJson(json, id, JsonMode::kCanonical);
  return location + EncodePercent(json) + "?id_type=json";
}

}  // namespace nexadb::rest
