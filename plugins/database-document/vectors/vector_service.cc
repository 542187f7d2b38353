#include "plugins/database-document/vectors/vector_service.h"

#include <cmath>

#include "core/document/error.h"
#include "nexadb/sdk/guard.h"
#include "plugins/database-document/collection/ddl.h"
#include "plugins/database-document/collection/insert.h"
#include "plugins/database-document/collection/statistics.h"
#include "plugins/database-document/command/fields.h"
#include "plugins/database-document/database.h"
#include "plugins/database-document/session/call_meter.h"
#include "plugins/database-document/vectors/record.h"
#include "plugins/database-document/vectors/registry.h"
#include "plugins/database-document/vectors/search.h"

namespace nexadb::database {

namespace {

constexpr size_t kScanBatch = 256;

SessionImpl& Begin(Session& session) {
  auto& impl = static_cast<SessionImpl&>(session);
  impl.StartCall();
  return impl;
}

Status BadOption(std::string_view name, std::string_view message) {
  ErrorDetail detail;
  detail.Text("pointer", "/" + std::string(name));
  return MakeError(ErrorId::kInvalidParameter, message, detail.Finish());
}

Result<VectorOptions> ParseOptions(Environment& environment, bson::Document document) {
  VectorOptions options;
  bson::Builder others;
  for (const bson::Element& e : document) {
    if (e.name() == "dimensions") {
      if (!e.value().IsNumber()) return BadOption("dimensions", "'dimensions' must be a number");
      const int64_t dimensions = ToInteger(e.value());
      if (dimensions < 1 || dimensions > int64_t{kVectorDimensionsMax}) {
        ErrorDetail detail;
        detail.Text("pointer", "/dimensions").Text("limit", "vector_dimensions");
        detail.Int64("max", kVectorDimensionsMax).Int64("got", dimensions);
        return MakeError(ErrorId::kVectorLimit,
                         "'dimensions' takes an integer from 1 to " +
                             std::to_string(kVectorDimensionsMax) + ", not " +
                             std::to_string(dimensions),
                         detail.Finish());
      }
      options.dimensions = static_cast<uint32_t>(dimensions);
    } else if (e.name() == "metric") {
      const auto metric =
          e.type() == bson::Type::kString ? MetricByName(e.value().Text()) : std::nullopt;
      if (!metric) return BadOption("metric", "'metric' must be 'cosine', 'dot' or 'l2'");
      options.metric = *metric;
    } else if (e.name() == "index") {
      if (e.type() != bson::Type::kString) return BadOption("index", "'index' must be a text");
      options.index = std::string(e.value().Text());
    } else {
      others.Element(e);
    }
  }
  if (options.dimensions == 0) return BadOption("dimensions", "'dimensions' is missing");
  if (!environment.vectors->Offers(options.index)) {
    return MakeError(ErrorId::kVectorIndexUnavailable,
                     "no plugin offers the vector index '" + options.index + "'");
  }
  options.index_options = others.Finish();
  if (bson::Document(AsBytes(options.index_options)).empty()) options.index_options.clear();
  return options;
}

bool Alike(const VectorOptions& a, const VectorOptions& b) {
  return a.dimensions == b.dimensions && a.metric == b.metric && a.index == b.index &&
         a.index_options == b.index_options;
}

// The index itself knows whether it likes its options: open one and let it go.
Status TryOpen(Environment& environment, const VectorOptions& options) {
  for (const auto& provider : environment.vector_providers) {
    if (!provider || std::string_view(provider->Kind()) != options.index) continue;
    VectorIndexSpec spec;
    spec.dimensions = options.dimensions;
    spec.metric = options.metric;
    spec.options = AsBytes(options.index_options);
    return provider->Open(environment.data_directory + "/vectors/trial", spec).status();
  }
  return {};
}

}  // namespace

Result<bool> VectorService::Create(Session& session, StringView name, StringView collection,
                                   BytesView options) noexcept {
  return sdk::Guard([&]() -> Result<bool> {
    if (const char* error = bson::Validate(options)) {
      return MakeError(ErrorId::kInvalidBson, error);
    }
    SessionImpl& impl = Begin(session);
    Status status = CheckWritableName(name, collection);
    if (!status.ok()) return status;
    status = impl.CheckAccess(Action::kManage, name, collection);
    if (!status.ok()) return status;
    auto wanted = ParseOptions(impl.environment(), bson::Document(options));
    if (!wanted.ok()) return wanted.status();
    if (Status bad = TryOpen(impl.environment(), *wanted); !bad.ok()) return bad;
    bool made = false;
    status = RunWrite(impl, [&](WriteSet& set) -> Status {
      made = false;
      // Only making the collection is a write.
      Result<EntryPtr> entry = set.Find(name, collection);
      if (*entry == nullptr || (*entry)->kind == EntryKind::kView) {
        entry = FindOrCreate(impl, set, name, collection);
      }
      if (!entry.ok()) return entry.status();
      if ((*entry)->vector) {
        if (Alike(*(*entry)->vector, *wanted)) return {};
        return MakeError(
            ErrorId::kVectorCollectionExists,
            "'" + std::string(collection) + "' is a vector collection with other options");
      }
      made = true;
      auto changed = std::make_shared<CollectionEntry>(**entry);
      changed->vector = *wanted;
      return set.PutEntry(std::move(changed));
    });
    if (!status.ok()) return status;
    return made;
  });
}

Result<Buffer> VectorService::Describe(Session& session, StringView name,
                                       StringView collection) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    SessionImpl& impl = Begin(session);
    Status status = impl.CheckAccess(Action::kRead, name, collection);
    if (!status.ok()) return status;
    auto scope = ReadScope::Open(impl);
    if (!scope.ok()) return scope.status();
    const EntryPtr entry = (*scope)->Find(name, collection);
    if (entry == nullptr || !entry->vector) return NotAVectorCollection(collection);
    VectorRegistry& registry = *impl.environment().vectors;
    auto index = registry.Ready(*entry, *registry.Of(entry->id));
    if (!index.ok()) return index.status();
    bson::Builder out;
    out.Text("collection", collection).Int64("dimensions", entry->vector->dimensions);
    out.Text("metric", MetricName(entry->vector->metric)).Text("index", entry->vector->index);
    out.Int64("count", static_cast<int64_t>((*index)->RowCount()));
    out.Int64("memory_bytes", static_cast<int64_t>((*index)->MemoryBytes()));
    out.Text("state", "ready");
    return Buffer::Own(out.Finish());
  });
}

namespace {

// Takes the document numbers out of all documents: the vectors go, the documents stay.
Status ForgetRows(SessionImpl& session, WriteSet& set, const CollectionEntry& entry) {
  auto everything = query::Matcher::Parse({}, {});
  if (!everything.ok()) return everything.status();
  const std::shared_ptr<const query::Matcher> filter = std::move(*everything);
  QueryContext context(session, entry.database, ReadScope::Within(set));
  CollectionScan scan(context, ChooseAccess(entry.id, *filter, ScanDirection::kForward), filter);
  std::vector<ScannedDocument> batch(kScanBatch);
  for (;;) {
    auto count = scan.Next(batch);
    if (!count.ok()) return count.status();
    if (*count == 0) break;
    for (size_t i = 0; i < *count; ++i) {
      if (!batch[i].stored.has_row) continue;
      const std::string value = EncodeDocument(batch[i].stored.body, std::nullopt);
      const Mutation put{Mutation::Op::kPutStampedValue, 0, batch[i].key, AsBytes(value)};
      Status status = set.Write(Span<const Mutation>(&put, 1));
      if (!status.ok()) return status;
    }
  }
  const KeySpan span = SpaceSpan(entry.id, Space::kVector);
  const Mutation erase{Mutation::Op::kDeleteRange, 0, AsBytes(span.begin), AsBytes(span.end)};
  return set.Write(Span<const Mutation>(&erase, 1));
}

}  // namespace

Status VectorService::Drop(Session& session, StringView name, StringView collection) noexcept {
  return sdk::Guard([&]() -> Status {
    SessionImpl& impl = Begin(session);
    Status status = impl.CheckAccess(Action::kManage, name, collection);
    if (!status.ok()) return status;
    return AlterCollection(impl, name, collection,
                           [&](WriteSet& set, CollectionEntry& entry) -> Status {
                             if (!entry.vector) return NotAVectorCollection(collection);
                             entry.vector.reset();
                             return ForgetRows(impl, set, entry);
                           });
  });
}

Result<Buffer> VectorService::Insert(Session& session, StringView name, StringView collection,
                                     Span<const BytesView> documents, Span<const float> vectors,
                                     uint32_t dimensions) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    for (const BytesView& bytes : documents) {
      if (const char* error = bson::Validate(bytes)) {
        return MakeError(ErrorId::kInvalidBson, error);
      }
    }
    if (dimensions == 0 || vectors.size() != documents.size() * uint64_t{dimensions}) {
      return MakeError(ErrorId::kInvalidVector, "one vector for each document is needed");
    }
    for (const float value : vectors) {
      if (!std::isfinite(value)) {
        return MakeError(ErrorId::kInvalidVector, "a vector's numbers must be finite");
      }
    }
    SessionImpl& impl = Begin(session);
    const CallMeter meter(impl);  // validators
    InsertRequest request;
    request.database = name;
    request.collection = collection;
    request.documents = std::span(documents.data(), documents.size());
    request.vectors = std::span(vectors.data(), vectors.size());
    request.dimensions = dimensions;
    request.atomic = true;
    auto outcome = InsertMany(impl, request);
    if (!outcome.ok()) return outcome.status();
    return Buffer::Own(InsertReply(*outcome));
  });
}

Result<Buffer> VectorService::Search(Session& session, StringView name, StringView collection,
                                     const VectorQuery& query) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    for (const BytesView& bytes : {query.filter, query.projection}) {
      const char* error = bytes.empty() ? nullptr : bson::Validate(bytes);
      if (error != nullptr) return MakeError(ErrorId::kInvalidBson, error);
    }
    SessionImpl& impl = Begin(session);
    const CallMeter meter(impl);
    auto reply = SearchVectors(impl, name, collection, query);
    if (!reply.ok()) return reply.status();
    return Buffer::Own(std::move(*reply));
  });
}

namespace {

// The stored vector behind a document's number, as a binary value; null when it has none.
Status AppendVector(Reader& reader, const CollectionEntry& entry, const Lookup& stored,
                    std::string_view name, bson::Builder* out) {
  if (stored.found == 0) {
    out->Null(name);
    return {};
  }
  auto document = DecodeDocument(stored.value.bytes());
  if (!document.ok()) return document.status();
  if (!document->has_row) {
    out->Null(name);
    return {};
  }
  auto value = reader.Get(AsBytes(RowKey(entry.id, document->row)), {});
  if (!value.ok()) return value.status();
  auto record = DecodeVector(value->bytes(), entry.vector->dimensions);
  if (!record.ok()) return record.status();
  const auto* floats = reinterpret_cast<const uint8_t*>(record->vector.data());
  out->Binary(name, 0, {floats, record->vector.size() * sizeof(float)});
  return {};
}

Result<Buffer> ReadVectors(SessionImpl& session, std::string_view database,
                           std::string_view collection, Span<const BytesView> ids) {
  Status status = session.CheckAccess(Action::kRead, database, collection);
  if (!status.ok()) return status;
  auto scope = ReadScope::Open(session);
  if (!scope.ok()) return scope.status();
  const EntryPtr entry = (*scope)->Find(database, collection);
  if (entry == nullptr || !entry->vector) return NotAVectorCollection(collection);
  std::vector<std::string> keys;
  std::vector<BytesView> views;
  keys.reserve(ids.size());
  for (const BytesView& id : ids) {
    if (const char* error = bson::Validate(id)) return MakeError(ErrorId::kInvalidBson, error);
    keys.push_back(DocumentKey(entry->id, bson::Document(id)["_id"].value()));
    views.push_back(AsBytes(keys.back()));
  }
  std::vector<Lookup> stored(views.size());
  Reader& reader = (*scope)->reader();
  status = views.empty() ? Status() : reader.GetMany(views, {}, stored);
  if (!status.ok()) return status;
  bson::Builder out;
  out.OpenArray("vectors");
  for (size_t i = 0; i < stored.size(); ++i) {
    status = AppendVector(reader, *entry, stored[i], std::to_string(i), &out);
    if (!status.ok()) return status;
  }
  return Buffer::Own(out.Close().Finish());
}

}  // namespace

Result<Buffer> VectorService::Vectors(Session& session, StringView name, StringView collection,
                                      Span<const BytesView> ids) noexcept {
  return sdk::Guard(
      [&]() -> Result<Buffer> { return ReadVectors(Begin(session), name, collection, ids); });
}

}  // namespace nexadb::database
