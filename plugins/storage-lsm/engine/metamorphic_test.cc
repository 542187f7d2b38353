// One random history must give one answer, whatever the options: it is played against std::map
// under several option sets, with snapshots, restarts, flushes and compactions in between, and with
// two threads on the real system.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <thread>

#include "core/base/coding.h"
#include "core/base/prng.h"
#include "core/base/sim_env.h"
#include "core/base/system_env.h"
#include "plugins/storage-lsm/testing/row_cursor.h"
#include "plugins/storage-lsm/testing/test_engine.h"
#include "plugins/storage-lsm/testing/test_keys.h"

namespace nexadb::lsm::testing {
namespace {

using Model = std::map<std::string, std::string>;

struct OptionSet {
  const char* name;
  StoreOptions options;
};

std::vector<OptionSet> OptionSets() {
  StoreOptions plain = TinyOptions();
  StoreOptions tiny_blocks = plain;
  tiny_blocks.block_bytes = 64;
  StoreOptions no_compression = plain;
  no_compression.compression = Compression::kNone;
  no_compression.block_bytes = 4096;
  StoreOptions no_cache = plain;
  no_cache.memory_budget_bytes = 0;
  StoreOptions roomy;
  roomy.disk_reserve_bytes = 0;
  roomy.memory_budget_bytes = 16u << 20;
  roomy.durability = Durability::kProcess;
  StoreOptions lazy = plain;
  lazy.level0_compact = 12;
  lazy.memtable_bytes = 4096;
  StoreOptions many_tables = plain;
  many_tables.table_bytes = 1024;
  many_tables.level1_bytes = 4096;
  many_tables.manifest_bytes = 256;
  StoreOptions eager = plain;
  eager.memtable_bytes = 2048;
  eager.level0_compact = 1;
  eager.durability = Durability::kInterval;
  StoreOptions encrypted = plain;
  encrypted.keys = TestKeys("a");
  return {{"plain", plain},
          {"tiny blocks", tiny_blocks},
          {"no compression", no_compression},
          {"no cache", no_cache},
          {"roomy", roomy},
          {"lazy compaction", lazy},
          {"many tables", many_tables},
          {"eager compaction", eager},
          {"encrypted", encrypted}};
}

class History {
 public:
  History(uint64_t seed, const StoreOptions& options)
      : prng_(seed), env_(seed), db_(env_, "lsm", options) {
    db_.Open();
  }

  void Step() {
    switch (prng_.Below(60)) {
      case 0: db_.store().FlushMemtable().ok(); break;
      case 1: {
        std::string begin = Key();
        std::string end = Key();
        ASSERT_TRUE(db_.store().Compact(std::min(begin, end), std::max(begin, end)).ok());
        break;
      }
      case 2:
        cursors_.clear();
        snapshots_.clear();
        // Each life of an encrypted store has other keys in front: b, none, a, …
        if (db_.options().keys) db_.options().keys = TestKeys(kRotations[reopened_++ % 3]);
        db_.Reopen();
        break;
      case 3:
      case 4:
        if (snapshots_.size() < 4) snapshots_.push_back({db_.Snap(), model_});
        break;
      case 5:
        // Its cursors go first.
        if (snapshots_.empty()) break;
        std::erase_if(cursors_, [&](const OpenedCursor& c) {
          return c.snapshot == snapshots_.front().first.get();
        });
        snapshots_.erase(snapshots_.begin());
        break;
      case 6:
      case 7: CheckEverything(); break;
      case 8:
      case 9:
      case 10: Transact(); break;
      case 11: Ingest(); break;
      case 12: OpenCursor(); break;
      case 13:
      case 14: AdvanceCursors(); break;
      default: WriteBatch();
    }
  }

  void CheckEverything() {
    Check(*db_.Snap(), model_);
    for (auto& [snapshot, model] : snapshots_) Check(*snapshot, model);
    for (int i = 0; i < 10; ++i) CheckSeek();
    const Status verified = db_.store().Verify();
    EXPECT_TRUE(verified.ok()) << verified.message();
  }

 private:
  std::string Key() {
    std::string key = "k" + std::to_string(prng_.Below(300));
    if (prng_.OneIn(20)) key += std::string(prng_.Below(100), 'l');
    return key;
  }

  std::vector<std::string> strings_;  // what a batch's views point to
  Mutation RandomMutation(Model& model) {
    const std::string& key = strings_.emplace_back(Key());
    switch (prng_.Below(16)) {
      case 0:
      case 1:
      case 2: model.erase(key); return Delete(key);
      case 3: {
        std::string& end = strings_.emplace_back(prng_.OneIn(12) ? "" : Key());
        if (!end.empty() && prng_.OneIn(2)) end = key + std::to_string(prng_.Below(10));
        if (end.empty()) {
          model.erase(model.lower_bound(key), model.end());
        } else if (key < end) {
          model.erase(model.lower_bound(key), model.lower_bound(end));
        }
        return DeleteRange(key, end);
      }
      case 4: {
        const std::string& sum_key = strings_.emplace_back("sum" + std::to_string(prng_.Below(5)));
        const int64_t delta = static_cast<int64_t>(prng_.Below(100)) - 50;
        int64_t old = 0;
        if (auto at = model.find(sum_key); at != model.end()) {
          std::memcpy(&old, at->second.data(), 8);
        }
        model[sum_key] = Number(old + delta);
        return Add(sum_key, strings_.emplace_back(Number(delta)));
      }
      default: {
        const std::string& value = strings_.emplace_back(std::to_string(prng_.Next()) +
                                                         std::string(prng_.Below(120), 'v'));
        model[key] = value;
        return Put(key, value);
      }
    }
  }
  std::vector<Mutation> RandomBatch(Model& model) {
    strings_.clear();
    strings_.reserve(64);  // views must not move
    std::vector<Mutation> batch;
    const uint64_t size = 1 + prng_.Below(8);
    for (uint64_t i = 0; i < size; ++i) batch.push_back(RandomMutation(model));
    return batch;
  }
  void WriteBatch() { db_.Write(RandomBatch(model_)); }

  // Over whatever stands there; one of eight is out of order and must leave no trace.
  void Ingest() {
    std::map<std::string, std::string> run;
    for (uint64_t rows = prng_.Below(40); rows > 0; --rows) {
      run[Key()] = std::to_string(prng_.Next()) + std::string(prng_.Below(200), 'i');
    }
    Rows rows(run.begin(), run.end());
    const bool ordered = rows.size() < 2 || !prng_.OneIn(8);
    if (!ordered) std::swap(rows.front(), rows.back());
    RowCursor cursor(std::move(rows));
    auto& ingest = *static_cast<StorageIngest*>(db_.engine().Facet(StorageIngest::kInterface));
    auto sequence = ingest.Ingest(cursor);
    ASSERT_EQ(sequence.ok(), ordered) << sequence.status().message();
    if (!ordered) return;
    for (const auto& [key, value] : run) model_[key] = value;
  }

  void Transact() {
    auto transaction = db_.Begin(prng_.OneIn(2) ? Isolation::kSnapshot : Isolation::kSerializable);
    Model own = model_;
    for (uint64_t calls = 1 + prng_.Below(3); calls > 0; --calls) {
      const bool keep = !prng_.OneIn(4);
      auto savepoint = transaction->Savepoint();
      ASSERT_TRUE(savepoint.ok());
      Model before = own;
      std::vector<Mutation> batch = RandomBatch(own);
      const Status written = transaction->Write({batch.data(), batch.size()});
      ASSERT_TRUE(written.ok()) << written.message();
      if (!keep) {
        ASSERT_TRUE(transaction->RollbackTo(*savepoint).ok());
        own = std::move(before);
      }
    }
    Check(*transaction, own);
    if (prng_.OneIn(4)) return;  // rolled back
    auto committed = transaction->Commit(WriteOptions{});
    ASSERT_TRUE(committed.ok()) << committed.status().message();
    model_ = std::move(own);
  }

  void Check(Reader& reader, const Model& model) {
    const Rows expected(model.begin(), model.end());
    EXPECT_EQ(ScanFrom(reader, {}, {}, false, 1 + prng_.Below(40)), expected);
    Rows backward = ScanFrom(reader, {}, {}, true, 1 + prng_.Below(40));
    std::reverse(backward.begin(), backward.end());
    EXPECT_EQ(backward, expected);
    for (int i = 0; i < 20; ++i) {
      const std::string key = Key();
      const auto at = model.find(key);
      EXPECT_EQ(GetFrom(reader, key),
                at == model.end() ? std::nullopt : std::optional<std::string>(at->second));
    }
    CheckMany(reader, model);
  }

  // What a cursor has still to give, whatever flushes and compactions come between two calls.
  struct OpenedCursor {
    const Snapshot* snapshot;
    Handle<Cursor> cursor;
    Rows left;  // the next one last
  };
  void OpenCursor() {
    if (snapshots_.empty() || cursors_.size() == 4) return;
    auto& [snapshot, model] = snapshots_[prng_.Below(snapshots_.size())];
    const bool reverse = prng_.OneIn(2);
    std::string begin = Key();
    std::string end = prng_.OneIn(3) ? std::string() : Key();
    if (!end.empty() && end < begin) std::swap(begin, end);
    ScanOptions options;
    options.begin = AsBytes(begin);
    options.end = AsBytes(end);
    options.reverse = reverse ? 1 : 0;
    auto cursor = snapshot->Scan(options);
    ASSERT_TRUE(cursor.ok()) << cursor.status().message();
    Rows left(model.lower_bound(begin), end.empty() ? model.end() : model.lower_bound(end));
    if (!reverse) std::reverse(left.begin(), left.end());
    cursors_.push_back({snapshot.get(), std::move(*cursor), std::move(left)});
  }
  void AdvanceCursors() {
    for (OpenedCursor& opened : cursors_) {
      Row rows[8];
      auto count = opened.cursor->Next({rows, 1 + prng_.Below(8)});
      ASSERT_TRUE(count.ok()) << count.status().message();
      for (uint64_t i = 0; i < *count; ++i) {
        ASSERT_FALSE(opened.left.empty()) << AsText(rows[i].key);
        ASSERT_EQ(AsText(rows[i].key), opened.left.back().first);
        ASSERT_EQ(AsText(rows[i].value), opened.left.back().second);
        opened.left.pop_back();
      }
      if (*count == 0) {
        ASSERT_TRUE(opened.left.empty()) << opened.left.back().first;
      }
    }
    if (!cursors_.empty() && prng_.OneIn(6)) cursors_.erase(cursors_.begin());
  }

  // One call for many keys, also twice the same, in no order.
  void CheckMany(Reader& reader, const Model& model) {
    std::vector<std::string> names;
    for (uint64_t count = prng_.Below(150); count > 0; --count) names.push_back(Key());
    std::vector<BytesView> keys;
    for (const std::string& name : names) keys.push_back(AsBytes(name));
    std::vector<Lookup> found(keys.size());
    const Status status =
        reader.GetMany({keys.data(), keys.size()}, ReadOptions{}, {found.data(), found.size()});
    ASSERT_TRUE(status.ok()) << status.message();
    for (size_t i = 0; i < names.size(); ++i) {
      const auto at = model.find(names[i]);
      ASSERT_EQ(found[i].found != 0, at != model.end()) << names[i];
      if (at != model.end()) {
        EXPECT_EQ(found[i].value.text(), at->second) << names[i];
      }
    }
  }

  void CheckSeek() {
    std::string begin = Key();
    std::string end = Key();
    if (end < begin) std::swap(begin, end);
    const bool reverse = prng_.OneIn(2);
    ScanOptions options;
    options.begin = AsBytes(begin);
    options.end = AsBytes(end);
    options.reverse = reverse ? 1 : 0;
    auto snapshot = db_.Snap();
    auto cursor = snapshot->Scan(options);
    ASSERT_TRUE(cursor.ok());
    const auto low = model_.lower_bound(begin);
    const auto high = model_.lower_bound(end);
    for (int i = 0; i < 5; ++i) {
      const std::string target = Key();
      ASSERT_TRUE((*cursor)->Seek(AsBytes(target)).ok());
      Row row[1];
      auto count = (*cursor)->Next({row, 1});
      ASSERT_TRUE(count.ok());
      const std::string found = *count == 0 ? "none" : std::string(AsText(row[0].key));
      std::string expected = "none";
      if (!reverse) {
        auto at = target < begin ? low : target >= end ? high : model_.lower_bound(target);
        if (at != high) expected = at->first;
      } else {
        auto at = target >= end ? high : target < begin ? low : model_.upper_bound(target);
        if (at != low) expected = std::prev(at)->first;
      }
      EXPECT_EQ(found, expected) << begin << " to " << end << ", seek " << target << ", reverse "
                                 << reverse;
    }
  }

  static constexpr const char* kRotations[] = {"ba", "-ab", "ab"};

  base::Prng prng_;
  base::SimEnv env_;
  size_t reopened_ = 0;
  TestEngine db_;
  Model model_;
  std::vector<std::pair<Handle<Snapshot>, Model>> snapshots_;
  std::vector<OpenedCursor> cursors_;
};

// Three seeds on every change; scripts/torture.sh asks for more, and for others.
uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(Metamorphic, OneHistoryGivesOneAnswerUnderAllOptions) {
  const uint64_t first = FromEnvironment("NEXADB_SEED", 1);
  const uint64_t seeds = FromEnvironment("NEXADB_TORTURE_SEEDS", 3);
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    for (const OptionSet& set : OptionSets()) {
      SCOPED_TRACE(std::string(set.name) + ", seed " + std::to_string(seed));
      History history(seed, set.options);
      for (int i = 0; i < 700; ++i) {
        history.Step();
        if (::testing::Test::HasFailure()) return;
      }
      history.CheckEverything();
    }
  }
}

// On the real system: each thread owns its keys and must always see what it wrote last, while the
// others, flushes and compactions go on; what nobody writes any more stays as it is.
TEST(Metamorphic, ThreadsSeeTheirOwnWritesAndWholeBatches) {
  const auto directory =
      std::filesystem::temp_directory_path() / ("nexadb-lsm-" + std::to_string(::getpid()));
  std::filesystem::remove_all(directory);
  StoreOptions options = TinyOptions();
  options.durability = Durability::kOs;
  {
    TestEngine db(base::SystemEnv(), directory.string(), options);
    db.Open();
    constexpr int kThreads = 3;
    constexpr int kWrites = 400;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&db, t] {
        const std::string prefix = "t" + std::to_string(t) + "/";
        base::Prng prng(static_cast<uint64_t>(t));
        for (int i = 0; i < kWrites; ++i) {
          const std::string a = prefix + "a" + std::to_string(prng.Below(50));
          const std::string b = prefix + "b";
          const std::string value = std::to_string(i) + std::string(prng.Below(100), 'v');
          db.Write({Put(a, value), Put(b, value), Add("total", Number(1))});
          auto snapshot = db.Snap();
          ASSERT_EQ(GetFrom(*snapshot, a), value);
          ASSERT_EQ(GetFrom(*snapshot, b), value);
          if (prng.OneIn(50)) {
            ASSERT_FALSE(ScanFrom(*snapshot, prefix, prefix + "c").empty());
          }
          if (prng.OneIn(100)) {
            ASSERT_TRUE(db.store().FlushMemtable().ok());
          }
          if (prng.OneIn(40)) {
            RowCursor run({{prefix + "r0", value}, {prefix + "r1", value}});
            ASSERT_TRUE(db.store().Ingest(run).ok());
            ASSERT_EQ(GetFrom(*db.Snap(), prefix + "r1"), value);
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(db.Get("total"), Number(int64_t{kThreads} * kWrites));
    ASSERT_TRUE(db.store().Compact({}, {}).ok());
    EXPECT_TRUE(db.store().Verify().ok());
    db.Reopen();
    EXPECT_EQ(db.Get("total"), Number(int64_t{kThreads} * kWrites));
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace nexadb::lsm::testing
