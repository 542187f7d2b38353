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
#include "plugins/database-document/value/collation.h"

namespace nexadb::database {

enum class EntryKind : int32_t { kCollection = 0, kView = 1, kBucket = 2 };

struct VectorOptions {
  uint32_t dimensions = 0;
  VectorMetric metric = VectorMetric::kCosine;
  std::string index = "bruteforce";  // VectorIndexProvider::Kind
  std::string index_options;         // BSON for the index alone; empty: none
};

// Where documents have arrays on the paths of an index: for each part of its key the components
// (bit 0 is the first) at which some document ever had one.
class ArrayMasks {
 public:
  static constexpr size_t kComponentsMax = 32;  // later ones share the last bit
  void resize(size_t parts) { bits_.resize(parts); }
  void Add(size_t part, size_t component) {
    bits_[part] |= uint32_t{1} << (component < kComponentsMax ? component : kComponentsMax - 1);
  }
  void AddAll(size_t part) { bits_[part] = UINT32_MAX; }
  void Merge(const ArrayMasks& other);
  bool Includes(const ArrayMasks& other) const;
  uint32_t of(size_t part) const { return bits_[part]; }
  bool Any() const;
  // None: an index of an earlier layout, which is built anew before it is used.
  bool empty() const { return bits_.empty(); }
  std::vector<uint32_t>& bits() { return bits_; }
  const std::vector<uint32_t>& bits() const { return bits_; }

 private:
  std::vector<uint32_t> bits_;
};

struct IndexEntry {
  uint32_t id = 0;  // within the collection
  std::string name;
  std::string spec;  // BSON as given: {v, key, name, unique, …}
  bson::Document key() const { return bson::Document(AsBytes(spec))["key"].value().Doc(); }
  bool unique = false;
  bool sparse = false;
  bool building = false;          // written to, not read yet
  query::CollationPtr collation;  // as the spec says; null: simple
  ArrayMasks arrays;
  bool types = false;  // its entries say what their keys do not: index/entry_types.h
  // Kept and enforced, but not read by queries.
  bool hidden() const;
  // Of a TTL index: how long after its date a document expires.
  std::optional<int64_t> expire_after_seconds() const;
};

struct CollectionEntry {
  uint32_t id = 0;
  EntryKind kind = EntryKind::kCollection;
  std::string database;
  std::string name;
  std::array<uint8_t, 16> uuid{};
  std::string options;  // BSON as given to create: validator, timestamps, viewOn …; empty: none
  std::vector<IndexEntry> indexes;  // without the implicit _id_
  uint32_t last_index_id = 0;       // ids are never used again
  std::optional<VectorOptions> vector;
  query::CollationPtr collation;  // as the options say: the default of queries; null: simple

  bson::Document option_document() const { return bson::Document(AsBytes(options)); }
  uint32_t TakeIndexId();
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
