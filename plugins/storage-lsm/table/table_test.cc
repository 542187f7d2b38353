// Laws of blocks, filters, the cache and tables.
#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "core/base/prng.h"
#include "core/base/sim_env.h"
#include "core/base/system_env.h"
#include "plugins/storage-lsm/read/table_source.h"
#include "plugins/storage-lsm/table/bloom.h"
#include "plugins/storage-lsm/table/table_builder.h"
#include "plugins/storage-lsm/table/table_reader.h"

namespace nexadb::lsm {
namespace {

struct Item {
  std::string key;
  Sequence sequence;
  Kind kind;
  std::string value;
};

std::vector<Item> RandomItems(uint64_t seed, size_t count) {
  base::Prng prng(seed);
  std::vector<Item> items;
  for (size_t i = 0; i < count; ++i) {
    const Kind kinds[] = {Kind::kPut, Kind::kPut, Kind::kDelete, Kind::kSum};
    const Kind kind = kinds[prng.Below(4)];
    std::string key = "shared/prefix/" + std::to_string(prng.Below(count));
    if (prng.OneIn(30)) key.resize(prng.Below(20));
    items.push_back(
        {key, 1 + i, kind, HasValue(kind) ? std::string(prng.Below(60), 'v') : std::string()});
  }
  std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
    return a.key != b.key ? a.key < b.key : a.sequence > b.sequence;
  });
  return items;
}

Ref<Block> BuildBlock(const std::vector<Item>& items) {
  BlockBuilder builder;
  for (const Item& item : items) builder.Add(item.key, item.sequence, item.kind, item.value);
  std::string raw;
  builder.Finish(raw);
  auto bytes = std::make_unique<uint8_t[]>(raw.size());
  std::memcpy(bytes.get(), raw.data(), raw.size());
  return Block::Parse(std::move(bytes), raw.size());
}

TEST(BlockTest, RowsComeBackAndSeekFindsThem) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const std::vector<Item> items = RandomItems(seed, 1 + seed * 7);
    Ref<Block> block = BuildBlock(items);
    ASSERT_TRUE(block) << "seed " << seed;
    ASSERT_EQ(block->rows(), items.size());
    for (uint32_t i = 0; i < block->rows(); ++i) {
      EXPECT_EQ(block->KeyAt(i), items[i].key);
      EXPECT_EQ(block->SequenceAt(i), items[i].sequence);
      EXPECT_EQ(block->KindAt(i), items[i].kind);
      EXPECT_EQ(block->ValueAt(i), items[i].value);
      EXPECT_EQ(block->Seek(items[i].key, items[i].sequence), i);
    }
    base::Prng prng(seed);
    for (int n = 0; n < 200; ++n) {
      std::string key = "shared/prefix/" + std::to_string(prng.Below(items.size() * 2));
      key.resize(prng.Below(key.size() + 1));
      const auto at = std::find_if(items.begin(), items.end(),
                                   [&](const Item& item) { return item.key >= key; });
      EXPECT_EQ(block->Seek(key, kSequenceMax), static_cast<uint32_t>(at - items.begin()));
    }
  }
}

TEST(BlockTest, EveryTruncationIsRefused) {
  BlockBuilder builder;
  for (int i = 0; i < 5; ++i) builder.Add("k" + std::to_string(i), 9, Kind::kPut, "value");
  std::string raw;
  builder.Finish(raw);
  for (size_t cut = 0; cut < raw.size(); ++cut) {
    auto bytes = std::make_unique<uint8_t[]>(cut);
    std::memcpy(bytes.get(), raw.data(), cut);
    EXPECT_FALSE(Block::Parse(std::move(bytes), cut));
  }
}

TEST(BloomTest, AddedKeysPassAndFewOthersDo) {
  std::vector<uint64_t> hashes;
  for (int i = 0; i < 20000; ++i) hashes.push_back(BloomHash("key" + std::to_string(i)));
  const std::string filter = BuildBloom(hashes);
  for (uint64_t hash : hashes) ASSERT_TRUE(BloomMayContain(filter, hash));
  int passed = 0;
  for (int i = 0; i < 20000; ++i) {
    passed += BloomMayContain(filter, BloomHash("other" + std::to_string(i))) ? 1 : 0;
  }
  EXPECT_LT(passed, 20000 * 2 / 100) << "at 10 bits a key about 1.2 % pass";
  EXPECT_TRUE(BloomMayContain({}, 1)) << "no filter says nothing";
}

class TableTest : public ::testing::Test {
 protected:
  void Build(const std::vector<Item>& items, Compression compression = Compression::kLz4) {
    auto file = env_.Files().Open("t.sst", FileMode::kTruncate);
    TableOptions options;
    options.block_bytes = 300;
    options.compression = compression;
    TableBuilder builder(std::move(*file), ++number_, options);
    for (const Item& item : items) {
      ASSERT_TRUE(builder.Add(item.key, item.sequence, item.kind, item.value).ok());
    }
    builder.SetTombstones(RangeTombstones::Build({{"a", "b", 7}}));
    auto info = builder.Finish();
    ASSERT_TRUE(info.ok());
    info_ = *info;
  }
  Status Open() {
    auto table = TableReader::Open(env_.Files(), "t.sst", number_, info_.file_bytes, cache_);
    if (!table.ok()) return table.status();
    table_ = std::move(*table);
    return Status::Ok();
  }

  base::SimEnv env_{1};
  BlockCache cache_{env_, 1u << 20};
  uint64_t number_ = 0;  // never used twice: the cache knows tables by it
  TableInfo info_;
  std::unique_ptr<TableReader> table_;
};

TEST_F(TableTest, EveryRowIsFoundAndWalkedOver) {
  for (Compression compression : {Compression::kNone, Compression::kLz4}) {
    const std::vector<Item> items = RandomItems(4, 500);
    Build(items, compression);
    ASSERT_TRUE(Open().ok());
    EXPECT_TRUE(table_->Verify().ok());
    EXPECT_EQ(info_.rows, items.size());
    EXPECT_EQ(table_->tombstones().Cover("aa", 9), 7u);
    TableSource source(*table_, {});
    ASSERT_TRUE(source.Seek({}, kSequenceMax).ok());
    for (const Item& item : items) {
      ASSERT_TRUE(source.valid());
      EXPECT_EQ(source.key(), item.key);
      EXPECT_EQ(source.sequence(), item.sequence);
      FoundEntry entry;
      auto found =
          table_->Find(item.key, BloomHash(item.key), item.sequence, ReadMode::kBlocking, &entry);
      ASSERT_TRUE(found.ok() && *found);
      EXPECT_EQ(entry.value, item.value);
      ASSERT_TRUE(source.Next().ok());
    }
    EXPECT_FALSE(source.valid());
    ASSERT_TRUE(source.SeekBack({}).ok());
    for (auto at = items.rbegin(); at != items.rend(); ++at) {
      ASSERT_TRUE(source.valid());
      EXPECT_EQ(source.sequence(), at->sequence);
      ASSERT_TRUE(source.Previous().ok());
    }
  }
}

TEST_F(TableTest, AFlippedBitAnywhereIsFound) {
  Build(RandomItems(8, 120));
  for (uint64_t at = 0; at < info_.file_bytes; ++at) {
    ASSERT_TRUE(env_.disk().FlipBits("t.sst", at, 0x04).ok());
    Status status = Open();
    if (status.ok()) status = table_->Verify();
    EXPECT_EQ(status.code(), Code::kCorruption) << "byte " << at;
    EXPECT_NE(status.message().find("t.sst"), std::string::npos);
    ASSERT_TRUE(env_.disk().FlipBits("t.sst", at, 0x04).ok());
  }
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(table_->Verify().ok());
}

TEST_F(TableTest, TheCacheKeepsItsBound) {
  BlockCache cache(env_, 256u << 10);
  std::vector<CacheSlot> slots(3300);
  for (uint64_t i = 0; i < 3000; ++i) {
    Ref<Block> block = BuildBlock({{"k", i + 1, Kind::kPut, std::string(700, 'v')}});
    cache.Insert(slots[i], block);
    Ref<Block> again = cache.Find(slots[i]);
    ASSERT_TRUE(again) << "what was inserted last stays";
    EXPECT_EQ(again->SequenceAt(0), i + 1);
    EXPECT_LE(cache.bytes(), 256u << 10);
  }
  EXPECT_GT(cache.bytes(), 128u << 10);
  cache.Charge(200 << 10);
  for (uint64_t i = 3000; i < 3300; ++i) {
    cache.Insert(slots[i], BuildBlock({{"k", 1, Kind::kPut, std::string(700, 'v')}}));
  }
  EXPECT_LT(cache.bytes(), 100u << 10) << "memory charged elsewhere shrinks it";
  cache.Forget(slots.data(), slots.size());
  EXPECT_EQ(cache.bytes(), 0u);
  for (CacheSlot& slot : slots) EXPECT_FALSE(cache.Find(slot));
}

TEST_F(TableTest, ABlockFoundOutlivesItsEviction) {
  BlockCache cache(base::SystemEnv(), 64u << 10);
  std::vector<CacheSlot> slots(200);  // far more than fit
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (uint64_t r = 0; r < 2; ++r) {
    readers.emplace_back([&, r] {
      base::Prng prng(r + 1);
      while (!stop.load()) {
        const uint64_t i = prng.Below(slots.size());
        const Ref<Block> block = cache.Find(slots[i]);
        if (!block) continue;
        EXPECT_EQ(block->SequenceAt(0), i + 1);
      }
    });
  }
  for (uint64_t i = 0; i < 20000; ++i) {
    const uint64_t at = i % slots.size();
    cache.Insert(slots[at], BuildBlock({{"k", at + 1, Kind::kPut, std::string(700, 'v')}}));
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  cache.Forget(slots.data(), slots.size());
  EXPECT_EQ(cache.bytes(), 0u);
}

}  // namespace
}  // namespace nexadb::lsm
