#include "plugins/database-document/catalog/entry.h"

#include <cstring>

namespace nexadb::database {

namespace {

constexpr std::string_view kMetricNames[] = {"cosine", "dot", "l2"};
constexpr uint8_t kUuidSubtype = 4;

std::string TextOf(const bson::Element& e) {
  return e.type() == bson::Type::kString ? std::string(e.value().Text()) : std::string();
}

std::string BytesOf(const bson::Element& e) {
  return e.type() == bson::Type::kObject ? std::string(AsText(e.value().bytes())) : std::string();
}

bool FlagOf(const bson::Element& e) { return e.type() == bson::Type::kBool && e.value().Bool(); }

}  // namespace

std::string_view MetricName(VectorMetric metric) {
  return kMetricNames[static_cast<uint32_t>(metric)];
}

std::optional<VectorMetric> MetricByName(std::string_view name) {
  for (uint32_t i = 0; i < std::size(kMetricNames); ++i) {
    if (kMetricNames[i] == name) return static_cast<VectorMetric>(i);
  }
  return std::nullopt;
}

bool CollectionEntry::timestamps() const {
  const bson::Element e = option_document()["timestamps"];
  return e.type() != bson::Type::kBool || e.value().Bool();
}

namespace {

bool FitsId(int64_t number) { return number >= 0 && number <= UINT32_MAX; }

}  // namespace

std::string EncodeEntry(const CollectionEntry& entry) {
  bson::Builder b;
  b.Int64("id", entry.id).Int32("kind", static_cast<int32_t>(entry.kind));
  b.Text("database", entry.database).Text("name", entry.name);
  b.Binary("uuid", kUuidSubtype, entry.uuid);
  if (!entry.options.empty()) b.Object("options", entry.option_document());
  if (!entry.indexes.empty()) {
    b.OpenArray("indexes");
    for (size_t i = 0; i < entry.indexes.size(); ++i) {
      const IndexEntry& index = entry.indexes[i];
      b.OpenObject(std::to_string(i)).Int64("id", index.id).Text("name", index.name);
      b.Object("spec", bson::Document(AsBytes(index.spec)));
      b.Bool("unique", index.unique).Bool("sparse", index.sparse).Close();
    }
    b.Close();
  }
  if (entry.vector) {
    b.OpenObject("vector").Int64("dimensions", entry.vector->dimensions);
    b.Text("metric", MetricName(entry.vector->metric)).Text("index", entry.vector->index);
    if (!entry.vector->index_options.empty()) {
      b.Object("options", bson::Document(AsBytes(entry.vector->index_options)));
    }
    b.Close();
  }
  return b.Finish();
}

Result<EntryPtr> DecodeEntry(BytesView bytes) {
  const auto damaged = [] {
    return Status::Error(Code::kCorruption, "catalog: an entry is not what was written");
  };
  if (bson::Validate(bytes) != nullptr) return damaged();
  const bson::Document doc(bytes);
  if (doc["id"].type() != bson::Type::kInt64 || doc["kind"].type() != bson::Type::kInt32) {
    return damaged();
  }
  const int64_t id = doc["id"].value().Int64();
  const int32_t kind = doc["kind"].value().Int32();
  if (!FitsId(id) || kind < 0 || kind > static_cast<int32_t>(EntryKind::kBucket)) return damaged();
  auto entry = std::make_shared<CollectionEntry>();
  entry->id = static_cast<uint32_t>(id);
  entry->kind = static_cast<EntryKind>(kind);
  entry->database = TextOf(doc["database"]);
  entry->name = TextOf(doc["name"]);
  entry->options = BytesOf(doc["options"]);
  const bson::Element uuid = doc["uuid"];
  if (uuid.type() != bson::Type::kBinary || uuid.value().Binary().size() != entry->uuid.size()) {
    return damaged();
  }
  std::memcpy(entry->uuid.data(), uuid.value().Binary().data(), entry->uuid.size());
  if (doc["indexes"].type() == bson::Type::kArray) {
    for (const bson::Element& e : doc["indexes"].value().Doc()) {
      if (e.type() != bson::Type::kObject) return damaged();
      const bson::Document stored = e.value().Doc();
      if (stored["id"].type() != bson::Type::kInt64 || !FitsId(stored["id"].value().Int64()) ||
          stored["spec"].type() != bson::Type::kObject) {
        return damaged();
      }
      entry->indexes.push_back({static_cast<uint32_t>(stored["id"].value().Int64()),
                                TextOf(stored["name"]), BytesOf(stored["spec"]),
                                FlagOf(stored["unique"]), FlagOf(stored["sparse"])});
    }
  }
  if (doc["vector"].type() == bson::Type::kObject) {
    const bson::Document stored = doc["vector"].value().Doc();
    const auto metric = MetricByName(TextOf(stored["metric"]));
    if (!metric || stored["dimensions"].type() != bson::Type::kInt64 ||
        !FitsId(stored["dimensions"].value().Int64())) {
      return damaged();
    }
    entry->vector = VectorOptions{static_cast<uint32_t>(stored["dimensions"].value().Int64()),
                                  *metric, TextOf(stored["index"]), BytesOf(stored["options"])};
  }
  return EntryPtr(std::move(entry));
}

}  // namespace nexadb::database
