#include "plugins/api-rest/routes.h"

#include "plugins/api-rest/handlers.h"

namespace nexadb::rest {
namespace {

constexpr std::string_view kBulkTypes = "application/json application/x-ndjson";
constexpr std::string_view kPatchTypes = "application/json application/merge-patch+json";
constexpr std::string_view kImportTypes = "application/json application/x-ndjson text/csv";
// A value keeps whatever type it came with.
constexpr std::string_view kAnyType = "*/*";

constexpr std::string_view kListParameters =
    "query filter limit skip cursor fields sort total max_time_ms";
constexpr std::string_view kExportParameters = "query filter format fields sort";

// In a row: method, pattern, handler, who may call, where mounted, where it runs, what body it
// takes, whether a transaction may hold it, the status of success, and for the documentation the
// group and a summary; then parameters of the query string and the body's media types.
using enum Access;
constexpr Scope kServer = Scope::kServer;
constexpr Scope kDatabase = Scope::kDatabase;
constexpr RunMode kPool = RunMode::kPool;
constexpr RunMode kInline = RunMode::kInline;
constexpr BodyMode kNone = BodyMode::kNone;
constexpr BodyMode kBody = BodyMode::kBuffered;
constexpr BodyMode kStream = BodyMode::kStreamed;
constexpr Operation kNo = Operation::kNo;
constexpr Operation kYes = Operation::kYes;

constexpr RouteSpec kRoutes[] = {
    // clang-format off
    {"GET", "/status", GetStatus, kOptional, kServer, kInline, kNone, kNo, 200, "Service", "Version and state; with a key also plugins and limits", "", ""},
    {"GET", "/healthz", GetHealth, kPublic, kServer, kInline, kNone, kNo, 200, "Service", "The process answers", "", ""},
    {"GET", "/livez", GetHealth, kPublic, kServer, kInline, kNone, kNo, 200, "Service", "The process answers", "", ""},
    {"GET", "/readyz", GetReadiness, kPublic, kServer, kInline, kNone, kNo, 200, "Service", "The server serves writes; 503 before and while it drains", "", ""},
    {"GET", "/stats", GetStats, kKey, kServer, kPool, kNone, kNo, 200, "Service", "Statistics of the engine and the database", "", ""},
    {"GET", "/metrics", GetMetrics, kOptional, kServer, kPool, kNone, kNo, 200, "Service", "Metrics in Prometheus' text format", "", ""},
    {"GET", "/openapi.json", GetOpenApi, kPublic, kServer, kPool, kNone, kNo, 200, "Service", "This interface as OpenAPI 3.1", "", ""},
    {"GET", "/errors/{code}", GetError, kPublic, kServer, kPool, kNone, kNo, 200, "Service", "What an error code means", "", ""},
    {"GET", "/plugins", ListPlugins, kAdmin, kServer, kPool, kNone, kNo, 200, "Service", "Plugin instances, their state and wiring", "", ""},
    {"GET", "/plugins/{name}", GetPlugin, kAdmin, kServer, kPool, kNone, kNo, 200, "Service", "One plugin instance", "", ""},
    {"GET", "/config", GetConfig, kAdmin, kServer, kPool, kNone, kNo, 200, "Service", "The configuration in force, secrets redacted", "", ""},

    {"GET", "/db", ListDatabases, kKey, kServer, kPool, kNone, kNo, 200, "Databases", "List the databases", "", ""},
    {"DELETE", "/db/{db}", DropDatabase, kKey, kServer, kPool, kNone, kNo, 200, "Databases", "Drop a database", "", ""},
    {"POST", "/db/{db}/command", RunCommand, kKey, kServer, kPool, kBody, kNo, 200, "Databases", "Run one MongoDB command", "ejson", ""},

    {"GET", "/collections", ListCollections, kKey, kDatabase, kPool, kNone, kNo, 200, "Collections", "List the collections", "details", ""},
    {"POST", "/collections", CreateCollection, kKey, kDatabase, kPool, kBody, kNo, 201, "Collections", "Create a collection or a view", "", ""},
    {"PATCH", "/collections/{name}", ChangeCollection, kKey, kDatabase, kPool, kBody, kNo, 200, "Collections", "Change options, or rename", "", ""},
    {"DELETE", "/collections/{name}", DropCollection, kKey, kDatabase, kPool, kNone, kNo, 200, "Collections", "Drop a collection", "", ""},
    {"GET", "/collections/{name}/_stats", GetCollectionStats, kKey, kDatabase, kPool, kNone, kNo, 200, "Collections", "Sizes and counts", "", ""},

    {"GET", "/collections/{name}", ListDocuments, kKey, kDatabase, kPool, kNone, kYes, 200, "Documents", "Documents that match", kListParameters, ""},
    {"POST", "/collections/{name}", InsertDocument, kKey, kDatabase, kPool, kBody, kYes, 201, "Documents", "Insert a document", "", ""},
    {"GET", "/collections/{name}/{id}", GetDocument, kKey, kDatabase, kInline, kNone, kYes, 200, "Documents", "A document by its id", "fields id_type", ""},
    {"PUT", "/collections/{name}/{id}", PutDocument, kKey, kDatabase, kPool, kBody, kYes, 200, "Documents", "Set fields of a document, or replace it", "mode upsert id_type", ""},
    {"PATCH", "/collections/{name}/{id}", PatchDocument, kKey, kDatabase, kPool, kBody, kYes, 200, "Documents", "Change a document by operators or a merge patch", "id_type", kPatchTypes},
    {"DELETE", "/collections/{name}/{id}", DeleteDocument, kKey, kDatabase, kPool, kNone, kYes, 200, "Documents", "Delete a document", "id_type", ""},
    {"POST", "/collections/{name}/bulk", WriteBulk, kKey, kDatabase, kPool, kBody, kYes, 201, "Documents", "Many writes in one request", "ordered atomic", kBulkTypes},

    {"POST", "/collections/{name}/query", QueryDocuments, kKey, kDatabase, kPool, kBody, kYes, 200, "Queries", "Documents that match", "", ""},
    {"POST", "/collections/{name}/aggregate", AggregateDocuments, kKey, kDatabase, kPool, kBody, kYes, 200, "Queries", "Run an aggregation pipeline", "", ""},
    {"POST", "/collections/{name}/_count", CountDocuments, kKey, kDatabase, kPool, kBody, kYes, 200, "Queries", "Count the documents that match", "", ""},
    {"POST", "/collections/{name}/_distinct", ListDistinct, kKey, kDatabase, kPool, kBody, kYes, 200, "Queries", "Different values of a path", "", ""},
    {"POST", "/collections/{name}/_explain", ExplainQuery, kKey, kDatabase, kPool, kBody, kNo, 200, "Queries", "How a query or pipeline would run", "", ""},
    {"POST", "/collections/{name}/_update", UpdateByFilter, kKey, kDatabase, kPool, kBody, kYes, 200, "Queries", "Update the documents that match", "", ""},
    {"POST", "/collections/{name}/_delete", DeleteByFilter, kKey, kDatabase, kPool, kBody, kYes, 200, "Queries", "Delete the documents that match", "", ""},
    {"POST", "/collections/{name}/_find_and_modify", FindAndModify, kKey, kDatabase, kPool, kBody, kYes, 200, "Queries", "Change one document and return it", "", ""},

    {"GET", "/collections/{name}/_indexes", ListIndexes, kKey, kDatabase, kPool, kNone, kNo, 200, "Indexes", "List the indexes", "", ""},
    {"POST", "/collections/{name}/_indexes", CreateIndexes, kKey, kDatabase, kPool, kBody, kNo, 201, "Indexes", "Create indexes", "", ""},
    {"GET", "/collections/{name}/_indexes/{index}", GetIndex, kKey, kDatabase, kPool, kNone, kNo, 200, "Indexes", "One index", "", ""},
    {"DELETE", "/collections/{name}/_indexes/{index}", DropIndex, kKey, kDatabase, kPool, kNone, kNo, 200, "Indexes", "Drop an index", "", ""},

    {"GET", "/collections/{name}/_export", ExportCollection, kKey, kDatabase, kPool, kNone, kNo, 200, "Transfer", "The collection as NDJSON, JSON or CSV", kExportParameters, ""},
    {"POST", "/collections/{name}/_import", ImportCollection, kKey, kDatabase, kPool, kStream, kNo, 201, "Transfer", "Insert the documents of a streamed body", "infer", kImportTypes},

    {"PUT", "/vector/{name}", CreateVectors, kKey, kDatabase, kPool, kBody, kNo, 201, "Vectors", "Make a vector collection", "", ""},
    {"GET", "/vector/{name}", GetVectors, kKey, kDatabase, kPool, kNone, kNo, 200, "Vectors", "Describe a vector collection", "", ""},
    {"DELETE", "/vector/{name}", DropVectors, kKey, kDatabase, kPool, kNone, kNo, 200, "Vectors", "Drop the vectors; the documents stay", "", ""},
    {"POST", "/vector/{name}", InsertVector, kKey, kDatabase, kPool, kBody, kYes, 201, "Vectors", "Insert a document with its vector", "", ""},
    {"POST", "/vector/{name}/bulk", InsertVectors, kKey, kDatabase, kPool, kBody, kYes, 201, "Vectors", "Insert documents with their vectors", "", ""},
    {"POST", "/vector/{name}/search", SearchVectors, kKey, kDatabase, kPool, kBody, kYes, 200, "Vectors", "The documents nearest to a vector", "", ""},
    {"POST", "/vector/{name}/search/batch", SearchVectorsBatch, kKey, kDatabase, kPool, kBody, kYes, 200, "Vectors", "Many searches in one request", "", ""},

    {"GET", "/kv/{bucket}", ScanBucket, kKey, kDatabase, kPool, kNone, kYes, 200, "Key-value", "Keys in order", "prefix start end limit values cursor", ""},
    {"GET", "/kv/{bucket}/{key}", GetKeyValue, kKey, kDatabase, kPool, kNone, kYes, 200, "Key-value", "The value of a key", "", ""},
    {"PUT", "/kv/{bucket}/{key}", PutKeyValue, kKey, kDatabase, kPool, kBody, kYes, 204, "Key-value", "Set the value of a key", "ttl", kAnyType},
    {"DELETE", "/kv/{bucket}/{key}", DeleteKeyValue, kKey, kDatabase, kPool, kNone, kYes, 204, "Key-value", "Delete a key", "", ""},
    {"POST", "/kv/{bucket}/_mget", GetManyKeyValues, kKey, kDatabase, kPool, kBody, kYes, 200, "Key-value", "Values of many keys", "", ""},
    {"POST", "/kv/{bucket}/_mset", PutManyKeyValues, kKey, kDatabase, kPool, kBody, kYes, 200, "Key-value", "Set many keys, all or nothing", "", ""},
    {"POST", "/kv/{bucket}/_incr", IncrementKeyValue, kKey, kDatabase, kPool, kBody, kYes, 200, "Key-value", "Add to a number", "", ""},
    {"POST", "/kv/{bucket}/_cas", CompareAndSetKeyValue, kKey, kDatabase, kPool, kBody, kYes, 200, "Key-value", "Set a value if it is the expected one", "", ""},

    {"POST", "/transactions", RunTransaction, kKey, kDatabase, kPool, kBody, kNo, 200, "Transactions", "Many operations, all or nothing", "", ""},
    {"POST", "/transactions/begin", BeginTransaction, kKey, kDatabase, kPool, kBody, kNo, 201, "Transactions", "Begin a transaction over several requests", "", ""},
    {"POST", "/transactions/{id}/commit", CommitTransaction, kKey, kDatabase, kPool, kBody, kNo, 200, "Transactions", "Commit", "", ""},
    {"POST", "/transactions/{id}/rollback", RollbackTransaction, kKey, kDatabase, kPool, kBody, kNo, 200, "Transactions", "Roll back", "", ""},

    {"GET", "/keys", ListKeys, kAdmin, kServer, kPool, kNone, kNo, 200, "Keys", "List the keys, without secrets", "", ""},
    {"POST", "/keys", CreateKey, kAdmin, kServer, kPool, kBody, kNo, 201, "Keys", "Create a key; its secret is shown once", "", ""},
    {"GET", "/keys/self", GetOwnKey, kKey, kServer, kPool, kNone, kNo, 200, "Keys", "The caller's own key", "", ""},
    {"GET", "/keys/{id}", GetKey, kAdmin, kServer, kPool, kNone, kNo, 200, "Keys", "One key", "", ""},
    {"PATCH", "/keys/{id}", ChangeKey, kAdmin, kServer, kPool, kBody, kNo, 200, "Keys", "Change a key", "", ""},
    {"DELETE", "/keys/{id}", RevokeKey, kAdmin, kServer, kPool, kNone, kNo, 200, "Keys", "Revoke a key", "", ""},
    {"POST", "/keys/{id}/rotate", RotateKey, kAdmin, kServer, kPool, kBody, kNo, 200, "Keys", "Give a key a new secret", "", ""},
    // clang-format on
};

constexpr ParameterSpec kParameters[] = {
    {"query", "string", "A filter as JSON (the original's name for it)"},
    {"filter", "string", "A filter as JSON"},
    {"limit", "integer", "Most entries to return"},
    {"skip", "integer", "Documents to pass over first"},
    {"cursor", "string", "next_cursor of the page before"},
    {"fields", "string", "Paths separated by commas, or a projection as JSON"},
    {"sort", "string", "Such as -age,name, or a sort document as JSON"},
    {"total", "boolean", "Also count all documents that match"},
    {"max_time_ms", "integer", "Time limit in milliseconds"},
    {"details", "boolean", "Also numbers of each collection"},
    {"id_type", "string", "string, or json to read the id as Extended JSON"},
    {"mode", "string", "update sets the given fields, replace replaces the document"},
    {"upsert", "boolean", "With mode=replace: insert when absent"},
    {"ordered", "boolean", "Stop at the first failure"},
    {"atomic", "boolean", "All or nothing"},
    {"ejson", "string", "relaxed or canonical Extended JSON"},
    {"format", "string", "ndjson, json or csv"},
    {"infer", "boolean", "CSV: read numbers, true, false, null and JSON as such"},
    {"prefix", "string", "Only keys that begin with it"},
    {"start", "string", "First key"},
    {"end", "string", "The key to stop before"},
    {"values", "boolean", "Also the values"},
    {"ttl", "string", "How long the key lives, such as 60s"},
};

// Whether `path` has the shape of `pattern`; literal segments are counted for the best match.
bool Matches(std::string_view pattern, std::string_view path,
             std::vector<std::string_view>& captures, size_t& literals) {
  captures.clear();
  literals = 0;
  while (!pattern.empty() && !path.empty()) {
    pattern.remove_prefix(1);
    path.remove_prefix(1);
    const std::string_view want = pattern.substr(0, pattern.find('/'));
    const std::string_view got = path.substr(0, path.find('/'));
    if (want.starts_with('{')) {
      if (got.empty()) return false;
      captures.push_back(got);
    } else if (want == got) {
      ++literals;
    } else {
      return false;
    }
    pattern.remove_prefix(want.size());
    path.remove_prefix(got.size());
  }
  return pattern.empty() && path.empty();
}

}  // namespace

std::span<const RouteSpec> Routes() { return kRoutes; }

const ParameterSpec* FindParameter(std::string_view name) {
  for (const ParameterSpec& parameter : kParameters) {
    if (parameter.name == name) return &parameter;
  }
  return nullptr;
}

const RouteSpec* MatchRoute(std::string_view method, std::string_view path,
                            std::vector<std::string_view>& captures) {
  const RouteSpec* best = nullptr;
  size_t best_literals = 0;
  std::vector<std::string_view> tried;
  for (const RouteSpec& route : kRoutes) {
    size_t literals = 0;
    if (route.method != method || !path.starts_with('/') ||
        !Matches(route.pattern, path, tried, literals)) {
      continue;
    }
    if (best != nullptr && literals <= best_literals) continue;
    best = &route;
    best_literals = literals;
    captures = tried;
  }
  return best;
}

}  // namespace nexadb::rest
