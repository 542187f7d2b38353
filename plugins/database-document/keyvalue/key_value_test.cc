// Laws of the key-value facet, on a clock that the tests move.
#include <thread>

#include "nexadb/key_value_buckets.h"
#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

class KeyValues : public DatabaseFixture {
 protected:
  KeyValueStore& store() {
    return *static_cast<KeyValueStore*>(database_->Facet(KeyValueStore::kInterface));
  }
  Status Put(std::string_view key, std::string_view value, int64_t ttl_ms = 0) {
    PutOptions options;
    options.ttl_ms = ttl_ms;
    options.content_type = "text/plain";
    return store().Put(*session_, "test", "b", AsBytes(key), AsBytes(value), options);
  }
  std::string Get(std::string_view key) {
    auto found = store().Get(*session_, "test", "b", AsBytes(key));
    return found.ok() ? std::string(found->value.text())
                      : "error " + std::string(ErrorOf(found.status()).name);
  }
};

TEST_F(KeyValues, ReadBackWithContentTypeAndVersion) {
  ASSERT_TRUE(Put("k", "v").ok());
  auto found = store().Get(*session_, "test", "b", AsBytes("k"));
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->value.text(), "v");
  EXPECT_EQ(found->content_type.text(), "text/plain");
  EXPECT_EQ(found->expires_ms, 0);
  EXPECT_EQ(Get("other"), "error kv_key_not_found");
  EXPECT_TRUE(store().Delete(*session_, "test", "b", AsBytes("k")).ok());
  EXPECT_EQ(Get("k"), "error kv_key_not_found");
  EXPECT_EQ(store().Delete(*session_, "test", "b", AsBytes("k")).code(), Code::kNotFound);
}

// "name=keys …", and "more" when there are others behind them.
std::string Shown(const Result<Buffer>& list) {
  if (!list.ok()) return std::string(list.status().message());
  const bson::Document document(list->bytes());
  std::string out;
  for (const bson::Element& bucket : document["buckets"].value().Doc()) {
    const bson::Document one = bucket.value().Doc();
    out += std::string(one["name"].value().Text()) + "=" +
           std::to_string(one["keys"].value().Int64()) + " ";
  }
  return out + (document["more"].value().Bool() ? "more" : "");
}

TEST_F(KeyValues, BucketsWithKeysAreListedInOrderAndByPages) {
  auto* buckets = static_cast<KeyValueBuckets*>(database_->Facet(KeyValueBuckets::kInterface));
  ASSERT_NE(buckets, nullptr);
  const auto list = [&](std::string_view after, uint64_t limit) {
    return Shown(buckets->ListBuckets(*session_, "test", after, limit));
  };
  EXPECT_EQ(list("", 10), "");
  for (const char* bucket : {"c", "a", "b", "kv:x"}) {
    ASSERT_TRUE(store().Put(*session_, "test", bucket, AsBytes("k"), AsBytes("v"), {}).ok());
  }
  ASSERT_TRUE(store().Put(*session_, "test", "b", AsBytes("l"), AsBytes("v"), {}).ok());
  ASSERT_TRUE(store().Put(*session_, "other", "z", AsBytes("k"), AsBytes("v"), {}).ok());
  EXPECT_EQ(list("", 10), "a=1 b=2 c=1 kv:x=1 ");
  EXPECT_EQ(list("", 2), "a=1 b=2 more");
  EXPECT_EQ(list("b", 2), "c=1 kv:x=1 ");
  ASSERT_TRUE(store().Delete(*session_, "test", "a", AsBytes("k")).ok());
  EXPECT_EQ(list("", 10), "b=2 c=1 kv:x=1 ");
}

TEST_F(KeyValues, ASessionThatMustNotWaitMakesNoBucketButServesOne) {
  auto* facet =
      static_cast<NonblockingSessions*>(database_->Facet(NonblockingSessions::kInterface));
  SessionOptions options;
  options.principal = &principal_;
  auto opened = facet->OpenNonblocking(options);
  ASSERT_TRUE(opened.ok());
  const auto put = [&] {
    return store().Put(**opened, "test", "b", AsBytes("k"), AsBytes("quick"), {}).code();
  };
  EXPECT_EQ(put(), Code::kWouldBlock);
  EXPECT_EQ(Get("k"), "error kv_key_not_found");
  ASSERT_TRUE(Put("other", "v").ok());
  EXPECT_EQ(put(), Code::kOk);
  auto found = store().Get(**opened, "test", "b", AsBytes("k"));
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->value.text(), "quick");
  EXPECT_EQ(store().Scan(**opened, "test", "b", {}).status().code(), Code::kWouldBlock);
  EXPECT_TRUE(store().Delete(**opened, "test", "b", AsBytes("k")).ok());
}

TEST_F(KeyValues, AnExpiredKeyIsAbsentAtOnce) {
  ASSERT_TRUE(Put("k", "v", 1000).ok());
  env_.now_ms += 999;
  EXPECT_EQ(Get("k"), "v");
  env_.now_ms += 1;
  EXPECT_EQ(Get("k"), "error kv_key_not_found");
  EXPECT_EQ(store().Delete(*session_, "test", "b", AsBytes("k")).code(), Code::kNotFound);
  auto list = store().Scan(*session_, "test", "b", {});
  ASSERT_TRUE(list.ok());
  EXPECT_EQ((*list)->Size(), 0u);
  PutOptions absent;
  absent.if_absent = 1;
  EXPECT_TRUE(store().Put(*session_, "test", "b", AsBytes("k"), AsBytes("w"), absent).ok());
  env_.now_ms += 1'000'000;
  EXPECT_EQ(Get("k"), "w");
}

TEST_F(KeyValues, TheSweeperRemovesWhatIsDueAndNothingElse) {
  config_ = R"({"ttl_sweep": "5ms"})";
  Reopen();
  ASSERT_TRUE(Put("due", "v", 10).ok());
  ASSERT_TRUE(Put("renewed", "v", 10).ok());
  ASSERT_TRUE(Put("renewed", "w", 10'000'000).ok());
  ASSERT_TRUE(Put("kept", "v").ok());
  env_.now_ms += 1000;
  // Bucket, counters and catalog aside, what storage holds shrinks to two keys and one expiry.
  auto& engine = *storage_->Service<StorageEngine>();
  const std::string begin("\0\0\0\1", 4);
  const std::string end("\0\0\0\2", 4);
  const uint64_t until = env_.MonotonicNs() + 20'000'000'000;
  uint64_t left = 2;
  while (left != 1 && env_.MonotonicNs() < until) {
    auto estimate = engine.EstimateRange(AsBytes(begin), AsBytes(end));
    ASSERT_TRUE(estimate.ok());
    left = estimate->rows;
    std::this_thread::yield();
  }
  EXPECT_EQ(left, 1u);
  EXPECT_EQ(Get("renewed"), "w");
  EXPECT_EQ(Get("kept"), "v");
}

TEST_F(KeyValues, CompareAndSetTellsWhetherItDid) {
  EXPECT_TRUE(
      *store().CompareAndSet(*session_, "test", "b", AsBytes("k"), nullptr, AsBytes("1"), {}));
  EXPECT_FALSE(
      *store().CompareAndSet(*session_, "test", "b", AsBytes("k"), nullptr, AsBytes("2"), {}));
  BytesView expected = AsBytes("1");
  EXPECT_TRUE(
      *store().CompareAndSet(*session_, "test", "b", AsBytes("k"), &expected, AsBytes("2"), {}));
  EXPECT_FALSE(
      *store().CompareAndSet(*session_, "test", "b", AsBytes("k"), &expected, AsBytes("3"), {}));
  EXPECT_EQ(Get("k"), "2");
}

TEST_F(KeyValues, ConcurrentIncrementsAreAllCounted) {
  constexpr int kThreads = 4;
  constexpr int kTimes = 50;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      auto session = NewSession();
      for (int i = 0; i < kTimes; ++i) {
        ASSERT_TRUE(store().Increment(*session, "test", "b", AsBytes("n"), 1).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Get("n"), std::to_string(kThreads * kTimes));
}

TEST_F(KeyValues, IncrementKeepsTheExpiryAndRefusesWhatIsNoNumber) {
  ASSERT_TRUE(Put("n", "41", 1000).ok());
  EXPECT_EQ(*store().Increment(*session_, "test", "b", AsBytes("n"), 1), 42);
  env_.now_ms += 1000;
  EXPECT_EQ(*store().Increment(*session_, "test", "b", AsBytes("n"), 1), 1);
  ASSERT_TRUE(Put("t", "text").ok());
  EXPECT_TRUE(Is(store().Increment(*session_, "test", "b", AsBytes("t"), 1).status(),
                 ErrorId::kKvNotANumber));
  ASSERT_TRUE(Put("max", "9223372036854775807").ok());
  EXPECT_FALSE(store().Increment(*session_, "test", "b", AsBytes("max"), 1).ok());
  EXPECT_EQ(Get("max"), "9223372036854775807");
}

TEST_F(KeyValues, ScansAreInKeyOrderWithinTheirRange) {
  for (const char* key : {"a1", "a2", "a3", "b1", "b2"}) ASSERT_TRUE(Put(key, key).ok());
  KeyRange range;
  range.prefix = AsBytes("a");
  range.limit = 2;
  auto list = store().Scan(*session_, "test", "b", range);
  ASSERT_TRUE(list.ok());
  ASSERT_EQ((*list)->Size(), 2u);
  EXPECT_EQ((*list)->At(0).key.text(), "a1");
  EXPECT_EQ((*list)->At(1).value.value.text(), "a2");
  EXPECT_TRUE((*list)->More());
  range = {};
  range.begin = AsBytes("a3");
  range.end = AsBytes("b2");
  list = store().Scan(*session_, "test", "b", range);
  ASSERT_TRUE(list.ok());
  ASSERT_EQ((*list)->Size(), 2u);
  EXPECT_FALSE((*list)->More());
}

TEST_F(KeyValues, ManyAtOnceAreAllOrNothing) {
  const Row rows[] = {{AsBytes("x"), AsBytes("1")}, {AsBytes("y"), AsBytes("2")}};
  PutOptions absent;
  absent.if_absent = 1;
  ASSERT_TRUE(Put("y", "0").ok());
  EXPECT_FALSE(store().PutMany(*session_, "test", "b", {rows, 2}, absent).ok());
  EXPECT_EQ(Get("x"), "error kv_key_not_found");
  ASSERT_TRUE(store().PutMany(*session_, "test", "b", {rows, 2}, {}).ok());
  const BytesView keys[] = {AsBytes("x"), AsBytes("missing"), AsBytes("y")};
  auto list = store().GetMany(*session_, "test", "b", {keys, 3});
  ASSERT_TRUE(list.ok());
  EXPECT_EQ((*list)->At(0).value.value.text(), "1");
  EXPECT_TRUE((*list)->At(1).key.empty());
  EXPECT_EQ((*list)->At(2).value.value.text(), "2");
}

TEST_F(KeyValues, LimitsHoldAtTheirEdges) {
  const std::string key(4096, 'k');
  EXPECT_TRUE(Put(key, "v").ok());
  EXPECT_TRUE(Is(Put(key + "k", "v"), ErrorId::kKvKeyTooLong));
  EXPECT_TRUE(Is(Put("", "v"), ErrorId::kKvKeyTooLong));
  const std::string value(16u << 20, 'v');
  EXPECT_TRUE(Put("big", value).ok());
  EXPECT_TRUE(Is(Put("bigger", value + "v"), ErrorId::kKvValueTooLarge));
}

TEST_F(KeyValues, BucketsAreCheckedAsTheirOwnResource) {
  FakePrincipal limited;
  limited.allows = [](Action, const Resource& resource) {
    return std::string_view(resource.name) == "kv:mine";
  };
  auto session = NewSession(limited, 0);
  EXPECT_TRUE(store().Put(*session, "test", "mine", AsBytes("k"), AsBytes("v"), {}).ok());
  EXPECT_TRUE(
      Is(store().Put(*session, "test", "b", AsBytes("k"), AsBytes("v"), {}), ErrorId::kForbidden));
  EXPECT_TRUE(Is(store().Get(*session, "test", "b", AsBytes("k")).status(), ErrorId::kForbidden));
  // A bucket is no collection.
  EXPECT_EQ(Run(R"({"listCollections": 1})").find("kv:"), std::string::npos);
  EXPECT_EQ(CodeOf(R"({"find": "kv:mine"})"), 73);
}

TEST_F(KeyValues, TakePartInTransactions) {
  ASSERT_TRUE(session_->Begin(TransactionIsolation::kSnapshot).ok());
  ASSERT_TRUE(Put("k", "v").ok());
  EXPECT_EQ(Get("k"), "v");
  ASSERT_TRUE(session_->Rollback().ok());
  EXPECT_EQ(Get("k"), "error kv_key_not_found");
}

}  // namespace
}  // namespace nexadb::database
