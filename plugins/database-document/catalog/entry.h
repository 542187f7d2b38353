// CollectionEntry: what the catalog knows of one collection, view or bucket. Immutable once
// published: a change makes a new entry. Stored as BSON; the members are listed in FORMAT.md.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nexadb/bson.h"
#include "nexadb/vector_index.h"

namespace nexadb::database {

enum class EntryKind : int32_t { kCollection = 0, kView = 1, kBucket = 2 };

struct VectorOptions {
  uint32_t dimensions = 0;
  VectorMetric metric = VectorMetric::kCosine;
  std::string index = "bruteforce";  // VectorIndexProvider::Kind
  std::string index_options;         // BSON for the index alone; empty: none
};

struct IndexEntry {
  uint32_t id = 0;  // within the collection
  std::string name;
  std::string spec;  // BSON as given: {v, key, name, unique, …}
  bson::Document key() const { return bson::Document(AsBytes(spec))["key"].value().Doc(); }
  bool unique = false;
  bool sparse = false;
};

struct CollectionEntry {
  uint32_t id = 0;
  EntryKind kind = EntryKind::kCollection;
  std::string database;
  std::string name;
  std::array<uint8_t, 16> uuid{};
  std::string options;  // BSON as given to create: validator, timestamps, viewOn …; empty: none
  std::vector<IndexEntry> indexes;  // without the implicit _id_
  std::optional<VectorOptions> vector;

  bson::Document option_document() const { return bson::Document(AsBytes(options)); }
  // False when the collection's option `timestamps: false` turns the server's members off.
  bool timestamps() const;
};

using EntryPtr = std::shared_ptr<const CollectionEntry>;

std::string EncodeEntry(const CollectionEntry& entry);
// kCorruption when the bytes are not an entry.
Result<EntryPtr> DecodeEntry(BytesView bytes);

std::string_view MetricName(VectorMetric metric);
std::optional<VectorMetric> MetricByName(std::string_view name);

}  // namespace nexadb::database
