// Laws of what is made of entries: it is what a projection of the document gives, byte for byte:
// the same types, in the same order.
#include "plugins/database-document/index/entry_reader.h"

#include <gtest/gtest.h>

#include <set>

#include "core/document/json.h"
#include "plugins/database-document/execute/random_documents.h"
#include "plugins/database-document/project/projection.h"
#include "plugins/database-document/value/key_encoding.h"

namespace nexadb::database {
namespace {

constexpr uint64_t kSeed = 7012;
constexpr int kIndexes = 800;
constexpr int kDocumentsEach = 60;

// Few paths, so that documents often have them.
constexpr const char* kPaths[] = {"a", "b", "c", "d.a", "d.b", "d.c.a", "d.c.b", "e", "0"};

class EntryReaderLaws : public ::testing::Test {
 protected:
  void AddScalar(bson::Builder& out, const std::string& name) {
    std::string scratch;
    for (;;) {
      bson::Builder one;
      random_.AddValue(one, name, 0);
      scratch = one.Finish();
      const bson::Element e = *bson::Document(AsBytes(scratch)).begin();
      // Most values tell themselves.
      const bool seldom = e.value().IsNullish() || e.type() == bson::Type::kRegex ||
                          e.type() == bson::Type::kDecimal128;
      if (seldom && random_.Below(4) != 0) continue;
      out.Element(e);
      return;
    }
  }
  std::vector<std::string> Shuffled(std::vector<std::string> names) {
    for (size_t i = names.size(); i > 1; --i) std::swap(names[i - 1], names[random_.Below(i)]);
    return names;
  }
  void AddFields(bson::Builder& out, const std::vector<std::string>& names, int depth) {
    for (const std::string& name : Shuffled(names)) {
      if (random_.Below(8) == 0) continue;
      if (depth < 2 && name == (depth == 0 ? "d" : "c") && random_.Below(8) != 0) {
        out.OpenObject(name);
        AddFields(out, {"a", "b", "c", "x"}, depth + 1);
        out.Close();
      } else {
        AddScalar(out, name);
      }
    }
  }
  std::string Document() {
    bson::Builder out;
    const bool id_first = random_.Below(10) != 0;
    if (id_first) AddScalar(out, "_id");
    AddFields(out, {"a", "b", "c", "d", "e", "x", "0"}, 0);
    if (!id_first) AddScalar(out, "_id");
    return out.Finish();
  }
  IndexEntry Index(std::vector<std::string>* paths) {
    IndexEntry index;
    index.id = 7;
    index.name = "i";
    index.unique = random_.Below(3) == 0;
    bson::Builder spec;
    spec.OpenObject("key");
    const size_t parts = 1 + random_.Below(5);
    for (const std::string& path : Shuffled({std::begin(kPaths), std::end(kPaths)})) {
      if (paths->size() == parts) break;
      spec.Int32(path, random_.Below(2) == 0 ? 1 : -1);
      paths->push_back(path);
    }
    index.spec = spec.Close().Finish();
    index.arrays.resize(paths->size());
    index.types = EntryTypes::Fit(index);
    return index;
  }
  // Of a find that keeps the paths.
  static std::string Projected(const std::vector<std::string>& paths, bson::Document document) {
    bson::Builder spec;
    const bool id = std::find(paths.begin(), paths.end(), "_id") != paths.end();
    if (!id) spec.Int32("_id", 0);
    for (const std::string& path : paths) spec.Int32(path, 1);
    const std::string bytes = spec.Finish();
    auto projection = query::Projection::ParseFind(bson::Document(AsBytes(bytes)), {}, {});
    EXPECT_TRUE(projection.ok());
    return *(*projection)->Apply(document);
  }

  query::RandomDocuments random_{kSeed};
};

TEST_F(EntryReaderLaws, AnEntryGivesWhatAProjectionOfItsDocumentGives) {
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  int made = 0, not_told = 0, without_types = 0;
  for (int i = 0; i < kIndexes; ++i) {
    std::vector<std::string> paths;
    const IndexEntry index = Index(&paths);
    auto keys = IndexKeys::Compile(16, index);
    ASSERT_TRUE(keys.ok());
    std::vector<std::string> wanted = Shuffled(paths);
    wanted.resize(1 + random_.Below(wanted.size()));
    if (random_.Below(2) == 0) wanted.push_back("_id");
    ASSERT_TRUE(EntryReader::Holds(index, wanted));
    EntryReader reader(index, wanted);
    for (int n = 0; n < kDocumentsEach; ++n) {
      const std::string bytes = Document();
      const bson::Document document(AsBytes(bytes));
      auto entries = keys->Of(document, IndexKeys::Stored::kNo);
      ASSERT_TRUE(entries.ok());
      ASSERT_EQ(entries->values.size(), 1u);
      std::string owner;
      query::AppendKey(document["_id"].value(), &owner);
      std::string short_way, short_types;
      auto single = keys->AppendSingle(document, owner, &short_way, &short_types);
      ASSERT_TRUE(single.ok());
      const std::string key = keys->EntryKey(*entries->values.begin(), owner);
      ASSERT_EQ(short_way, key);
      ASSERT_EQ(short_types, entries->types);
      const std::string value = entries->types + owner;
      ASSERT_EQ(EntryOwner(value), owner);
      ASSERT_EQ(EntryTypesIn(value), entries->types);
      without_types += entries->types.empty() ? 1 : 0;
      std::string out = "before";
      if (!reader.Read(key, value, &out)) {
        ++not_told;
        ASSERT_EQ(out, "before");
        continue;
      }
      ++made;
      ASSERT_EQ(out, "before" + Projected(wanted, document))
          << BsonToJson(document, JsonMode::kCanonical) << "\n"
          << BsonToJson(bson::Document(AsBytes(std::string_view(out).substr(6))),
                        JsonMode::kCanonical);
    }
  }
  EXPECT_GT(made, kIndexes * kDocumentsEach / 10);
  EXPECT_GT(not_told, kIndexes);
  EXPECT_GT(without_types, kIndexes);
}

TEST_F(EntryReaderLaws, DamagedEntriesGiveDocumentsOrNone) {
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  for (int i = 0; i < kIndexes; ++i) {
    std::vector<std::string> paths;
    const IndexEntry index = Index(&paths);
    auto keys = IndexKeys::Compile(16, index);
    ASSERT_TRUE(keys.ok());
    paths.push_back("_id");
    EntryReader reader(index, paths);
    for (int n = 0; n < kDocumentsEach; ++n) {
      const std::string bytes = Document();
      std::string owner, key, types;
      query::AppendKey(bson::Document(AsBytes(bytes))["_id"].value(), &owner);
      ASSERT_TRUE(keys->AppendSingle(bson::Document(AsBytes(bytes)), owner, &key, &types).ok());
      std::string value = types + owner;
      for (std::string* part : {&key, &value}) {
        if (random_.Below(2) == 0) part->resize(random_.Below(part->size() + 1));
        if (part->empty()) continue;
        (*part)[random_.Below(part->size())] = static_cast<char>(random_.Below(256));
      }
      std::string out;
      if (!reader.Read(key, value, &out)) continue;
      // Text is given as it stands there.
      const char* wrong = bson::Validate(AsBytes(out));
      ASSERT_TRUE(wrong == nullptr || wrong == std::string("string is not UTF-8")) << wrong;
    }
  }
}

// A number of the narrowest type and fields in the order of the index cost nothing.
TEST_F(EntryReaderLaws, WhatIsUsualNeedsNoTypes) {
  const std::string spec =
      bson::Builder().OpenObject("key").Int32("a", 1).Int32("b", -1).Close().Finish();
  IndexEntry index;
  index.spec = spec;
  index.types = true;
  auto keys = IndexKeys::Compile(16, index);
  ASSERT_TRUE(keys.ok());
  const auto types = [&](std::string_view json) {
    const std::string bytes = *JsonToBson(json, kEnvelopeJson);
    return keys->Of(bson::Document(AsBytes(bytes)), IndexKeys::Stored::kNo)->types;
  };
  EXPECT_EQ(types(R"({"_id": 1, "a": 5, "b": "text"})"), "");
  EXPECT_EQ(types(R"({"_id": "k", "a": 2.5, "b": 5000000000})"), "");
  EXPECT_EQ(types(R"({"_id": 1, "a": true})"), "");
  EXPECT_EQ(types(R"({"_id": 1})"), "");
  EXPECT_EQ(types(R"({"_id": 1, "a": 5.0})"), std::string("\x01\x08"));
  EXPECT_EQ(types(R"({"_id": 1, "a": 5, "b": {"$numberLong": "5"}})"), std::string("\x01\x10"));
  EXPECT_EQ(types(R"({"_id": 1, "b": 5, "a": 5})"), std::string("\x01\x40"));
  EXPECT_EQ(types(R"({"_id": {"$numberDecimal": "1"}, "a": 5})"), std::string("\x01\x03"));
  EXPECT_EQ(types(R"({"a": 5, "_id": 1})"), std::string(1, '\0'));
}

}  // namespace
}  // namespace nexadb::database
