// Vector collections: create, describe, drop, insert, search.
#include <array>
#include <cmath>
#include <vector>

#include "core/document/error.h"
#include "core/document/limits.h"
#include "plugins/api-rest/handlers.h"
#include "plugins/api-rest/members.h"
#include "plugins/api-rest/query_spec.h"
#include "plugins/api-rest/reply.h"
#include "plugins/api-rest/request.h"
#include "plugins/api-rest/write_outcome.h"

namespace nexadb::rest {
namespace {

struct Target {
  VectorCollections* vectors = nullptr;
  Session* session = nullptr;
};

Result<Target> Open(Request& request, uint64_t time_ms = 0) {
  Result<VectorCollections*> vectors = request.api().Vectors();
  if (!vectors.ok()) return std::move(vectors).status();
  Result<Session*> session = request.session(time_ms);
  if (!session.ok()) return std::move(session).status();
  return Target{*vectors, *session};
}

Status DimensionMismatch(int64_t expected, int64_t got, int64_t index) {
  bson::Builder detail;
  detail.Int64("expected", expected).Int64("got", got);
  if (index >= 0) detail.Int64("index", index);
  return MakeError(ErrorId::kVectorDimensionMismatch,
                   "The vector has " + std::to_string(got) + " dimensions where " +
                       std::to_string(expected) + " are due.",
                   detail.Finish());
}

// Refused here too, so that what the JSON numbers overflow to never reaches an index.
Status CheckFinite(const std::vector<float>& vector) {
  for (size_t i = 0; i < vector.size(); ++i) {
    if (std::isfinite(vector[i])) continue;
    return FailAt(ErrorId::kInvalidVector, "A vector's numbers must fit 32-bit floats.",
                  "/vector/" + std::to_string(i));
  }
  return {};
}

// One search of a request, as its client wrote it.
struct SearchSpec {
  std::vector<float> vector;
  std::string like;  // {"_id": …} of the document to search near, instead of a vector
  std::string filter;
  std::string projection;
  uint32_t limit = 10;
  bool has_min_score = false;
  double min_score = 0;
  bool include_vector = false;
  bool exact = false;
  uint64_t max_time_ms = 0;

  bool SameOptions(const SearchSpec& other) const {
    return filter == other.filter && projection == other.projection && limit == other.limit &&
           has_min_score == other.has_min_score && min_score == other.min_score &&
           include_vector == other.include_vector && exact == other.exact &&
           vector.size() == other.vector.size();
  }
  VectorQuery Query(Span<const float> queries) const {
    VectorQuery query;
    query.k = limit;
    query.queries = queries;
    query.dimensions = static_cast<uint32_t>(vector.size());
    query.has_score_min = has_min_score ? 1 : 0;
    query.score_min = min_score;
    if (!AsDocument(filter).empty()) query.filter = AsBytes(filter);
    if (!projection.empty()) query.projection = AsBytes(projection);
    query.include_vector = include_vector ? 1 : 0;
    query.exact = exact ? 1 : 0;
    return query;
  }
};

Status ReadVectorOf(const Members& members, SearchSpec& spec) {
  if (members.Has("id") && members.Has("vector")) {
    return FailAt(ErrorId::kBadValue, "Send either 'vector' or 'id', not both.", "/id");
  }
  if (members.Has("id")) {
    spec.like = bson::Builder().Value("_id", members.Get("id")).Finish();
    return {};
  }
  Result<std::vector<float>> vector = members.Vector("vector");
  if (!vector.ok()) return std::move(vector).status();
  Result<int64_t> dimensions =
      members.Integer("dimensions", static_cast<int64_t>(vector->size()), 0, INT32_MAX);
  if (!dimensions.ok()) return std::move(dimensions).status();
  if (*dimensions != static_cast<int64_t>(vector->size())) {
    return DimensionMismatch(*dimensions, static_cast<int64_t>(vector->size()), -1);
  }
  if (vector->empty()) {
    return FailAt(ErrorId::kInvalidVector, "A vector has one dimension at least.", "/vector");
  }
  spec.vector = std::move(*vector);
  return CheckFinite(spec.vector);
}

Result<SearchSpec> ReadSearch(Request& request, bson::Document body) {
  SearchSpec spec;
  const Members members(body);
  Status known = members.Only({"vector", "limit", "k", "dimensions", "filter", "query", "min_score",
                               "fields", "include_vector", "exact", "id", "max_time_ms"});
  if (!known.ok()) return known;
  Result<std::string> filter = ReadFilter(body);
  Result<std::string> fields = ReadFields(members.Get("fields"));
  const std::string_view limit_name = members.Has("limit") ? "limit" : "k";
  Result<int64_t> limit = members.Integer(limit_name, spec.limit, INT64_MIN, INT64_MAX);
  Result<double> min_score = members.Number("min_score", 0);
  Result<bool> include_vector = members.Flag("include_vector", false);
  Result<bool> exact = members.Flag("exact", false);
  Result<uint64_t> time = ReadMaxTime(request, body);
  for (const Status& status :
       {filter.status(), fields.status(), limit.status(), min_score.status(),
        include_vector.status(), exact.status(), time.status(), ReadVectorOf(members, spec)}) {
    if (!status.ok()) return status;
  }
  if (*limit < 1) {
    return FailAt(ErrorId::kBadValue,
                  "'" + std::string(limit_name) + "' takes an integer from 1 to " +
                      std::to_string(kVectorHitsMax) + ".",
                  "/" + std::string(limit_name));
  }
  if (*limit > static_cast<int64_t>(kVectorHitsMax)) {
    return LimitError(ErrorId::kVectorLimit, "vector_hits", kVectorHitsMax, *limit);
  }
  spec.filter = std::move(*filter);
  spec.projection = std::move(*fields);
  spec.limit = static_cast<uint32_t>(*limit);
  spec.has_min_score = !members.Get("min_score").IsNullish();
  spec.min_score = *min_score;
  spec.include_vector = *include_vector;
  spec.exact = *exact;
  spec.max_time_ms = *time;
  return spec;
}

// Turns "near the document X" into "near X's vector, without X". The vector is fetched by a search
// among X alone, for which any query vector does.
Status ResolveLike(Request& request, const Target& target, SearchSpec& spec) {
  if (spec.like.empty()) return {};
  const std::string_view name = request.capture(0);
  Result<Buffer> described =
      target.vectors->Describe(*target.session, request.database_name(), name);
  if (!described.ok()) return std::move(described).status();
  const int64_t dimensions = IntegerOf(bson::Document(described->bytes()), "dimensions");
  SearchSpec fetch;
  fetch.vector.assign(static_cast<size_t>(dimensions), 1.0f);
  fetch.filter = spec.like;
  fetch.limit = 1;
  fetch.include_vector = true;
  fetch.exact = true;
  Result<Buffer> found = target.vectors->Search(*target.session, request.database_name(), name,
                                                fetch.Query(fetch.vector));
  if (!found.ok()) return std::move(found).status();
  for (const bson::Element& search : bson::Document(found->bytes())["searches"].value().Doc()) {
    for (const bson::Element& hit : search.value().Doc()["results"].value().Doc()) {
      spec.vector.clear();
      if (AppendFloats(hit.value().Doc()["vector"].value(), spec.vector)) break;
    }
  }
  if (spec.vector.empty()) {
    return MakeError(ErrorId::kVectorNotFound, "No document of that id has a vector.");
  }
  bson::Builder filter;
  filter.OpenArray("$and").Object("0", AsDocument(spec.filter)).OpenObject("1");
  filter.OpenObject("_id").Value("$ne", AsDocument(spec.like)["_id"].value());
  spec.filter = filter.Close().Close().Close().Finish();
  return {};
}

// `results` of one search: [{document_id, similarity, document, vector?}].
int64_t AppendHits(std::string& out, bson::Document search) {
  int64_t count = 0;
  out.push_back('[');
  for (const bson::Element& element : search["results"].value().Doc()) {
    const bson::Document hit = element.value().Doc();
    if (count++ > 0) out.push_back(',');
    JsonObject object;
    AppendId(object.Name("document_id"), hit["document_id"].value());
    object.Value("similarity", hit["similarity"].value());
    object.Document("document", hit["document"].value().Doc());
    if (hit["vector"]) object.Value("vector", hit["vector"].value());
    out += object.Finish();
  }
  out.push_back(']');
  return count;
}

bool IsExact(bson::Document reply) {
  const bson::Value exact = reply["exact"].value();
  return exact.type() == bson::Type::kBool && exact.Bool();
}

Status SendInserted(Request& request, bson::Document outcome, bool many) {
  for (const bson::Element& error : outcome["writeErrors"].value().Doc()) {
    return WriteErrorStatus(error.value().Doc());
  }
  const bson::Document ids = outcome["ids"].value().Doc();
  JsonObject out = Success();
  out.Text("collection", request.capture(0));
  if (many) {
    AppendJsonArray(out.Name("document_ids"), ids, JsonMode::kRest);
    const int64_t count = IntegerOf(outcome, "n");
    out.Integer("count", count);
    out.Text("message", "Inserted " + std::to_string(count) + " documents");
  } else {
    AppendId(out.Name("document_id"), (*ids.begin()).value());
    out.Text("message", "Document inserted");
  }
  return SendJson(request.exchange(), 201, out.Finish());
}

}  // namespace

Status CreateVectors(Request& request) {
  Result<std::string> body = request.ObjectBody();
  if (!body.ok()) return std::move(body).status();
  Result<Target> target = Open(request);
  if (!target.ok()) return std::move(target).status();
  Result<bool> created = target->vectors->Create(*target->session, request.database_name(),
                                                 request.capture(0), AsBytes(*body));
  if (!created.ok()) return std::move(created).status();
  JsonObject out = Success();
  out.Text("collection", request.capture(0));
  out.Text("message", *created ? "Vector collection created" : "Vector collection exists alike");
  return SendJson(request.exchange(), *created ? 201 : 200, out.Finish());
}

Status GetVectors(Request& request) {
  Result<Target> target = Open(request);
  if (!target.ok()) return std::move(target).status();
  Result<Buffer> described =
      target->vectors->Describe(*target->session, request.database_name(), request.capture(0));
  if (!described.ok()) return std::move(described).status();
  return SendJson(request.exchange(), 200,
                  Success().Members(bson::Document(described->bytes())).Finish());
}

Status DropVectors(Request& request) {
  Result<Target> target = Open(request);
  if (!target.ok()) return std::move(target).status();
  Status dropped =
      target->vectors->Drop(*target->session, request.database_name(), request.capture(0));
  if (!dropped.ok()) return dropped;
  JsonObject out = Success();
  out.Text("collection", request.capture(0)).Text("message", "Vectors dropped");
  return SendJson(request.exchange(), 200, out.Finish());
}

Status InsertVector(Request& request) {
  Result<std::string> body = request.ObjectBody();
  if (!body.ok()) return std::move(body).status();
  const Members members(AsDocument(*body));
  Status known = members.Only({"document", "vector"});
  if (!known.ok()) return known;
  Result<bson::Document> document = members.Object("document");
  if (!document.ok()) return std::move(document).status();
  Result<std::vector<float>> vector = members.Vector("vector");
  if (!vector.ok()) return std::move(vector).status();
  for (const Status& status : {CheckFinite(*vector), CheckInserted(*document)}) {
    if (!status.ok()) return status;
  }
  Result<Target> target = Open(request);
  if (!target.ok()) return std::move(target).status();
  const std::array<BytesView, 1> documents = {document->bytes()};
  Result<Buffer> inserted =
      target->vectors->Insert(*target->session, request.database_name(), request.capture(0),
                              documents, *vector, static_cast<uint32_t>(vector->size()));
  if (!inserted.ok()) return std::move(inserted).status();
  return SendInserted(request, bson::Document(inserted->bytes()), /*many=*/false);
}

Status InsertVectors(Request& request) {
  Result<std::string> body = request.ObjectBody();
  if (!body.ok()) return std::move(body).status();
  const Members members(AsDocument(*body));
  Status known = members.Only({"documents", "vectors"});
  if (!known.ok()) return known;
  Result<bson::Document> array = members.Array("documents");
  if (!array.ok()) return std::move(array).status();
  Result<bson::Document> rows = members.Array("vectors");
  if (!rows.ok()) return std::move(rows).status();
  std::vector<BytesView> documents;
  for (const bson::Element& element : *array) {
    if (element.type() != bson::Type::kObject) {
      return FailAt(ErrorId::kNotAnObject, "A document is an object.",
                    "/documents/" + std::string(element.name()));
    }
    if (Status status = CheckInserted(element.value().Doc()); !status.ok()) return status;
    documents.push_back(element.value().Doc().bytes());
  }
  if (documents.size() > static_cast<size_t>(kBulkOperationsMax)) {
    return LimitError(ErrorId::kBulkTooLarge, "bulk_operations", kBulkOperationsMax,
                      static_cast<int64_t>(documents.size()));
  }
  std::vector<float> vectors;
  size_t dimensions = 0;
  size_t count = 0;
  for (const bson::Element& element : *rows) {
    const size_t before = vectors.size();
    if (!AppendFloats(element.value(), vectors)) {
      return FailAt(ErrorId::kInvalidVector, "A vector is an array of numbers.",
                    "/vectors/" + std::string(element.name()));
    }
    if (count == 0) dimensions = vectors.size();
    if (vectors.size() - before != dimensions) {
      return DimensionMismatch(static_cast<int64_t>(dimensions),
                               static_cast<int64_t>(vectors.size() - before),
                               static_cast<int64_t>(count));
    }
    ++count;
  }
  if (count != documents.size()) {
    return MakeError(ErrorId::kInvalidVector, "There are " + std::to_string(documents.size()) +
                                                  " documents and " + std::to_string(count) +
                                                  " vectors; each document needs one.");
  }
  if (count == 0) return MakeError(ErrorId::kEmptyBulk, "The request holds nothing to write.");
  if (Status status = CheckFinite(vectors); !status.ok()) return status;
  Result<Target> target = Open(request);
  if (!target.ok()) return std::move(target).status();
  Result<Buffer> inserted =
      target->vectors->Insert(*target->session, request.database_name(), request.capture(0),
                              documents, vectors, static_cast<uint32_t>(dimensions));
  if (!inserted.ok()) return std::move(inserted).status();
  return SendInserted(request, bson::Document(inserted->bytes()), /*many=*/true);
}

Status SearchVectors(Request& request) {
  Result<std::string> body = request.ObjectBody();
  if (!body.ok()) return std::move(body).status();
  Result<SearchSpec> spec = ReadSearch(request, AsDocument(*body));
  if (!spec.ok()) return std::move(spec).status();
  Result<Target> target = Open(request, spec->max_time_ms);
  if (!target.ok()) return std::move(target).status();
  if (Status status = ResolveLike(request, *target, *spec); !status.ok()) return status;
  Result<Buffer> found = target->vectors->Search(*target->session, request.database_name(),
                                                 request.capture(0), spec->Query(spec->vector));
  if (!found.ok()) return std::move(found).status();
  const bson::Document reply(found->bytes());
  JsonObject out = Success();
  out.Text("collection", request.capture(0));
  const bson::Document searches = reply["searches"].value().Doc();
  const int64_t count = AppendHits(out.Name("results"), (*searches.begin()).value().Doc());
  out.Integer("count", count).Number("took_ms", request.TookMs()).Bool("exact", IsExact(reply));
  return SendJson(request.exchange(), 200, out.Finish());
}

Status SearchVectorsBatch(Request& request) {
  Result<std::string> body = request.ObjectBody();
  if (!body.ok()) return std::move(body).status();
  const Members members(AsDocument(*body));
  Status known = members.Only({"searches"});
  if (!known.ok()) return known;
  Result<bson::Document> array = members.Array("searches");
  if (!array.ok()) return std::move(array).status();
  std::vector<SearchSpec> specs;
  for (const bson::Element& element : *array) {
    if (element.type() != bson::Type::kObject) {
      return FailAt(ErrorId::kNotAnObject, "A search is an object.",
                    "/searches/" + std::string(element.name()));
    }
    Result<SearchSpec> spec = ReadSearch(request, element.value().Doc());
    if (!spec.ok()) return std::move(spec).status();
    specs.push_back(std::move(*spec));
  }
  if (specs.size() > kVectorQueriesMax) {
    return LimitError(ErrorId::kVectorLimit, "vector_queries", kVectorQueriesMax,
                      static_cast<int64_t>(specs.size()));
  }
  Result<Target> target = Open(request);
  if (!target.ok()) return std::move(target).status();
  JsonObject out = Success();
  out.Text("collection", request.capture(0));
  std::string searches;
  bool exact = true;
  // Neighbours that differ in their vector alone share one pass over the index.
  for (size_t i = 0; i < specs.size();) {
    if (Status s = ResolveLike(request, *target, specs[i]); !s.ok()) return s;
    std::vector<float> queries = specs[i].vector;
    size_t next = i + 1;
    while (next < specs.size() && specs[next].like.empty() && specs[i].SameOptions(specs[next])) {
      queries.insert(queries.end(), specs[next].vector.begin(), specs[next].vector.end());
      ++next;
    }
    Result<Buffer> found = target->vectors->Search(*target->session, request.database_name(),
                                                   request.capture(0), specs[i].Query(queries));
    if (!found.ok()) return std::move(found).status();
    const bson::Document reply(found->bytes());
    exact = exact && IsExact(reply);
    for (const bson::Element& element : reply["searches"].value().Doc()) {
      if (!searches.empty()) searches.push_back(',');
      JsonObject search;
      const int64_t count = AppendHits(search.Name("results"), element.value().Doc());
      searches += search.Integer("count", count).Finish();
    }
    i = next;
  }
  out.Raw("searches", "[" + searches + "]").Integer("count", static_cast<int64_t>(specs.size()));
  out.Number("took_ms", request.TookMs()).Bool("exact", exact);
  return SendJson(request.exchange(), 200, out.Finish());
}

}  // namespace nexadb::rest
