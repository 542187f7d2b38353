#include "core/document/error.h"

#include <algorithm>

#include "core/document/json.h"

namespace nexadb {
namespace {

template <size_t N>
constexpr bool Ordered(const ErrorInfo (&rows)[N]) {
  for (size_t i = 1; i < N; ++i) {
    if (rows[i - 1].id >= rows[i].id) return false;
  }
  return true;
}
template <size_t N>
constexpr bool Ordered(const MongoCodeInfo (&rows)[N]) {
  for (size_t i = 1; i < N; ++i) {
    if (rows[i - 1].code >= rows[i].code) return false;
  }
  return true;
}
static_assert(Ordered(kErrors) && Ordered(kMongoCodes), "both are searched by halving");

const ErrorInfo* FindNumber(int32_t number) {
  const auto* row = std::lower_bound(
      std::begin(kErrors), std::end(kErrors), number,
      [](const ErrorInfo& a, int32_t n) { return static_cast<int32_t>(a.id) < n; });
  const bool found = row != std::end(kErrors) && static_cast<int32_t>(row->id) == number;
  return found ? row : nullptr;
}

const MongoCodeInfo* FindMongo(int32_t code) {
  const auto* row = std::lower_bound(std::begin(kMongoCodes), std::end(kMongoCodes), code,
                                     [](const MongoCodeInfo& a, int32_t c) { return a.code < c; });
  return row != std::end(kMongoCodes) && row->code == code ? row : nullptr;
}

ErrorId OfCode(Code code) {
  switch (code) {
    case Code::kNotFound: return ErrorId::kNotFound;
    case Code::kConflict: return ErrorId::kConflict;
    case Code::kInvalidArgument: return ErrorId::kBadRequest;
    case Code::kCorruption: return ErrorId::kCorruption;
    case Code::kIoError: return ErrorId::kStorageFailed;
    case Code::kUnavailable: return ErrorId::kUnavailable;
    case Code::kResourceExhausted: return ErrorId::kLimitReached;
    case Code::kDeadlineExceeded: return ErrorId::kTimeLimit;
    case Code::kPermissionDenied: return ErrorId::kForbidden;
    case Code::kUnsupported: return ErrorId::kUnsupported;
    case Code::kWouldBlock: return ErrorId::kWouldBlock;
    case Code::kOk:
    case Code::kInternal: break;
  }
  return ErrorId::kInternal;
}

void AppendMember(std::string& out, std::string_view name, std::string_view text) {
  AppendJsonString(out, name);
  out += ':';
  AppendJsonString(out, text);
}

// The members of a detail that is well formed; `skip` names those that the body has already.
void AppendDetail(std::string& out, const Status& status,
                  std::initializer_list<std::string_view> skip) {
  if (status.detail().empty() || bson::Validate(status.detail()) != nullptr) return;
  for (const bson::Element& e : bson::Document(status.detail())) {
    if (std::find(skip.begin(), skip.end(), e.name()) != skip.end()) continue;
    out += ',';
    AppendJsonString(out, e.name());
    out += ':';
    AppendJson(out, e.value(), JsonMode::kRest);
  }
}

std::string_view PointerOf(const Status& status) {
  if (status.detail().empty() || bson::Validate(status.detail()) != nullptr) return {};
  const bson::Element pointer = bson::Document(status.detail())["pointer"];
  return pointer.type() == bson::Type::kString ? pointer.value().Text() : std::string_view();
}

bool HasErrors(const Status& status) {
  return !status.detail().empty() && bson::Validate(status.detail()) == nullptr &&
         bson::Document(status.detail())["errors"].type() == bson::Type::kArray;
}

}  // namespace

Status MakeError(ErrorId id, std::string_view message, BytesView detail) {
  return Status::Make(ErrorOf(id).code, kErrorDomain, static_cast<int32_t>(id), message, detail);
}

Status MakeError(ErrorId id, std::string_view message, std::string_view detail) {
  return MakeError(id, message, AsBytes(detail));
}

Status LimitError(ErrorId id, std::string_view limit, int64_t max, int64_t got) {
  std::string message(ErrorOf(id).title);
  message.append(": ").append(limit).append(" is ").append(std::to_string(got));
  message.append(", at most ").append(std::to_string(max)).append(" allowed");
  return MakeError(id, message,
                   ErrorDetail().Text("limit", limit).Int64("max", max).Int64("got", got).Finish());
}

Status MongoError(int32_t code, std::string_view message, BytesView detail) {
  const MongoCodeInfo* row = FindMongo(code);
  const Code generic = row != nullptr ? ErrorOf(row->error).code : Code::kInvalidArgument;
  return Status::Make(generic, kMongoDomain, code, message, detail);
}

const ErrorInfo& ErrorOf(ErrorId id) {
  const ErrorInfo* row = FindNumber(static_cast<int32_t>(id));
  return row != nullptr ? *row : kErrors[0];
}

const ErrorInfo& ErrorOf(const Status& status) {
  if (status.domain() == kErrorDomain) {
    if (const ErrorInfo* row = FindNumber(status.number())) return *row;
  }
  if (status.domain() == kMongoDomain) {
    const MongoCodeInfo* row = FindMongo(status.number());
    return ErrorOf(row != nullptr ? row->error : ErrorId::kInvalidQuery);
  }
  return ErrorOf(OfCode(status.code()));
}

const ErrorInfo* FindError(std::string_view name) {
  for (const ErrorInfo& row : kErrors) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

bool Is(const Status& status, ErrorId id) {
  return status.domain() == kErrorDomain && status.number() == static_cast<int32_t>(id);
}

int32_t MongoCode(const Status& status) {
  if (status.ok()) return 0;
  if (status.domain() == kErrorDomain && !status.detail().empty() &&
      bson::Validate(status.detail()) == nullptr) {
    const bson::Element own = bson::Document(status.detail())["mongodb_code"];
    if (own.type() == bson::Type::kInt32) return own.value().Int32();
  }
  return status.domain() == kMongoDomain ? status.number() : ErrorOf(status).mongodb_code;
}

std::string MongoCodeName(int32_t code) {
  if (code == 0) return {};
  const MongoCodeInfo* row = FindMongo(code);
  return row != nullptr ? std::string(row->name) : "Location" + std::to_string(code);
}

std::string ProblemJson(const Status& status, std::string_view instance,
                        std::string_view request_id) {
  const ErrorInfo& row = ErrorOf(status);
  const std::string_view message = status.message().empty() ? row.title : status.message();
  std::string out = "{";
  AppendMember(out, "error", message);
  out.append(",\"type\":\"urn:nexadb:error:").append(row.name).append("\",");
  AppendMember(out, "title", row.title);
  out.append(",\"status\":").append(std::to_string(row.status)).append(",\"code\":\"");
  out.append(row.name).append("\",");
  AppendMember(out, "detail", message);
  out += ',';
  AppendMember(out, "instance", instance);
  out += ',';
  AppendMember(out, "request_id", request_id);
  out.append(",\"retryable\":").append(row.retryable ? "true" : "false");
  const std::string_view pointer = PointerOf(status);
  if (!pointer.empty() && !HasErrors(status)) {
    out.append(",\"errors\":[{");
    AppendMember(out, "pointer", pointer);
    out.append(",\"code\":\"").append(row.name).append("\",");
    AppendMember(out, "detail", message);
    out.append("}]");
  }
  AppendDetail(out, status,
               {"error", "type", "title", "status", "code", "detail", "instance", "request_id",
                "retryable", "pointer", "mongodb_code"});
  out += '}';
  return out;
}

void AppendErrorItem(std::string& out, const Status& status, int64_t index) {
  const ErrorInfo& row = ErrorOf(status);
  out += '{';
  if (index >= 0) out.append("\"index\":").append(std::to_string(index)).append(",");
  out.append("\"code\":\"").append(row.name).append("\",\"status\":");
  out.append(std::to_string(row.status)).append(",");
  AppendMember(out, "detail", status.message().empty() ? row.title : status.message());
  AppendDetail(out, status, {"index", "code", "status", "detail", "mongodb_code"});
  out += '}';
}

}  // namespace nexadb
