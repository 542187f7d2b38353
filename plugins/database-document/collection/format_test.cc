// The bytes of format 1 stay what they are: golden/v1 was made from FORMAT.md, not by this code. A
// change that fails here needs a new format mark and a way to read the old one.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <numeric>

#include "plugins/database-document/catalog/entry.h"
#include "plugins/database-document/changes/record.h"
#include "plugins/database-document/collection/layout.h"
#include "plugins/database-document/index/entry_types.h"
#include "plugins/database-document/index/index_keys.h"
#include "plugins/database-document/keyvalue/record.h"
#include "plugins/database-document/vectors/record.h"

namespace nexadb::database {
namespace {

constexpr uint32_t kCollection = 16;
constexpr uint32_t kBucket = 17;
constexpr uint64_t kRow = 7;
constexpr int64_t kExpiresMs = 1'700'000'000'000;
constexpr std::string_view kOwner = "\x2a";

std::map<std::string, std::string> Golden() {
  std::ifstream file(NEXADB_DATABASE_GOLDEN);
  std::map<std::string, std::string> out;
  std::string name, digits;
  while (file >> name) {
    if (name == "#") {
      std::getline(file, digits);
    } else {
      file >> out[name];
    }
  }
  return out;
}

std::string Hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

CollectionEntry SampleEntry() {
  CollectionEntry entry;
  entry.id = kCollection;
  entry.database = "db";
  entry.name = "c";
  std::iota(entry.uuid.begin(), entry.uuid.end(), uint8_t{0});
  entry.options = bson::Builder().Int32("a", 1).Finish();
  IndexEntry index;
  index.id = 1;
  index.name = "a_1";
  index.spec = bson::Builder().OpenObject("key").Int32("a", 1).Close().Finish();
  index.unique = true;
  entry.indexes.push_back(index);
  entry.vector = VectorOptions();
  entry.vector->dimensions = 3;
  return entry;
}

// Of {_id: 1.0, b: 5, a: NumberLong(5)} in an index of a and b.
std::string SampleEntryTypes() {
  const std::string body = bson::Builder().Double("_id", 1).Int32("b", 5).Int64("a", 5).Finish();
  const bson::Document document(AsBytes(body));
  EntryTypes types;
  types.Add(document["a"].value());
  types.Add(document["b"].value());
  std::string out;
  types.AppendTo(document, &out);
  return out;
}

TEST(FormatTest, EveryRecordIsWrittenAsTheGoldenFileHasIt) {
  const std::string body = bson::Builder().Int32("_id", 1).Finish();
  const bson::Document document(AsBytes(body));
  const float vector[] = {1.0F, -2.0F};
  const std::map<std::string, std::string> written = {
      {"document", EncodeDocument(document, std::nullopt)},
      {"document_with_number", EncodeDocument(document, kRow)},
      {"catalog_entry", EncodeEntry(SampleEntry())},
      {"key_value", EncodeKeyValue(kExpiresMs, "text/plain", AsBytes("v"))},
      {"vector", EncodeVector(vector, kOwner)},
      {"change_record", EncodeRecordHead(kExpiresMs) +
                            EncodeEvent(ChangeOperation::kInsert, document["_id"].value(), {}, {})},
      {"key_of_change", ChangeKey(kCollection)},
      {"key_of_change_floor", ChangeFloorKey(kCollection)},
      {"key_of_count", SpacePrefix(kCollection, Space::kCount)},
      {"key_of_vector", RowKey(kCollection, kRow)},
      {"key_of_index", IndexPrefix(kCollection, 1)},
      {"index_entry", SampleEntryTypes() + std::string(kOwner)},
      {"key_of_key_value", KeyValueKey(kBucket, AsBytes("k"))},
      {"key_of_expiry", ExpiryKey(kExpiresMs, kBucket, AsBytes("k"))}};
  const std::map<std::string, std::string> golden = Golden();
  EXPECT_EQ(golden.size(), written.size());
  for (const auto& [name, bytes] : written) {
    const auto found = golden.find(name);
    ASSERT_NE(found, golden.end()) << name;
    EXPECT_EQ(Hex(bytes), found->second) << name;
  }
}

TEST(FormatTest, DamagedEntriesAreRefused) {
  const std::string whole = EncodeEntry(SampleEntry());
  ASSERT_TRUE(DecodeEntry(AsBytes(whole)).ok());
  for (size_t i = 0; i < whole.size(); ++i) {
    EXPECT_FALSE(DecodeEntry(AsBytes(std::string_view(whole).substr(0, i))).ok()) << i;
  }
  CollectionEntry kind = SampleEntry();
  kind.kind = static_cast<EntryKind>(3);
  EXPECT_EQ(DecodeEntry(AsBytes(EncodeEntry(kind))).status().code(), Code::kCorruption);
  const std::string expiry = KeyValueKey(kBucket, AsBytes("a key that is long enough"));
  EXPECT_EQ(DecodeExpiryKey(AsBytes(expiry)).status().code(), Code::kCorruption);
}

}  // namespace
}  // namespace nexadb::database
