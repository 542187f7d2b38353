#include "plugins/database-document/catalog/entry.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "plugins/database-document/value/number.h"

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

void ArrayMasks::Merge(const ArrayMasks& other) {
  if (bits_.size() < other.bits_.size()) bits_.resize(other.bits_.size());
  for (size_t i = 0; i < other.bits_.size(); ++i) bits_[i] |= other.bits_[i];
}

bool ArrayMasks::Includes(const ArrayMasks& other) const {
  ArrayMasks both = *this;
  both.Merge(other);
  return both.bits_ == bits_;
}

bool ArrayMasks::Any() const {
  return std::any_of(bits_.begin(), bits_.end(), [](uint32_t bits) { return bits != 0; });
}

bool IndexEntry::hidden() const {
  const bson::Value hidden = bson::Document(AsBytes(spec))["hidden"].value();
  return hidden.type() == bson::Type::kBool && hidden.Bool();
}

std::optional<int64_t> IndexEntry::expire_after_seconds() const {
  const bson::Value seconds = bson::Document(AsBytes(spec))["expireAfterSeconds"].value();
  switch (seconds.type()) {
    case bson::Type::kInt32: return seconds.Int32();
    case bson::Type::kInt64: return seconds.Int64();
    case bson::Type::kDouble: return static_cast<int64_t>(seconds.Double());
    // MongoDB rounds these, half of them to the even one.
    case bson::Type::kDecimal128:
      return static_cast<int64_t>(std::nearbyint(query::ToDouble(seconds)));
    default: return std::nullopt;
  }
}

uint32_t CollectionEntry::TakeIndexId() {
  for (const IndexEntry& index : indexes) last_index_id = std::max(last_index_id, index.id);
  return ++last_index_id;
}

bool CollectionEntry::timestamps() const {
  const bson::Element e = option_document()["timestamps"];
  return e.type() != bson::Type::kBool || e.value().Bool();
}

namespace {

bool FitsId(int64_t number) { return number >= 0 && number <= UINT32_MAX; }

void AppendArrays(const ArrayMasks& arrays, bson::Builder* out) {
  out->OpenArray("arrays");
  for (size_t i = 0; i < arrays.bits().size(); ++i) {
    out->Int64(std::to_string(i), arrays.bits()[i]);
  }
  out->Close();
}

// False when they are damaged.
bool DecodeArrays(bson::Document stored, const IndexEntry& index, ArrayMasks* out) {
  for (const bson::Element& e : stored) {
    if (e.type() != bson::Type::kInt64 || !FitsId(e.value().Int64())) return false;
    out->bits().push_back(static_cast<uint32_t>(e.value().Int64()));
  }
  return out->bits().size() == index.key().CountElements();
}

// What a specification or a collection's options say; null: nothing.
Result<query::CollationPtr> CollationIn(bson::Document stored) {
  const bson::Value collation = stored["collation"].value();
  if (collation.type() != bson::Type::kObject) return query::CollationPtr();
  return query::Collation::Parse(collation.Doc());
}

// An index by the sort keys of another ICU is no use: its spec says so no longer, and without masks
// it is built anew.
Status DecodeCollation(IndexEntry* index) {
  const bson::Document spec(AsBytes(index->spec));
  auto collation = CollationIn(spec);
  if (!collation.ok()) return collation.status();
  index->collation = std::move(*collation);
  if (index->collation == nullptr) return {};
  const bson::Document now = index->collation->spec();
  const bson::Document stored = spec["collation"].value().Doc();
  if (AsText(stored["version"].raw()) == AsText(now["version"].raw())) return {};
  bson::Builder renewed;
  for (const bson::Element& e : spec) {
    e.name() == "collation" ? renewed.Object(e.name(), now) : renewed.Element(e);
  }
  index->spec = renewed.Finish();
  index->arrays = ArrayMasks();
  return {};
}

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
      b.Bool("unique", index.unique).Bool("sparse", index.sparse);
      if (index.building) b.Bool("building", true);
      if (!index.arrays.empty()) AppendArrays(index.arrays, &b);
      if (index.types) b.Bool("types", true);
      b.Close();
    }
    b.Close();
  }
  if (entry.last_index_id != 0) b.Int64("last_index_id", entry.last_index_id);
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
  auto collation = CollationIn(entry->option_document());
  if (!collation.ok()) return collation.status();
  entry->collation = std::move(*collation);
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
      IndexEntry index;
      index.id = static_cast<uint32_t>(stored["id"].value().Int64());
      index.name = TextOf(stored["name"]);
      index.spec = BytesOf(stored["spec"]);
      const bson::Value key = stored["spec"].value().Doc()["key"].value();
      if (key.type() != bson::Type::kObject || key.Doc().empty()) return damaged();
      index.unique = FlagOf(stored["unique"]);
      index.sparse = FlagOf(stored["sparse"]);
      index.building = FlagOf(stored["building"]);
      index.types = FlagOf(stored["types"]);
      const bson::Element arrays = stored["arrays"];
      if (arrays.type() == bson::Type::kArray &&
          !DecodeArrays(arrays.value().Doc(), index, &index.arrays)) {
        return damaged();
      }
      if (Status status = DecodeCollation(&index); !status.ok()) return status;
      entry->indexes.push_back(std::move(index));
    }
  }
  const bson::Element last_index = doc["last_index_id"];
  if (last_index.type() == bson::Type::kInt64) {
    if (!FitsId(last_index.value().Int64())) return damaged();
    entry->last_index_id = static_cast<uint32_t>(last_index.value().Int64());
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
