#include "plugins/database-document/plan/stats_stages.h"

#include <vector>

#include "core/document/error.h"
#include "plugins/database-document/collection/statistics.h"
#include "plugins/database-document/plan/list_source.h"

namespace nexadb::database {

namespace {

constexpr int32_t kTypeMismatch = 14;
constexpr int32_t kBadValue = 2;
constexpr int32_t kNamespaceNotFound = 26;
constexpr int32_t kIndexStatsSpec = 28803;
constexpr int32_t kCollStatsSpec = 5447000;

Result<int32_t> ScaleOf(bson::Document storage) {
  const bson::Element scale = storage["scale"];
  if (!scale || scale.value().IsNullish()) return 1;
  double value = 0;
  switch (scale.type()) {
    case bson::Type::kInt32: value = scale.value().Int32(); break;
    case bson::Type::kInt64: value = static_cast<double>(scale.value().Int64()); break;
    case bson::Type::kDouble: value = scale.value().Double(); break;
    default:
      return MongoError(kTypeMismatch,
                        "BSON field '$collStats.storageStats.scale' must be a number");
  }
  if (!(value >= 1) || value > 2147483647.0) {
    return MongoError(kBadValue, "$collStats.storageStats.scale must be at least 1");
  }
  return static_cast<int32_t>(value);
}

void AppendStorageStats(const CollectionEntry& entry, const CollectionSize& size, int32_t scale,
                        bson::Builder& out) {
  const auto scaled = [scale](uint64_t bytes) {
    return static_cast<int64_t>(bytes / static_cast<uint64_t>(scale));
  };
  out.OpenObject("storageStats").Int64("size", scaled(size.bytes));
  out.Int32("count", static_cast<int32_t>(size.count));
  if (size.count > 0) {
    out.Int32("avgObjSize", static_cast<int32_t>(size.bytes / static_cast<uint64_t>(size.count)));
  }
  out.Int32("numOrphanDocs", 0).Int64("storageSize", scaled(size.bytes));
  out.Int64("freeStorageSize", 0).Bool("capped", false);
  out.Int32("nindexes", static_cast<int32_t>(entry.indexes.size()) + 1);
  out.OpenArray("indexBuilds").Close();
  out.Int64("totalIndexSize", scaled(size.index_bytes));
  out.Int64("totalSize", scaled(size.bytes + size.index_bytes));
  out.OpenObject("indexSizes").Int64("_id_", 0).Close();
  out.Int32("scaleFactor", scale).Close();
}

}  // namespace

Status CheckCollStats(const bson::Value& spec) {
  if (spec.type() != bson::Type::kObject) {
    return MongoError(kCollStatsSpec, "$collStats must take a nested object");
  }
  for (const bson::Element& e : spec.Doc()) {
    const bool known = e.name() == "latencyStats" || e.name() == "storageStats" ||
                       e.name() == "count" || e.name() == "queryExecStats";
    if (!known) {
      return MongoError(
          40415, "BSON field '$collStats." + std::string(e.name()) + "' is an unknown field.");
    }
    if (e.type() != bson::Type::kObject && !e.value().IsNullish()) {
      return MongoError(kTypeMismatch,
                        "BSON field '$collStats." + std::string(e.name()) + "' must be an object");
    }
  }
  const bson::Element latency = spec.Doc()["latencyStats"];
  if (latency.type() == bson::Type::kObject) {
    const bson::Element histograms = latency.value().Doc()["histograms"];
    const bool good = !histograms || histograms.type() == bson::Type::kBool ||
                      histograms.value().IsNullish() || histograms.value().IsNumber();
    if (!good) {
      return MongoError(kTypeMismatch, "$collStats.latencyStats.histograms must be a boolean");
    }
  }
  const bson::Element storage = spec.Doc()["storageStats"];
  return storage.type() == bson::Type::kObject ? ScaleOf(storage.value().Doc()).status() : Status();
}

Status CheckIndexStats(const bson::Value& spec) {
  if (spec.type() == bson::Type::kObject && spec.Doc().empty()) return {};
  return MongoError(kIndexStatsSpec, "The $indexStats stage specification must be an empty object");
}

Result<query::SourcePtr> OpenCollStats(QueryContext& context, std::string_view collection,
                                       const bson::Value& spec) {
  SessionImpl& session = context.session();
  Status status = session.CheckAccess(Action::kRead, context.database(), collection);
  if (!status.ok()) return status;
  const EntryPtr entry = context.scope().Find(context.database(), collection);
  const bson::Document wanted = spec.Doc();
  bson::Builder out;
  out.Text("ns", Namespace(context.database(), collection)).Text("host", "nexadb");
  out.DateMs("localTime", session.environment().NowMs());
  const bool counts = wanted["count"] || wanted["storageStats"] || wanted["queryExecStats"];
  if (entry == nullptr && (wanted["count"] || wanted["queryExecStats"])) {
    return MongoError(kNamespaceNotFound,
                      "Collection [" + Namespace(context.database(), collection) + "] not found.");
  }
  CollectionSize size;
  if (entry != nullptr && counts) {
    auto found = SizeOf(session.environment(), context.scope().reader(), *entry);
    if (!found.ok()) return found.status();
    size = *found;
  }
  if (wanted["storageStats"].type() == bson::Type::kObject) {
    auto scale = ScaleOf(wanted["storageStats"].value().Doc());
    if (!scale.ok()) return scale.status();
    AppendStorageStats(entry != nullptr ? *entry : CollectionEntry(), size, *scale, out);
  }
  if (wanted["count"]) out.Int32("count", static_cast<int32_t>(size.count));
  return MakeListSource({out.Finish()});
}

Result<query::SourcePtr> OpenIndexStats(QueryContext& context, std::string_view collection) {
  SessionImpl& session = context.session();
  Status status = session.CheckAccess(Action::kRead, context.database(), collection);
  if (!status.ok()) return status;
  const EntryPtr entry = context.scope().Find(context.database(), collection);
  std::vector<std::string> documents;
  const auto add = [&](std::string_view name, bson::Document key, bson::Document spec) {
    bson::Builder out;
    out.Text("name", name).Object("key", key).Text("host", "nexadb");
    out.Object("spec", spec);
    documents.push_back(out.Finish());
  };
  if (entry != nullptr && entry->kind == EntryKind::kCollection) {
    bson::Builder key;
    key.Int32("_id", 1);
    const std::string key_bytes = key.Finish();
    const bson::Document id_key(AsBytes(key_bytes));
    bson::Builder spec;
    spec.Int32("v", 2).Object("key", id_key).Text("name", "_id_");
    add("_id_", id_key, bson::Document(AsBytes(spec.Finish())));
    for (const IndexEntry& index : entry->indexes) {
      add(index.name, index.key(), bson::Document(AsBytes(index.spec)));
    }
  }
  return MakeListSource(std::move(documents));
}

}  // namespace nexadb::database
