// Laws of single documents: kept as they are, stored wholly or not at all, changed by version.
#include <set>

#include "database_laws.h"

namespace nexadb::testkit {
namespace {

std::string EveryType() {
  const std::string twelve = "twelve bytes";
  const std::string sixteen("\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\x40\x30", 16);  // the decimal 1
  bson::Builder out;
  out.Int64("_id", 1).Double("double", -0.1).Int32("int32", -7).Int64("int64", INT64_MIN);
  out.Text("text", "naïve 🜂 \"quoted\"").Text("", "an empty name").Text("empty", "");
  out.Binary("binary", 5, AsBytes(sixteen)).ObjectId("object_id", AsBytes(twelve));
  out.Bool("bool", true).Null("null").DateMs("date", -1).Timestamp("timestamp", uint64_t{7} << 32);
  out.Regex("regex", "^a.*", "i").Decimal128("decimal", AsBytes(sixteen));
  out.MinKey("min").MaxKey("max");
  out.OpenObject("object").OpenArray("array").Int32("0", 1).Text("1", "b").Close().Close();
  out.OpenArray("none").Close();
  return out.Finish();
}

std::string AsSetFields(int64_t n) { return bson::Builder().Int64("n", n).Finish(); }

void DocumentsComeBackAsTheyWere(LawBench& bench) {
  DatabaseBench db(bench);
  db.Store("c", {EveryType()});
  EXPECT_EQ(Must(db.Get(db.session(), "c", 1)).document.text(), EveryType());
  EXPECT_EQ(db.All("c"), std::vector<std::string>{EveryType()});
}

void BrokenDocumentsAreRefused(LawBench& bench) {
  DatabaseBench db(bench);
  const std::string good = EveryType();
  for (size_t size = 0; size < good.size(); ++size) {
    if (size == 0) continue;  // no bytes at all may stand for the empty document
    auto reply = db.Insert(db.session(), "c", {good.substr(0, size)});
    ASSERT_FALSE(reply.ok()) << "the first " << size << " bytes were stored";
    EXPECT_EQ(reply.status().code(), Code::kInvalidArgument) << size;
    auto run = db.database().Run(db.session(), "law", AsBytes(good.substr(0, size)));
    EXPECT_FALSE(run.ok()) << "the first " << size << " bytes were run";
  }
  EXPECT_TRUE(db.All("c").empty());
}

void AnIdIsTakenOnce(LawBench& bench) {
  DatabaseBench db(bench);
  db.Store("c", {Numbered(1, 1)});
  const Buffer reply = Must(db.Insert(db.session(), "c", {Numbered(2, 2), Numbered(1, 9)}));
  EXPECT_EQ(IntegerOf(reply.bytes(), "n"), 1);
  bool told = false;
  for (const bson::Element& element : bson::Document(reply.bytes())) {
    if (element.name() != "writeErrors") continue;
    for (const bson::Element& error : element.value().Doc()) {
      EXPECT_EQ(IntegerOf(error.value().bytes(), "index"), 1);
      told = true;
    }
  }
  EXPECT_TRUE(told) << "the reply names no write error";
  EXPECT_EQ(Must(db.Get(db.session(), "c", 1)).document.text(), Numbered(1, 1));
}

void OrderedInsertsStopAndUnorderedGoOn(LawBench& bench) {
  DatabaseBench db(bench);
  const std::vector<std::string> documents = {Numbered(1, 1), Numbered(1, 2), Numbered(3, 3)};
  InsertOptions options;
  (void)Must(db.Insert(db.session(), "ordered", documents, options));
  EXPECT_EQ(IdsOf(db.All("ordered")), std::vector<int64_t>{1});
  options.ordered = 0;
  (void)Must(db.Insert(db.session(), "unordered", documents, options));
  EXPECT_EQ(IdsOf(db.All("unordered")), (std::vector<int64_t>{1, 3}));
}

void AnAtomicInsertStoresAllOrNothing(LawBench& bench) {
  DatabaseBench db(bench);
  InsertOptions options;
  options.atomic = 1;
  const auto refused =
      db.Insert(db.session(), "c", {Numbered(1, 1), Numbered(2, 2), Numbered(1, 3)}, options);
  EXPECT_FALSE(refused.ok());
  EXPECT_TRUE(db.All("c").empty());
  Must(db.Insert(db.session(), "c", {Numbered(1, 1), Numbered(2, 2)}, options).status());
  EXPECT_EQ(db.All("c").size(), 2u);
}

void MissingIdsAreMade(LawBench& bench) {
  DatabaseBench db(bench);
  constexpr size_t kDocuments = 500;
  const std::vector<std::string> documents(kDocuments, AsSetFields(1));
  const Buffer reply = Must(db.Insert(db.session(), "c", documents));
  std::set<std::string> told, stored;
  for (const bson::Element& element : bson::Document(reply.bytes())) {
    if (element.name() != "ids") continue;
    for (const bson::Element& id : element.value().Doc()) told.emplace(AsText(id.value().bytes()));
  }
  for (const std::string& document : db.All("c")) {
    const bson::Element first = *bson::Document(AsBytes(document)).begin();
    EXPECT_EQ(first.name(), "_id") << "an _id stands first";
    stored.emplace(AsText(first.value().bytes()));
  }
  EXPECT_EQ(told.size(), kDocuments);
  EXPECT_EQ(told, stored);
}

void WhatIsAbsentIsNotFound(LawBench& bench) {
  DatabaseBench db(bench);
  db.Store("c", {Numbered(1, 1)});
  for (const char* collection : {"c", "none"}) {
    EXPECT_EQ(db.Get(db.session(), collection, 2).status().code(), Code::kNotFound);
    EXPECT_EQ(db.Update(db.session(), collection, 2, AsSetFields(5)).status().code(),
              Code::kNotFound);
    EXPECT_EQ(db.Delete(db.session(), collection, 2).code(), Code::kNotFound);
  }
  EXPECT_TRUE(db.All("none").empty()) << "reading made a collection";
  EXPECT_EQ(db.All("c").size(), 1u);
}

void EachUpdateModeChangesWhatItSays(LawBench& bench) {
  DatabaseBench db(bench);
  bson::Builder three;
  three.Int64("_id", 1).Int64("a", 1).Int64("b", 2);
  three.OpenObject("o").Int64("x", 1).Int64("y", 2).Close();
  const std::string before = three.Finish();
  auto changed = [&](UpdateMode mode, const std::string& update) {
    (void)db.Delete(db.session(), "c", 1);
    db.Store("c", {before});
    UpdateByIdOptions options;
    options.mode = mode;
    const auto answer = Must(db.Update(db.session(), "c", 1, update, options));
    const std::string stored(Must(db.Get(db.session(), "c", 1)).document.text());
    EXPECT_EQ(answer.document.text(), stored) << "the answer is the document as it is afterwards";
    return stored;
  };
  const std::string inner = bson::Builder().Int64("y", 9).Finish();
  bson::Builder expected;
  expected.Int64("_id", 1).Int64("a", 5).Int64("b", 2);
  expected.OpenObject("o").Int64("x", 1).Int64("y", 2).Close();
  const std::string set_a = expected.Finish();
  const std::string a5 = bson::Builder().Int64("a", 5).Finish();
  EXPECT_EQ(changed(UpdateMode::kSetFields, a5), set_a);
  EXPECT_EQ(changed(UpdateMode::kOperators, Nested("$set", a5)), set_a);
  EXPECT_EQ(changed(UpdateMode::kReplace, a5),
            bson::Builder().Int64("_id", 1).Int64("a", 5).Finish());
  bson::Builder patch;
  patch.Null("b").Object("o", bson::Document(AsBytes(inner)));
  expected.Int64("_id", 1).Int64("a", 1);
  expected.OpenObject("o").Int64("x", 1).Int64("y", 9).Close();
  EXPECT_EQ(changed(UpdateMode::kMergePatch, patch.Finish()), expected.Finish());
}

void AnUpdateThatFailsChangesNothing(LawBench& bench) {
  DatabaseBench db(bench);
  bson::Builder mixed;
  mixed.Int64("_id", 1).Int64("n", 1).Text("s", "x");
  const std::string before = mixed.Finish();
  db.Store("c", {before});
  bson::Builder update;
  update.OpenObject("$set").Int64("n", 5).Close().OpenObject("$inc").Int64("s", 1).Close();
  UpdateByIdOptions options;
  options.mode = UpdateMode::kOperators;
  EXPECT_FALSE(db.Update(db.session(), "c", 1, update.Finish(), options).ok());
  EXPECT_EQ(Must(db.Get(db.session(), "c", 1)).document.text(), before);
}

void AVersionIsTakenOnce(LawBench& bench) {
  DatabaseBench db(bench);
  db.Store("c", {Numbered(1, 1)});
  const auto first = Must(db.Get(db.session(), "c", 1));
  UpdateByIdOptions options;
  options.has_if_version = 1;
  std::copy(std::begin(first.version), std::end(first.version), options.if_version);
  const auto second = Must(db.Update(db.session(), "c", 1, AsSetFields(2), options));
  EXPECT_FALSE(std::equal(std::begin(first.version), std::end(first.version), second.version))
      << "a write gives a new version";
  EXPECT_EQ(db.Update(db.session(), "c", 1, AsSetFields(3), options).status().code(),
            Code::kConflict);
  DeleteByIdOptions removal;
  removal.has_if_version = 1;
  std::copy(std::begin(first.version), std::end(first.version), removal.if_version);
  EXPECT_EQ(db.Delete(db.session(), "c", 1, removal).code(), Code::kConflict);
  EXPECT_EQ(Must(db.Get(db.session(), "c", 1)).document.text(), Numbered(1, 2));
  std::copy(std::begin(second.version), std::end(second.version), removal.if_version);
  Must(db.Delete(db.session(), "c", 1, removal));
  EXPECT_TRUE(db.All("c").empty());
}

}  // namespace

std::vector<PluginLaw> DatabaseDocumentLaws() {
  return {{"DocumentsComeBackAsTheyWere", DocumentsComeBackAsTheyWere},
          {"BrokenDocumentsAreRefused", BrokenDocumentsAreRefused},
          {"AnIdIsTakenOnce", AnIdIsTakenOnce},
          {"OrderedInsertsStopAndUnorderedGoOn", OrderedInsertsStopAndUnorderedGoOn},
          {"AnAtomicInsertStoresAllOrNothing", AnAtomicInsertStoresAllOrNothing},
          {"MissingIdsAreMade", MissingIdsAreMade},
          {"WhatIsAbsentIsNotFound", WhatIsAbsentIsNotFound},
          {"EachUpdateModeChangesWhatItSays", EachUpdateModeChangesWhatItSays},
          {"AnUpdateThatFailsChangesNothing", AnUpdateThatFailsChangesNothing},
          {"AVersionIsTakenOnce", AVersionIsTakenOnce}};
}

}  // namespace nexadb::testkit
