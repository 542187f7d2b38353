// GET /collections/{name}/_export: a whole collection as NDJSON, JSON or CSV, streamed.
//
// What is exported is what an import brings back: dates with their type, and the vectors of a
// vector collection as the member __vector__. All of it is read from one snapshot.
#include <algorithm>
#include <charconv>
#include <set>
#include <vector>

#include "core/document/error.h"
#include "plugins/api-rest/body_writer.h"
#include "plugins/api-rest/csv.h"
#include "plugins/api-rest/handlers.h"
#include "plugins/api-rest/json_form.h"
#include "plugins/api-rest/members.h"
#include "plugins/api-rest/query_spec.h"
#include "plugins/api-rest/request.h"

namespace nexadb::rest {
namespace {

constexpr size_t kBatch = 128;
// Every top-level name of the collection is a column; beyond it a table is not what is wanted.
constexpr size_t kCsvColumnsMax = 10'000;
constexpr std::string_view kVectorMember = "__vector__";

// One export on its way: what is read, and whether vectors go with it.
struct Export {
  Request& request;
  Session& session;
  std::string command;
  VectorCollections* vectors = nullptr;  // null: documents alone
  JsonMode form = JsonMode::kRelaxed;
};

// A number that reads as the same float, as short as that can be.
void AppendFloat(std::string& out, float value) {
  char text[32];
  const char* end = std::to_chars(text, text + sizeof(text), value).ptr;
  double read = 0;
  std::from_chars(text, end, read);
  if (static_cast<float>(read) == value) {
    out.append(text, static_cast<size_t>(end - text));
  } else {
    AppendJsonDouble(out, static_cast<double>(value));
  }
}

std::string VectorJson(BytesView floats) {
  std::string out = "[";
  for (size_t at = 0; at + sizeof(float) <= floats.size(); at += sizeof(float)) {
    if (at > 0) out.push_back(',');
    AppendFloat(out, bson::Load<float>(floats.data() + at));
  }
  return out + "]";
}

// The vectors of a batch of documents as JSON, empty where a document has none.
Status ReadVectors(const Export& what, Span<const BytesView> documents,
                   std::vector<std::string>& out) {
  std::vector<std::string> ids;
  std::vector<BytesView> views;
  ids.reserve(documents.size());
  for (const BytesView& document : documents) {
    ids.push_back(bson::Builder().Value("_id", bson::Document(document)["_id"].value()).Finish());
    views.push_back(AsBytes(ids.back()));
  }
  Result<Buffer> reply = what.vectors->Vectors(what.session, what.request.database_name(),
                                               what.request.capture(0), views);
  if (!reply.ok()) return std::move(reply).status();
  for (const bson::Element& vector : bson::Document(reply->bytes())["vectors"].value().Doc()) {
    out.push_back(vector.type() == bson::Type::kBinary ? VectorJson(vector.value().Binary())
                                                       : std::string());
  }
  return {};
}

// Calls row(document, vector) for each document, the vector as JSON, empty for none.
template <class Row>
Status ForEachDocument(const Export& what, Row&& row) {
  Result<Handle<DocumentCursor>> cursor = what.request.database().Query(
      what.session, what.request.database_name(), AsBytes(what.command), QueryOptions{});
  if (!cursor.ok()) return std::move(cursor).status();
  BytesView batch[kBatch];
  std::vector<std::string> vectors;
  const std::string none;
  while (true) {
    Result<uint64_t> got = (*cursor)->Next(Span<BytesView>(batch, kBatch));
    if (!got.ok()) return std::move(got).status();
    if (*got == 0) return {};
    vectors.clear();
    if (what.vectors != nullptr) {
      Status read = ReadVectors(what, Span<const BytesView>(batch, *got), vectors);
      if (!read.ok()) return read;
    }
    for (uint64_t i = 0; i < *got; ++i) {
      const std::string& vector = i < vectors.size() ? vectors[i] : none;
      if (Status status = row(bson::Document(batch[i]), vector); !status.ok()) return status;
    }
  }
}

void AppendDocument(std::string& out, bson::Document document, const std::string& vector,
                    JsonMode form) {
  AppendJson(out, document, form);
  if (vector.empty()) return;
  out.pop_back();  // the brace
  if (out.back() != '{') out.push_back(',');
  out.append("\"").append(kVectorMember).append("\":").append(vector).push_back('}');
}

std::string FindAll(std::string_view collection, const QuerySpec& spec) {
  bson::Builder command;
  command.Text("find", collection).Object("filter", AsDocument(spec.filter));
  if (!spec.projection.empty()) command.Object("projection", AsDocument(spec.projection));
  if (!spec.sort.empty()) command.Object("sort", AsDocument(spec.sort));
  return command.Finish();
}

Status ExportLines(const Export& what) {
  BodyWriter writer(what.request, 200, "application/x-ndjson");
  Status status = ForEachDocument(what, [&](bson::Document document, const std::string& vector) {
    AppendDocument(writer.text(), document, vector, what.form);
    writer.text().push_back('\n');
    return writer.Pass();
  });
  return status.ok() ? writer.Finish() : status;
}

Status ExportArray(const Export& what) {
  BodyWriter writer(what.request, 200, "application/json");
  writer.text() = "[";
  bool first = true;
  Status status = ForEachDocument(what, [&](bson::Document document, const std::string& vector) {
    writer.text() += first ? "\n" : ",\n";
    first = false;
    AppendDocument(writer.text(), document, vector, what.form);
    return writer.Pass();
  });
  writer.text() += "\n]\n";
  return status.ok() ? writer.Finish() : status;
}

void AppendCell(std::string& out, const bson::Value& value) {
  if (value.IsNullish()) return;
  if (value.type() == bson::Type::kString) {
    AppendCsvField(out, value.Text());
    return;
  }
  std::string json;
  if (value.type() != bson::Type::kDate || !AppendRfc3339(json, value.DateMs())) {
    AppendJson(json, value, JsonMode::kRelaxed);
  }
  AppendCsvField(out, json);
}

// Every name at the top of a document, in the order of their appearance.
Result<std::vector<std::string>> FindColumns(const Export& what) {
  std::vector<std::string> columns;
  std::set<std::string, std::less<>> known;
  Status status = ForEachDocument(what, [&](bson::Document document, const std::string&) -> Status {
    for (const bson::Element& element : document) {
      if (known.contains(element.name())) continue;
      if (columns.size() >= kCsvColumnsMax) {
        return MakeError(ErrorId::kLimitReached, "The documents have more than " +
                                                     std::to_string(kCsvColumnsMax) +
                                                     " different fields; choose some by fields=.");
      }
      known.emplace(element.name());
      columns.emplace_back(element.name());
    }
    return {};
  });
  if (!status.ok()) return status;
  return columns;
}

// Two passes over one snapshot: the first finds the columns, so that none is missing.
Status ExportCsv(const Export& what) {
  Result<std::vector<std::string>> columns =
      FindColumns({what.request, what.session, what.command, nullptr, what.form});
  if (!columns.ok()) return std::move(columns).status();
  BodyWriter writer(what.request, 200, "text/csv; charset=utf-8");
  bool first = true;
  for (const std::string& column : *columns) {
    if (!first) writer.text().push_back(',');
    first = false;
    AppendCsvField(writer.text(), column);
  }
  if (what.vectors != nullptr && !columns->empty()) {
    writer.text().push_back(',');
    AppendCsvField(writer.text(), kVectorMember);
  }
  if (!columns->empty()) writer.text() += "\r\n";
  Status status = ForEachDocument(what, [&](bson::Document document, const std::string& vector) {
    for (size_t i = 0; i < columns->size(); ++i) {
      if (i > 0) writer.text().push_back(',');
      AppendCell(writer.text(), document[(*columns)[i]].value());
    }
    if (what.vectors != nullptr) {
      writer.text().push_back(',');
      AppendCsvField(writer.text(), vector);
    }
    writer.text() += "\r\n";
    return writer.Pass();
  });
  return status.ok() ? writer.Finish() : status;
}

// The facet when the collection has vectors and they are to go with the documents: unless fields
// were chosen, or the client says.
Result<VectorCollections*> WantedVectors(Request& request, Session& session,
                                         const QuerySpec& spec) {
  Result<bool> wanted = request.parameters().Flag("vectors", spec.projection.empty());
  if (!wanted.ok()) return std::move(wanted).status();
  VectorCollections* none = nullptr;
  Result<VectorCollections*> vectors = request.api().Vectors();
  if (!*wanted || !vectors.ok()) return none;
  const Status held =
      (*vectors)->Vectors(session, request.database_name(), request.capture(0), {}).status();
  if (held.ok()) return *vectors;
  if (held.code() == Code::kNotFound) return none;
  return held;
}

Status SendExport(Request& request, Session& session, const QuerySpec& spec,
                  std::string_view format, JsonMode form) {
  Result<VectorCollections*> vectors = WantedVectors(request, session, spec);
  if (!vectors.ok()) return std::move(vectors).status();
  const Export what{request, session, FindAll(request.capture(0), spec), *vectors, form};
  if (format == "json") return ExportArray(what);
  return format == "csv" ? ExportCsv(what) : ExportLines(what);
}

}  // namespace

Status ExportCollection(Request& request) {
  Result<QuerySpec> spec = ReadQueryParameters(request);
  if (!spec.ok()) return std::move(spec).status();
  const std::string_view format = request.parameters().Get("format").value_or("ndjson");
  if (format != "ndjson" && format != "json" && format != "csv") {
    return MakeError(ErrorId::kInvalidParameter,
                     "The parameter 'format' takes ndjson, json or csv.");
  }
  Result<JsonMode> form = ReadJsonForm(request.parameters(), JsonMode::kRelaxed);
  if (!form.ok()) return std::move(form).status();
  if (format == "csv" && *form == JsonMode::kCanonical) {
    return MakeError(ErrorId::kInvalidParameter,
                     "ejson=canonical goes with the formats ndjson and json.");
  }
  Result<Session*> session = request.session(request.api().options.query_time_max_ms);
  if (!session.ok()) return std::move(session).status();
  if (Status begun = (*session)->Begin(TransactionIsolation::kSnapshot); !begun.ok()) return begun;
  Status status = SendExport(request, **session, *spec, format, *form);
  Status ended = (*session)->Rollback();
  return status.ok() ? ended : status;
}

}  // namespace nexadb::rest
