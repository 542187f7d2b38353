// Laws of the facet nexadb.database.key_value. A database without it keeps them all.
#include "database_laws.h"

namespace nexadb::testkit {
namespace {

constexpr StringView kDatabase = "law";
constexpr StringView kBucket = "bucket";
const std::string kBinary("\0\xff\x01 binary \n", 12);

KeyValueStore* StoreOf(DatabaseBench& db) {
  return static_cast<KeyValueStore*>(db.database().Facet(KeyValueStore::kInterface));
}

void ValuesComeBackAsTheyWere(LawBench& bench) {
  DatabaseBench db(bench);
  KeyValueStore* store = StoreOf(db);
  if (store == nullptr) return;
  PutOptions options;
  options.content_type = "image/png";
  for (const std::string& value : {kBinary, std::string()}) {
    Must(store->Put(db.session(), kDatabase, kBucket, AsBytes(kBinary), AsBytes(value), options));
    const KeyValue found = Must(store->Get(db.session(), kDatabase, kBucket, AsBytes(kBinary)));
    EXPECT_EQ(found.value.text(), value);
    EXPECT_EQ(found.content_type.text(), "image/png");
    EXPECT_EQ(found.expires_ms, 0);
  }
  Must(store->Delete(db.session(), kDatabase, kBucket, AsBytes(kBinary)));
  EXPECT_EQ(store->Get(db.session(), kDatabase, kBucket, AsBytes(kBinary)).status().code(),
            Code::kNotFound);
  EXPECT_EQ(store->Delete(db.session(), kDatabase, kBucket, AsBytes(kBinary)).code(),
            Code::kNotFound);
}

void KeysComeInOrderAndByPrefix(LawBench& bench) {
  DatabaseBench db(bench);
  KeyValueStore* store = StoreOf(db);
  if (store == nullptr) return;
  for (const char* key : {"b/2", "a", "b/10", "c", "b/1"}) {
    Must(store->Put(db.session(), kDatabase, kBucket, AsBytes(key), AsBytes("v"), {}));
  }
  KeyRange range;
  range.prefix = AsBytes("b/");
  range.limit = 2;
  auto page = Must(store->Scan(db.session(), kDatabase, kBucket, range));
  ASSERT_EQ(page->Size(), 2u);
  EXPECT_EQ(page->At(0).key.text(), "b/1");
  EXPECT_EQ(page->At(1).key.text(), "b/10");
  EXPECT_TRUE(page->More());
  const std::string after = "b/10" + std::string(1, '\0');
  range.begin = AsBytes(after);
  auto rest = Must(store->Scan(db.session(), kDatabase, kBucket, range));
  ASSERT_EQ(rest->Size(), 1u);
  EXPECT_EQ(rest->At(0).key.text(), "b/2");
  EXPECT_FALSE(rest->More());
}

void AnExpiredKeyIsAbsentAtOnce(LawBench& bench) {
  DatabaseBench db(bench);
  KeyValueStore* store = StoreOf(db);
  if (store == nullptr) return;
  PutOptions options;
  options.ttl_ms = 60'000;
  Must(store->Put(db.session(), kDatabase, kBucket, AsBytes("k"), AsBytes("v"), options));
  bench.env().Advance(59'000);
  EXPECT_GT(Must(store->Get(db.session(), kDatabase, kBucket, AsBytes("k"))).expires_ms, 0);
  bench.env().Advance(2'000);
  EXPECT_EQ(store->Get(db.session(), kDatabase, kBucket, AsBytes("k")).status().code(),
            Code::kNotFound);
  EXPECT_EQ(Must(store->Scan(db.session(), kDatabase, kBucket, {}))->Size(), 0u);
  options.ttl_ms = 0;
  options.if_absent = 1;
  Must(store->Put(db.session(), kDatabase, kBucket, AsBytes("k"), AsBytes("w"), options));
}

void CompareAndSetComparesAndSets(LawBench& bench) {
  DatabaseBench db(bench);
  KeyValueStore* store = StoreOf(db);
  if (store == nullptr) return;
  auto set = [&](const BytesView* expected, const char* value) {
    return Must(store->CompareAndSet(db.session(), kDatabase, kBucket, AsBytes("k"), expected,
                                     AsBytes(value), {}));
  };
  const BytesView a = AsBytes("a"), b = AsBytes("b");
  EXPECT_FALSE(set(&a, "b")) << "absent is not \"a\"";
  EXPECT_TRUE(set(nullptr, "a"));
  EXPECT_FALSE(set(nullptr, "x"));
  EXPECT_FALSE(set(&b, "x"));
  EXPECT_TRUE(set(&a, "b"));
  EXPECT_EQ(Must(store->Get(db.session(), kDatabase, kBucket, AsBytes("k"))).value.text(), "b");
}

void IncrementsAddUpAndNeverOverflow(LawBench& bench) {
  DatabaseBench db(bench);
  KeyValueStore* store = StoreOf(db);
  if (store == nullptr) return;
  auto add = [&](const char* key, int64_t amount) {
    return store->Increment(db.session(), kDatabase, kBucket, AsBytes(key), amount);
  };
  EXPECT_EQ(Must(add("n", 5)), 5);
  EXPECT_EQ(Must(add("n", -7)), -2);
  EXPECT_EQ(Must(add("n", INT64_MAX)), INT64_MAX - 2);
  EXPECT_EQ(add("n", 3).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Must(add("n", 0)), INT64_MAX - 2);
  Must(store->Put(db.session(), kDatabase, kBucket, AsBytes("t"), AsBytes("text"), {}));
  EXPECT_EQ(add("t", 1).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Must(store->Get(db.session(), kDatabase, kBucket, AsBytes("t"))).value.text(), "text");
}

void ATransactionHoldsKeysAndDocuments(LawBench& bench) {
  DatabaseBench db(bench);
  KeyValueStore* store = StoreOf(db);
  if (store == nullptr) return;
  auto session = db.NewSession();
  for (const bool commit : {false, true}) {
    Must(session->Begin(TransactionIsolation::kSnapshot));
    Must(store->Put(*session, kDatabase, kBucket, AsBytes("k"), AsBytes("v"), {}));
    Must(db.Insert(*session, "c", {Numbered(1, 1)}).status());
    Must(commit ? session->Commit() : session->Rollback());
    EXPECT_EQ(store->Get(db.session(), kDatabase, kBucket, AsBytes("k")).ok(), commit);
    EXPECT_EQ(db.All("c").size(), commit ? 1u : 0u);
  }
}

void ABucketIsAResourceOfItsOwn(LawBench& bench) {
  DatabaseBench db(bench);
  KeyValueStore* store = StoreOf(db);
  if (store == nullptr) return;
  Must(store->Put(db.session(), kDatabase, kBucket, AsBytes("k"), AsBytes("v"), {}));
  LawPrincipal other([](Action, std::string_view, std::string_view name) {
    return name == "bucket" || name == "kv:other";
  });
  auto session = db.NewSession(&other);
  EXPECT_EQ(store->Get(*session, kDatabase, kBucket, AsBytes("k")).status().code(),
            Code::kPermissionDenied);
  EXPECT_EQ(store->Put(*session, kDatabase, kBucket, AsBytes("k"), AsBytes("x"), {}).code(),
            Code::kPermissionDenied);
  Must(store->Put(*session, kDatabase, "other", AsBytes("k"), AsBytes("x"), {}));
  EXPECT_EQ(Must(store->Get(db.session(), kDatabase, kBucket, AsBytes("k"))).value.text(), "v");
}

}  // namespace

std::vector<PluginLaw> DatabaseKeyValueLaws() {
  return {{"ValuesComeBackAsTheyWere", ValuesComeBackAsTheyWere},
          {"KeysComeInOrderAndByPrefix", KeysComeInOrderAndByPrefix},
          {"AnExpiredKeyIsAbsentAtOnce", AnExpiredKeyIsAbsentAtOnce},
          {"CompareAndSetComparesAndSets", CompareAndSetComparesAndSets},
          {"IncrementsAddUpAndNeverOverflow", IncrementsAddUpAndNeverOverflow},
          {"ATransactionHoldsKeysAndDocuments", ATransactionHoldsKeysAndDocuments},
          {"ABucketIsAResourceOfItsOwn", ABucketIsAResourceOfItsOwn}};
}

}  // namespace nexadb::testkit
