#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "core/document/error.h"
#include "core/document/json.h"
#include "plugins/database-document/execute/group_table.h"
#include "plugins/database-document/execute/memory_spill.h"
#include "plugins/database-document/execute/random_documents.h"
#include "plugins/database-document/stage/accumulator.h"
#include "plugins/database-document/stage/group.h"
#include "plugins/database-document/value/key_encoding.h"

namespace nexadb::query {
namespace {

constexpr uint64_t kSeed = 20'261'122;

using Documents = std::vector<std::string>;

std::string Json(const std::string& document) {
  return BsonToJson(bson::Document(AsBytes(document)), JsonMode::kCanonical);
}

// {$group: …} by `id`, with every kind of field over `argument`.
std::string GroupOf(const std::string& id, const std::string& argument) {
  static constexpr const char* kOperators[] = {"$sum",  "$avg",  "$min",      "$max",
                                               "$last", "$push", "$addToSet", "$first"};
  bson::Builder out;
  out.OpenObject("0").OpenObject("$group").Text("_id", id);
  out.OpenObject("n").Int32("$sum", 1).Close();
  out.OpenObject("count").OpenObject("$count").Close().Close();
  for (const char* name : kOperators) out.OpenObject(name + 1).Text(name, argument).Close();
  out.Close().Close();
  return out.Finish();
}

// The same by the interpreter alone: one document after the other, every value evaluated.
Documents Interpret(const std::string& stages, const Documents& documents) {
  struct Group {
    OwnedValue id;
    std::vector<std::unique_ptr<AccumulatorState>> states;
  };
  const bson::Document spec =
      bson::Document(AsBytes(stages)).begin()->value().Doc()["$group"].value().Doc();
  auto id = Expression::Parse(spec["_id"].value(), {});
  std::vector<std::unique_ptr<Accumulator>> fields;
  for (const bson::Element& e : spec) {
    if (e.name() != "_id") fields.push_back(ParseAccumulator(e.name(), e.value(), {}));
  }
  std::map<std::string, size_t> places;
  std::vector<Group> groups;
  for (const std::string& document : documents) {
    const bson::Document doc{AsBytes(document)};
    const OwnedValue value = *(*id)->Evaluate(doc);
    std::string key;
    AppendKey(value.view(), &key);
    const auto [at, fresh] = places.try_emplace(key, groups.size());
    if (fresh) {
      groups.push_back({value.IsMissing() ? OwnedValue::Null() : value.Keep(), {}});
      for (const auto& field : fields) groups.back().states.push_back(field->NewState());
    }
    for (size_t i = 0; i < fields.size(); ++i) {
      groups[at->second].states[i]->Add(fields[i]->Argument(doc));
    }
  }
  Documents out;
  for (Group& group : groups) {
    bson::Builder b;
    b.Value("_id", group.id.view());
    for (size_t i = 0; i < fields.size(); ++i) {
      b.Value(fields[i]->field, group.states[i]->Finish().view());
    }
    out.push_back(b.Finish());
  }
  return out;
}

Documents RandomOnes(RandomDocuments& random, int count) {
  Documents documents;
  for (int i = 0; i < count; ++i) documents.push_back(random.Document());
  return documents;
}

TEST(HashGroupTest, AgreesWithTheInterpreterOnEveryDocument) {
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  RandomDocuments random(kSeed);
  for (int i = 0; i < 150; ++i) {
    const Documents documents = RandomOnes(random, 200);
    const std::string stages = GroupOf("$" + random.Path(), "$" + random.Path());
    SpillContext context;
    const Documents expected = Interpret(stages, documents);
    const Documents got = RunPipeline(stages, documents, context);
    ASSERT_EQ(expected.size(), got.size()) << Json(stages);
    for (size_t g = 0; g < got.size(); ++g)
      ASSERT_EQ(Json(expected[g]), Json(got[g])) << Json(stages);
    EXPECT_EQ(context.files, 0);
  }
}

TEST(HashGroupTest, WhatGoesToDiskComesToTheSameGroups) {
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  RandomDocuments random(kSeed + 1);
  for (int i = 0; i < 20; ++i) {
    const Documents documents = RandomOnes(random, 2000);
    const std::string stages = GroupOf(i % 2 == 0 ? "$_id" : "$a", "$" + random.Name());
    SpillContext context;
    context.memory = 64 << 10;
    Documents expected = Interpret(stages, documents);
    Documents got = RunPipeline(stages, documents, context);
    ASSERT_TRUE(context.failure.ok()) << context.failure.message();
    EXPECT_GT(context.files, i % 2 == 0 ? 0 : -1);
    std::sort(expected.begin(), expected.end());
    std::sort(got.begin(), got.end());
    ASSERT_EQ(expected, got) << Json(stages);
  }
}

TEST(HashGroupTest, SumsGoToDiskByGroupAlone) {
  Documents documents;
  for (int32_t i = 0; i < 20'000; ++i) {
    documents.push_back(bson::Builder().Int32("k", i % 5000).Int32("v", i).Finish());
  }
  const std::string stages = bson::Builder()
                                 .OpenObject("0")
                                 .OpenObject("$group")
                                 .Text("_id", "$k")
                                 .OpenObject("s")
                                 .Text("$sum", "$v")
                                 .Close()
                                 .Close()
                                 .Close()
                                 .Finish();
  SpillContext context;
  context.memory = 100'000;
  Documents expected = Interpret(stages, documents);
  Documents got = RunPipeline(stages, documents, context);
  EXPECT_GT(context.files, 0);
  std::sort(expected.begin(), expected.end());
  std::sort(got.begin(), got.end());
  EXPECT_EQ(expected, got);
}

TEST(HashGroupTest, WithoutADiskTheMemoryIsTheLimit) {
  RandomDocuments random(kSeed);
  SpillContext context;
  context.memory = 4096;
  context.spills = false;
  RunPipeline(GroupOf("$_id", "$a"), RandomOnes(random, 2000), context);
  EXPECT_TRUE(Is(context.failure, ErrorId::kMemoryLimit)) << context.failure.message();
}

TEST(HashGroupTest, OneGroupThatDoesNotFitIsTheLimit) {
  Documents documents;
  const std::string text(1000, 'x');
  for (int i = 0; i < 1000; ++i) documents.push_back(bson::Builder().Text("v", text).Finish());
  const std::string stages = GroupOf("$none", "$v");
  SpillContext context;
  context.memory = 64 << 10;
  RunPipeline(stages, documents, context);
  EXPECT_TRUE(Is(context.failure, ErrorId::kMemoryLimit)) << context.failure.message();
}

TEST(GroupTableTest, EqualValuesHaveOneNumberWhateverTheirType) {
  GroupTable table;
  RandomDocuments random(kSeed + 2);
  std::map<std::string, uint32_t> numbers;
  for (int i = 0; i < 20'000; ++i) {
    bson::Builder out;
    random.AddValue(out, "v", 2);
    const std::string document = out.Finish();
    const bson::Value value = bson::Document(AsBytes(document)).begin()->value();
    std::string encoded, scratch;
    AppendKey(value, &encoded);
    int64_t integer = 0;
    const GroupKey key = GroupKey::Of(value, nullptr, &integer, &scratch);
    uint32_t number = table.Find(key);
    if (number == GroupTable::kNone) number = table.Add(key);
    const auto [at, fresh] = numbers.try_emplace(encoded, number);
    ASSERT_EQ(at->second, number) << Json(document);
  }
  EXPECT_EQ(table.size(), numbers.size());
}

}  // namespace
}  // namespace nexadb::query
