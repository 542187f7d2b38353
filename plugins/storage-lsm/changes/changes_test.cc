// Laws of the change feed: every batch once, in order, across flushes and restarts; a gap is told.
#include <gtest/gtest.h>

#include "core/base/sim_env.h"
#include "plugins/storage-lsm/testing/test_engine.h"

namespace nexadb::lsm::testing {
namespace {

constexpr uint64_t kPlenty = 64u << 20;

class Follower {
 public:
  Status Follow(TestEngine& engine) {
    auto* changes = static_cast<StorageChanges*>(engine.engine().Facet(StorageChanges::kInterface));
    return changes->ChangesSince(after_, {&Take, this});
  }
  const std::map<std::string, std::string>& state() const { return state_; }
  uint64_t after() const { return after_; }
  uint64_t batches() const { return batches_; }
  void StopAt(uint64_t batches) { stop_at_ = batches; }

 private:
  static Status Take(void* state, uint64_t sequence, Span<const Mutation> mutations) noexcept {
    auto& self = *static_cast<Follower*>(state);
    if (self.batches_ == self.stop_at_) return Status::Error(Code::kDeadlineExceeded, "enough");
    EXPECT_EQ(sequence, self.after_ + mutations.size()) << "a hole";
    for (const Mutation& m : mutations) {
      const std::string key(AsText(m.key));
      if (m.op == Mutation::Op::kPut) self.state_[key] = AsText(m.value);
      if (m.op == Mutation::Op::kDelete) self.state_.erase(key);
      if (m.op == Mutation::Op::kDeleteRange) {
        self.state_.erase(self.state_.lower_bound(key),
                          self.state_.lower_bound(std::string(AsText(m.value))));
      }
    }
    self.after_ = sequence;
    ++self.batches_;
    return Status::Ok();
  }

  std::map<std::string, std::string> state_;
  uint64_t after_ = 0;
  uint64_t batches_ = 0;
  uint64_t stop_at_ = UINT64_MAX;
};

StoreOptions Retaining(uint64_t bytes) {
  StoreOptions options = TinyOptions();
  options.changes_retained_bytes = bytes;
  return options;
}

void Fill(TestEngine& engine, int first, int count) {
  for (int i = first; i < first + count; ++i) {
    const std::string key = "k" + std::to_string(100 + i * 37 % 200);
    engine.Write({Put(key, std::to_string(i) + std::string(100, 'v')), Add("sum", Number(i))});
    if (i % 7 == 0) engine.Write({Delete("k" + std::to_string(100 + i % 200))});
    if (i % 31 == 0) engine.Write({DeleteRange("k150", "k160")});
  }
}

void ExpectSame(TestEngine& engine, const Follower& follower) {
  EXPECT_EQ(engine.Scan(), Rows(follower.state().begin(), follower.state().end()));
  EXPECT_EQ(follower.after(), engine.Snap()->Sequence());
}

TEST(Changes, AFollowerHasWhatTheStoreHasAcrossFlushesAndRestarts) {
  base::SimEnv env(1);
  TestEngine engine(env, "lsm", Retaining(kPlenty));
  engine.Open();
  Follower follower;
  EXPECT_TRUE(follower.Follow(engine).ok()) << "nothing yet";
  for (int round = 0; round < 6; ++round) {
    Fill(engine, round * 100, 100);
    if (round % 2 == 1) engine.Reopen();
    if (round != 2) {
      const Status status = follower.Follow(engine);
      ASSERT_TRUE(status.ok()) << status.message();
      ExpectSame(engine, follower);
    }
  }
  Follower late;
  const Status status = late.Follow(engine);
  ASSERT_TRUE(status.ok()) << status.message();
  ExpectSame(engine, late);
}

TEST(Changes, WhatIsBufferedOnlyIsToldToo) {
  base::SimEnv env(2);
  TestEngine engine(env, "lsm", Retaining(0));
  engine.Open();
  ASSERT_TRUE(engine.TryWrite({Put("a", "1")}, Durability::kProcess).ok());
  Follower follower;
  ASSERT_TRUE(follower.Follow(engine).ok());
  ExpectSame(engine, follower);
}

TEST(Changes, AGapIsAnErrorAndNothingIsPassedOver) {
  base::SimEnv env(3);
  TestEngine engine(env, "lsm", Retaining(20u << 10));
  engine.Open();
  Follower follower;
  Fill(engine, 0, 20);
  ASSERT_TRUE(follower.Follow(engine).ok());
  const auto before = follower.state();
  Fill(engine, 20, 600);
  EXPECT_EQ(follower.Follow(engine).code(), Code::kNotFound);
  EXPECT_EQ(follower.state(), before);
  auto* changes = static_cast<StorageChanges*>(engine.engine().Facet(StorageChanges::kInterface));
  ChangeSink sink{[](void*, uint64_t, Span<const Mutation>) noexcept { return Status::Ok(); }};
  EXPECT_TRUE(changes->ChangesSince(engine.Snap()->Sequence(), sink).ok());
  EXPECT_EQ(changes->ChangesSince(engine.Snap()->Sequence() + 1, sink).code(), Code::kNotFound);
}

TEST(Changes, TheLogsKeptStayWithinTheirBound) {
  base::SimEnv env(4);
  constexpr uint64_t kBound = 64u << 10;
  TestEngine engine(env, "lsm", Retaining(kBound));
  engine.Open();
  for (int round = 0; round < 3; ++round) {
    Fill(engine, round * 500, 500);
    ASSERT_TRUE(engine.store().WaitIdle().ok());
    uint64_t bytes = 0;
    std::vector<std::string> names;
    ASSERT_TRUE(env.disk().List("lsm", &names).ok());
    for (const std::string& name : names) {
      if (name.ends_with(".wal")) bytes += *env.Files().FileSize("lsm/" + name);
    }
    // Beside them the one being written, and perhaps one or two to be written next.
    EXPECT_LT(bytes, kBound + (64u << 10));
    engine.Reopen();
  }
}

TEST(Changes, TheFollowersFailureEndsTheCall) {
  base::SimEnv env(5);
  TestEngine engine(env, "lsm", Retaining(kPlenty));
  engine.Open();
  Fill(engine, 0, 50);
  Follower follower;
  follower.StopAt(10);
  EXPECT_EQ(follower.Follow(engine).code(), Code::kDeadlineExceeded);
  EXPECT_EQ(follower.batches(), 10u);
  follower.StopAt(UINT64_MAX);
  ASSERT_TRUE(follower.Follow(engine).ok());
  ExpectSame(engine, follower);
}

TEST(Changes, FollowersReadWhileWritersWrite) {
  struct Writer {
    TestEngine* engine;
    static void Body(void* state) noexcept { Fill(*static_cast<Writer*>(state)->engine, 0, 200); }
  };
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    base::SimEnv env(seed);
    TestEngine engine(env, "lsm", Retaining(kPlenty));
    engine.Open();
    Writer writer{&engine};
    auto thread = env.StartThread("writer", Callback{Writer::Body, &writer});
    ASSERT_TRUE(thread.ok());
    Follower follower;
    for (int i = 0; i < 20; ++i) {
      const Status status = follower.Follow(engine);
      ASSERT_TRUE(status.ok()) << status.message() << ", seed " << seed;
    }
    (*thread)->Join();
    ASSERT_TRUE(follower.Follow(engine).ok());
    ExpectSame(engine, follower);
  }
}

}  // namespace
}  // namespace nexadb::lsm::testing
