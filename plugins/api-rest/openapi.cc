// GET /openapi.json: the route table as OpenAPI 3.1.
#include <map>
#include <set>

#include "core/document/error.h"
#include "plugins/api-rest/handlers.h"
#include "plugins/api-rest/reply.h"
#include "plugins/api-rest/request.h"

namespace nexadb::rest {
namespace {

constexpr std::string_view kProblemSchema =
    R"({"type":"object","required":["error","type","title","status","code","detail","request_id",)"
    R"("retryable"],"properties":{"error":{"type":"string"},"type":{"type":"string"},)"
    R"("title":{"type":"string"},"status":{"type":"integer"},"code":{"type":"string","enum":)";

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// Who may call a route: what securitySchemes cannot say.
std::string_view AccessName(Access access) {
  switch (access) {
    case Access::kPublic: return "public";
    case Access::kOptional: return "optional";
    case Access::kKey: return "key";
    case Access::kAdmin: return "admin";
  }
  return "";
}

// get /collections/{name}/_stats is "get_collections_name_stats".
std::string OperationId(const RouteSpec& route) {
  std::string id = Lower(route.method);
  bool gap = true;
  for (const char c : route.pattern) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!plain) {
      gap = true;
      continue;
    }
    if (gap) id.push_back('_');
    gap = false;
    id.push_back(c);
  }
  return id;
}

std::string ParametersJson(const RouteSpec& route) {
  std::string out = "[";
  const auto add = [&](std::string_view name, std::string_view in, std::string_view type,
                       std::string_view description) {
    JsonObject parameter;
    parameter.Text("name", name).Text("in", in);
    if (in == "path") parameter.Bool("required", true);
    if (!description.empty()) parameter.Text("description", description);
    parameter.Raw("schema", JsonObject().Text("type", type).Finish());
    if (out.size() > 1) out.push_back(',');
    out += parameter.Finish();
  };
  for (size_t at = 0; (at = route.pattern.find('{', at)) != std::string_view::npos; ++at) {
    const size_t end = route.pattern.find('}', at);
    add(route.pattern.substr(at + 1, end - at - 1), "path", "string", "");
  }
  ForEachWord(route.parameters, [&](std::string_view word) {
    const ParameterSpec* parameter = FindParameter(word);
    if (parameter != nullptr) add(word, "query", parameter->type, parameter->description);
  });
  if (route.operation == Operation::kYes) {
    add("X-Transaction-Id", "header", "string", "The transaction that the request is part of");
  }
  return out + "]";
}

std::string OperationJson(const RouteSpec& route) {
  JsonObject out;
  out.Raw("tags", "[\"" + std::string(route.tag) + "\"]").Text("summary", route.summary);
  out.Text("operationId", OperationId(route)).Raw("parameters", ParametersJson(route));
  if (route.body != BodyMode::kNone) {
    JsonObject content;
    ForEachWord(route.content_types.empty() ? "application/json" : route.content_types,
                [&](std::string_view type) { content.Raw(type, "{}"); });
    out.Raw("requestBody", JsonObject().Raw("content", content.Finish()).Finish());
  }
  JsonObject responses;
  JsonObject success;
  success.Text("description", "Success");
  if (route.success != 204) {
    JsonObject content;
    ForEachWord(route.answers.empty() ? "application/json" : route.answers,
                [&](std::string_view type) { content.Raw(type, "{}"); });
    success.Raw("content", content.Finish());
  }
  responses.Raw(std::to_string(route.success), success.Finish());
  responses.Raw("default", R"({"$ref":"#/components/responses/Problem"})");
  out.Raw("responses", responses.Finish());
  out.Text("x-nexadb-access", AccessName(route.access));
  out.Text("x-nexadb-scope", route.scope == Scope::kDatabase ? "database" : "server");
  if (route.access == Access::kPublic) out.Raw("security", "[]");
  if (route.access == Access::kOptional) out.Raw("security", R"([{},{"key":[]},{"bearer":[]}])");
  return out.Finish();
}

std::string PathsJson() {
  std::map<std::string_view, JsonObject> paths;
  for (const RouteSpec& route : Routes()) {
    paths[route.pattern].Raw(Lower(route.method), OperationJson(route));
  }
  JsonObject out;
  for (auto& [pattern, operations] : paths) out.Raw(pattern, operations.Finish());
  return out.Finish();
}

std::string ComponentsJson() {
  std::string codes = "[";
  for (const ErrorInfo& info : kErrors) {
    if (codes.size() > 1) codes.push_back(',');
    AppendJsonString(codes, info.name);
  }
  codes += "]";
  const std::string problem = std::string(kProblemSchema) + codes +
                              R"(},"detail":{"type":"string"},"instance":{"type":"string"},)"
                              R"("request_id":{"type":"string"},"retryable":{"type":"boolean"},)"
                              R"("errors":{"type":"array","items":{"type":"object"}}}})";
  JsonObject out;
  out.Raw("schemas", JsonObject().Raw("Problem", problem).Finish());
  out.Raw("responses",
          R"({"Problem":{"description":"What went wrong","content":{"application/problem+json":)"
          R"({"schema":{"$ref":"#/components/schemas/Problem"}}}}})");
  out.Raw("securitySchemes", R"({"key":{"type":"apiKey","in":"header","name":"X-API-Key"},)"
                             R"("bearer":{"type":"http","scheme":"bearer"}})");
  return out.Finish();
}

}  // namespace

Status GetOpenApi(Request& request) {
  JsonObject info;
  info.Text("title", "NexaDB").Text("version", request.api().services.kernel->Version());
  info.Text("description",
            "Every path also stands under /v1. Paths about collections, vectors, keys and values, "
            "and transactions mean the default database; /db/{db} before them means another.");
  info.Raw("license", R"({"name":"Apache-2.0","identifier":"Apache-2.0"})");
  JsonObject out;
  out.Text("openapi", "3.1.0").Raw("info", info.Finish());
  out.Raw("servers", R"([{"url":"/"},{"url":"/v1"}])");
  out.Raw("security", R"([{"key":[]},{"bearer":[]}])");
  out.Raw("paths", PathsJson()).Raw("components", ComponentsJson());
  return SendJson(request.exchange(), 200, out.Finish());
}

}  // namespace nexadb::rest
