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
    "query filter limit skip cursor fields sort total max_time_ms ejson";
constexpr std::string_view kExportParameters = "query filter format fields sort vectors ejson";

// What routes have in common.
struct Shape {
  Access access;
  Scope scope;
  RunMode run;
  BodyMode body;
  Operation operation;
};
constexpr auto kInline = RunMode::kInline;
constexpr auto kPool = RunMode::kPool;
constexpr auto kNone = BodyMode::kNone;
constexpr auto kBuffered = BodyMode::kBuffered;
constexpr auto kStreamed = BodyMode::kStreamed;
constexpr auto kNo = Operation::kNo;
constexpr auto kYes = Operation::kYes;

// Of the server.
constexpr Shape kOpen{Access::kPublic, Scope::kServer, kInline, kNone, kNo};
constexpr Shape kOpenOnPool{Access::kPublic, Scope::kServer, kPool, kNone, kNo};
constexpr Shape kStatus{Access::kOptional, Scope::kServer, kInline, kNone, kNo};
constexpr Shape kMetrics{Access::kOptional, Scope::kServer, kPool, kNone, kNo};
constexpr Shape kServerRead{Access::kKey, Scope::kServer, kPool, kNone, kNo};
constexpr Shape kServerWrite{Access::kKey, Scope::kServer, kPool, kBuffered, kNo};
constexpr Shape kAdminRead{Access::kAdmin, Scope::kServer, kPool, kNone, kNo};
constexpr Shape kAdminWrite{Access::kAdmin, Scope::kServer, kPool, kBuffered, kNo};
// Of a database: what a transaction may hold, and what stands alone.
constexpr Shape kPoint{Access::kKey, Scope::kDatabase, kInline, kNone, kYes};
// One small document or value: answered on the I/O thread where nothing is to wait for.
constexpr Shape kPointWithBody{Access::kKey, Scope::kDatabase, kInline, kBuffered, kYes};
constexpr Shape kData{Access::kKey, Scope::kDatabase, kPool, kNone, kYes};
constexpr Shape kDataWithBody{Access::kKey, Scope::kDatabase, kPool, kBuffered, kYes};
constexpr Shape kAlone{Access::kKey, Scope::kDatabase, kPool, kNone, kNo};
constexpr Shape kAloneWithBody{Access::kKey, Scope::kDatabase, kPool, kBuffered, kNo};
constexpr Shape kTransaction{Access::kKey, Scope::kDatabase, kPool, kBuffered, Operation::kItself};
constexpr Shape kUpload{Access::kKey, Scope::kDatabase, kPool, kStreamed, kNo};

constexpr RouteSpec Row(std::string_view method, std::string_view pattern, Handler handler,
                        const Shape& shape, uint16_t success, std::string_view tag,
                        std::string_view summary, std::string_view parameters = "",
                        std::string_view content_types = "", std::string_view answers = "") {
  return {method,          pattern, handler, shape.access, shape.scope, shape.run,     shape.body,
          shape.operation, success, tag,     summary,      parameters,  content_types, answers};
}

constexpr RouteSpec kRoutes[] = {
    Row("GET", "/status", GetStatus, kStatus, 200, "Service",
        "Version and state; with a key also plugins and limits"),
    Row("GET", "/healthz", GetHealth, kOpen, 200, "Service", "The process answers"),
    Row("GET", "/livez", GetHealth, kOpen, 200, "Service", "The process answers"),
    Row("GET", "/readyz", GetReadiness, kOpen, 200, "Service",
        "The server serves writes; 503 before and while it drains"),
    Row("GET", "/stats", GetStats, kServerRead, 200, "Service",
        "Statistics of the engine and the database"),
    Row("GET", "/metrics", GetMetrics, kMetrics, 200, "Service",
        "Metrics in Prometheus' text format"),
    Row("GET", "/openapi.json", GetOpenApi, kOpenOnPool, 200, "Service",
        "This interface as OpenAPI 3.1"),
    Row("GET", "/errors/{code}", GetError, kOpenOnPool, 200, "Service", "What an error code means"),
    Row("GET", "/plugins", ListPlugins, kAdminRead, 200, "Service",
        "Plugin instances, their state and wiring"),
    Row("GET", "/plugins/{name}", GetPlugin, kAdminRead, 200, "Service", "One plugin instance"),
    Row("GET", "/config", GetConfig, kAdminRead, 200, "Service",
        "The configuration in force, secrets redacted"),

    Row("GET", "/db", ListDatabases, kServerRead, 200, "Databases", "List the databases"),
    Row("DELETE", "/db/{db}", DropDatabase, kServerRead, 200, "Databases", "Drop a database"),
    Row("POST", "/db/{db}/command", RunCommand, kServerWrite, 200, "Databases",
        "Run one MongoDB command", "ejson"),

    Row("GET", "/collections", ListCollections, kAlone, 200, "Collections", "List the collections",
        "details"),
    Row("POST", "/collections", CreateCollection, kAloneWithBody, 201, "Collections",
        "Create a collection or a view"),
    Row("PATCH", "/collections/{name}", ChangeCollection, kAloneWithBody, 200, "Collections",
        "Change options, or rename"),
    Row("DELETE", "/collections/{name}", DropCollection, kAlone, 200, "Collections",
        "Drop a collection"),
    Row("GET", "/collections/{name}/_stats", GetCollectionStats, kAlone, 200, "Collections",
        "Sizes and counts"),
    Row("GET", "/collections/{name}/_schema", GetSchema, kAlone, 200, "Collections",
        "Fields and types, inferred from a sample", "sample"),
    Row("GET", "/collections/{name}/_validator", GetValidator, kAlone, 200, "Collections",
        "What documents must be like"),
    Row("PUT", "/collections/{name}/_validator", PutValidator, kAloneWithBody, 200, "Collections",
        "Say what documents must be like"),
    Row("GET", "/collections/{name}/_changes", FollowChanges, kAlone, 200, "Collections",
        "What happens to the documents, as server-sent events", "since heartbeat filter", "",
        "text/event-stream"),

    Row("GET", "/collections/{name}", ListDocuments, kData, 200, "Documents",
        "Documents that match", kListParameters),
    Row("POST", "/collections/{name}", InsertDocument, kPointWithBody, 201, "Documents",
        "Insert a document"),
    Row("GET", "/collections/{name}/{id}", GetDocument, kPoint, 200, "Documents",
        "A document by its id", "fields id_type ejson"),
    Row("PUT", "/collections/{name}/{id}", PutDocument, kPointWithBody, 200, "Documents",
        "Set fields of a document, or replace it", "mode upsert id_type"),
    Row("PATCH", "/collections/{name}/{id}", PatchDocument, kPointWithBody, 200, "Documents",
        "Change a document by operators or a merge patch", "id_type array_filters", kPatchTypes),
    Row("DELETE", "/collections/{name}/{id}", DeleteDocument, kPoint, 200, "Documents",
        "Delete a document", "id_type"),
    Row("POST", "/collections/{name}/bulk", WriteBulk, kDataWithBody, 201, "Documents",
        "Many writes in one request", "ordered atomic", kBulkTypes),

    Row("POST", "/collections/{name}/query", QueryDocuments, kDataWithBody, 200, "Queries",
        "Documents that match", "ejson"),
    Row("POST", "/collections/{name}/aggregate", AggregateDocuments, kDataWithBody, 200, "Queries",
        "Run an aggregation pipeline", "ejson"),
    Row("POST", "/collections/{name}/_count", CountDocuments, kDataWithBody, 200, "Queries",
        "Count the documents that match"),
    Row("POST", "/collections/{name}/_distinct", ListDistinct, kDataWithBody, 200, "Queries",
        "Different values of a path", "ejson"),
    Row("POST", "/collections/{name}/_explain", ExplainQuery, kAloneWithBody, 200, "Queries",
        "How a query or pipeline would run"),
    Row("POST", "/collections/{name}/_update", UpdateByFilter, kDataWithBody, 200, "Queries",
        "Update the documents that match"),
    Row("POST", "/collections/{name}/_delete", DeleteByFilter, kDataWithBody, 200, "Queries",
        "Delete the documents that match"),
    Row("POST", "/collections/{name}/_find_and_modify", FindAndModify, kDataWithBody, 200,
        "Queries", "Change one document and return it"),

    Row("GET", "/collections/{name}/_indexes", ListIndexes, kAlone, 200, "Indexes",
        "List the indexes"),
    Row("POST", "/collections/{name}/_indexes", CreateIndexes, kAloneWithBody, 201, "Indexes",
        "Create indexes"),
    Row("GET", "/collections/{name}/_indexes/{index}", GetIndex, kAlone, 200, "Indexes",
        "One index"),
    Row("DELETE", "/collections/{name}/_indexes/{index}", DropIndex, kAlone, 200, "Indexes",
        "Drop an index"),

    Row("GET", "/collections/{name}/_export", ExportCollection, kAlone, 200, "Transfer",
        "The collection as NDJSON, JSON or CSV", kExportParameters),
    Row("POST", "/collections/{name}/_import", ImportCollection, kUpload, 201, "Transfer",
        "Insert the documents of a streamed body", "infer", kImportTypes),

    Row("PUT", "/vector/{name}", CreateVectors, kAloneWithBody, 201, "Vectors",
        "Make a vector collection"),
    Row("GET", "/vector/{name}", GetVectors, kAlone, 200, "Vectors",
        "Describe a vector collection"),
    Row("DELETE", "/vector/{name}", DropVectors, kAlone, 200, "Vectors",
        "Drop the vectors; the documents stay"),
    Row("POST", "/vector/{name}", InsertVector, kDataWithBody, 201, "Vectors",
        "Insert a document with its vector"),
    Row("POST", "/vector/{name}/bulk", InsertVectors, kDataWithBody, 201, "Vectors",
        "Insert documents with their vectors"),
    Row("POST", "/vector/{name}/search", SearchVectors, kDataWithBody, 200, "Vectors",
        "The documents nearest to a vector"),
    Row("POST", "/vector/{name}/search/batch", SearchVectorsBatch, kDataWithBody, 200, "Vectors",
        "Many searches in one request"),

    Row("GET", "/kv", ListBuckets, kData, 200, "Key-value", "Buckets in order", "limit cursor"),
    Row("GET", "/kv/{bucket}", ScanBucket, kData, 200, "Key-value", "Keys in order",
        "prefix start end limit values cursor"),
    Row("GET", "/kv/{bucket}/{key}", GetKeyValue, kPoint, 200, "Key-value", "The value of a key"),
    Row("PUT", "/kv/{bucket}/{key}", PutKeyValue, kPointWithBody, 204, "Key-value",
        "Set the value of a key", "ttl", kAnyType),
    Row("DELETE", "/kv/{bucket}/{key}", DeleteKeyValue, kPoint, 204, "Key-value", "Delete a key"),
    Row("POST", "/kv/{bucket}/_mget", GetManyKeyValues, kDataWithBody, 200, "Key-value",
        "Values of many keys"),
    Row("POST", "/kv/{bucket}/_mset", PutManyKeyValues, kDataWithBody, 200, "Key-value",
        "Set many keys, all or nothing"),
    Row("POST", "/kv/{bucket}/_incr", IncrementKeyValue, kDataWithBody, 200, "Key-value",
        "Add to a number"),
    Row("POST", "/kv/{bucket}/_cas", CompareAndSetKeyValue, kDataWithBody, 200, "Key-value",
        "Set a value if it is the expected one"),

    Row("POST", "/transactions", RunTransaction, kTransaction, 200, "Transactions",
        "Many operations, all or nothing"),
    Row("POST", "/transactions/begin", BeginTransaction, kTransaction, 201, "Transactions",
        "Begin a transaction over several requests"),
    Row("POST", "/transactions/{id}/commit", CommitTransaction, kTransaction, 200, "Transactions",
        "Commit"),
    Row("POST", "/transactions/{id}/rollback", RollbackTransaction, kTransaction, 200,
        "Transactions", "Roll back"),

    Row("GET", "/keys", ListKeys, kAdminRead, 200, "Keys", "List the keys, without secrets"),
    Row("POST", "/keys", CreateKey, kAdminWrite, 201, "Keys",
        "Create a key; its secret is shown once"),
    Row("GET", "/keys/self", GetOwnKey, kServerRead, 200, "Keys", "The caller's own key"),
    Row("GET", "/keys/{id}", GetKey, kAdminRead, 200, "Keys", "One key"),
    Row("PATCH", "/keys/{id}", ChangeKey, kAdminWrite, 200, "Keys", "Change a key"),
    Row("DELETE", "/keys/{id}", RevokeKey, kAdminRead, 200, "Keys", "Revoke a key"),
    Row("POST", "/keys/{id}/rotate", RotateKey, kAdminWrite, 200, "Keys",
        "Give a key a new secret"),

    Row("GET", "/queries", ListQueries, kAdminRead, 200, "Operations",
        "Requests on data that run now"),
    Row("DELETE", "/queries/{id}", EndQuery, kAdminRead, 200, "Operations", "End one of them"),
    Row("GET", "/slow-queries", ListSlowQueries, kAdminRead, 200, "Operations",
        "The last requests that took long"),
    Row("GET", "/tasks", ListTasks, kAdminRead, 200, "Operations", "Long jobs, the latest first"),
    Row("GET", "/tasks/{id}", GetTask, kAdminRead, 200, "Operations", "One job and its progress"),
    Row("DELETE", "/tasks/{id}", CancelTask, kAdminRead, 200, "Operations", "Cancel a job"),
    Row("POST", "/compact", Compact, kAdminWrite, 202, "Operations",
        "Rewrite a collection, or everything, to its smallest form"),
    Row("GET", "/backups", ListBackups, kAdminRead, 200, "Operations", "List the backups"),
    Row("POST", "/backups", CreateBackup, kAdminWrite, 202, "Operations",
        "Copy all data as of now, while writers go on"),
    Row("GET", "/backups/{id}", GetBackup, kAdminRead, 200, "Operations", "One backup"),
    Row("DELETE", "/backups/{id}", DeleteBackup, kAdminRead, 200, "Operations", "Delete a backup"),
    Row("POST", "/backups/{id}/verify", VerifyBackup, kAdminWrite, 202, "Operations",
        "Read a backup and check every file of it"),
    Row("POST", "/backups/{id}/restore", RestoreBackup, kAdminWrite, 202, "Operations",
        "Restore into a new directory, or in place of the data at the next start"),
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
    {"sample", "integer", "Documents to look at"},
    {"since", "string", "The id of the last event known, oldest, or now"},
    {"heartbeat", "string", "A sign of life at least so often, such as 15s"},
    {"details", "boolean", "Also numbers of each collection"},
    {"id_type", "string", "string, or json to read the id as Extended JSON"},
    {"mode", "string", "update sets the given fields, replace replaces the document"},
    {"array_filters", "string", "A JSON array of filters for $[name] in update operators"},
    {"upsert", "boolean", "With mode=replace: insert when absent"},
    {"ordered", "boolean", "Stop at the first failure"},
    {"atomic", "boolean", "All or nothing"},
    {"ejson", "string", "relaxed or canonical Extended JSON"},
    {"format", "string", "ndjson, json or csv"},
    {"vectors", "boolean", "Also the vectors; by default unless fields are chosen"},
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
