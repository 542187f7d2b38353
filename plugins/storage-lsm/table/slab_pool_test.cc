#include "plugins/storage-lsm/table/slab_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <thread>

#include "core/base/prng.h"
#include "core/base/system_env.h"
#include "plugins/storage-lsm/table/block_cache.h"

namespace nexadb::lsm {
namespace {

constexpr uint64_t kLimit = SlabPool::kSlabsMin * SlabPool::kSlabBytes;

TEST(SlabPool, ChunksAreWholeAndApart) {
  const auto pool = SlabPool::Create(kLimit);
  base::Prng prng(7);
  struct Chunk {
    size_t bytes;
    uint8_t fill;
  };
  std::map<uint8_t*, Chunk> chunks;
  uint64_t taken = 0;
  const auto give_back = [&](std::map<uint8_t*, Chunk>::iterator it) {
    const auto& [at, chunk] = *it;
    EXPECT_EQ(std::count(at, at + chunk.bytes, chunk.fill), static_cast<long>(chunk.bytes));
    taken -= SlabPool::ChunkBytes(at);
    SlabPool::Free(at);
    chunks.erase(it);
  };
  for (int i = 0; i < 20000; ++i) {
    const size_t bytes = 1 + prng.Below(prng.Below(8) == 0 ? SlabPool::kChunkBytesMax : 10'000);
    if (auto* at = static_cast<uint8_t*>(pool->Allocate(bytes))) {
      ASSERT_EQ(reinterpret_cast<uintptr_t>(at) % SlabPool::kAlignment, 0u);
      ASSERT_GE(SlabPool::ChunkBytes(at), bytes);
      ASSERT_LE(SlabPool::ChunkBytes(at), std::max<size_t>(bytes + bytes / 8 + 128, 1024));
      const auto fill = static_cast<uint8_t>(prng.Below(256));
      std::memset(at, fill, bytes);
      ASSERT_TRUE(chunks.emplace(at, Chunk{bytes, fill}).second);
      taken += SlabPool::ChunkBytes(at);
    }
    ASSERT_EQ(pool->slab_bytes(), taken + pool->idle_bytes());
    ASSERT_LE(pool->slab_bytes(), kLimit);
    if (chunks.size() > 2000 || prng.Below(3) == 0) {
      auto it = chunks.lower_bound(reinterpret_cast<uint8_t*>(prng.Next()));
      if (it == chunks.end()) it = chunks.begin();
      if (it != chunks.end()) give_back(it);
    }
  }
  while (!chunks.empty()) give_back(chunks.begin());
  EXPECT_LE(pool->slab_bytes(), SlabPool::kSlabBytes) << "empty slabs go back but for one";
}

TEST(SlabPool, GivesNothingBeyondItsLimit) {
  const auto pool = SlabPool::Create(kLimit);
  std::vector<void*> chunks;
  while (void* chunk = pool->Allocate(8200)) chunks.push_back(chunk);
  EXPECT_EQ(pool->slab_bytes(), kLimit);
  EXPECT_GT(chunks.size() * 8200, kLimit / 10 * 9) << "little is lost to rounding";
  SlabPool::Free(chunks.back());
  EXPECT_EQ(pool->Allocate(8200), chunks.back());
  EXPECT_EQ(pool->Allocate(SlabPool::kChunkBytesMax + 1), nullptr);
  for (void* chunk : chunks) SlabPool::Free(chunk);
  EXPECT_EQ(SlabPool::Create(kLimit - 1)->Allocate(100), nullptr) << "too small to begin slabs";
}

TEST(SlabPool, AddsNoSlabWhileMuchIsIdle) {
  const auto pool = SlabPool::Create(kLimit);
  std::vector<void*> chunks;
  while (void* chunk = pool->Allocate(8200)) chunks.push_back(chunk);
  std::vector<void*> kept;
  for (size_t i = 0; i < chunks.size(); ++i) {
    if (i % 4 == 0) {
      kept.push_back(chunks[i]);
    } else {
      SlabPool::Free(chunks[i]);
    }
  }
  EXPECT_GT(pool->idle_bytes(), pool->idle_bytes_max());
  EXPECT_EQ(pool->Allocate(20'000), nullptr);
  EXPECT_TRUE(SlabPool::IsSparse(kept.front()));
  for (void* chunk : kept) SlabPool::Free(chunk);
  void* other = pool->Allocate(20'000);
  ASSERT_NE(other, nullptr);
  SlabPool::Free(other);
}

TEST(SlabPool, AChunkMayOutliveTheOwner) {
  auto pool = SlabPool::Create(kLimit);
  auto* chunk = static_cast<uint8_t*>(pool->Allocate(5000));
  ASSERT_NE(chunk, nullptr);
  pool.reset();
  std::memset(chunk, 1, 5000);
  SlabPool::Free(chunk);
}

TEST(SlabPool, ThreadsShareIt) {
  const auto pool = SlabPool::Create(kLimit);
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&pool, t] {
      base::Prng prng(t);
      std::vector<uint64_t*> mine;
      for (int i = 0; i < 5000; ++i) {
        if (auto* at = static_cast<uint64_t*>(pool->Allocate(1000 + prng.Below(9000)))) {
          *at = t;
          mine.push_back(at);
        }
        if (mine.size() > 300) {
          std::swap(mine[prng.Below(mine.size())], mine.back());
          EXPECT_EQ(*mine.back(), t);
          SlabPool::Free(mine.back());
          mine.pop_back();
        }
      }
      for (uint64_t* at : mine) SlabPool::Free(at);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(pool->slab_bytes(), pool->idle_bytes());
}

Ref<Block> MakeBlock(size_t value_bytes, SlabPool& pool) {
  BlockBuilder builder;
  builder.Add("k", 1, Kind::kPut, std::string(value_bytes, 'v'));
  std::string raw;
  builder.Finish(raw);
  auto bytes = std::make_unique<uint8_t[]>(raw.size());
  std::memcpy(bytes.get(), raw.data(), raw.size());
  return Block::Parse(std::move(bytes), raw.size(), &pool);
}

TEST(SlabPool, TheCacheKeepsItsBoundWhenBlocksChangeTheirSize) {
  constexpr uint64_t kCapacity = kLimit;
  BlockCache cache(base::SystemEnv(), kCapacity);
  std::vector<CacheSlot> slots(40'000);
  size_t at = 0;
  for (const size_t bytes : {8'000u, 3'000u, 20'000u, 8'000u, 5'000u}) {
    for (uint64_t total = 0; total < 2 * kCapacity; total += bytes) {
      if (at == slots.size()) at = 0;
      cache.Forget(&slots[at], 1);
      cache.Insert(slots[at], MakeBlock(bytes, cache.pool()));
      if (at % 3 == 0) static_cast<void>(cache.Find(slots[at]));
      ++at;
    }
    EXPECT_LE(cache.bytes(), kCapacity);
    EXPECT_LE(cache.bytes() + cache.idle_bytes(), kCapacity + kCapacity / 8);
    EXPECT_GT(cache.bytes(), kCapacity / 2);
    EXPECT_GT(cache.pool().slab_bytes(), kCapacity / 2) << "it goes on using large pages";
  }
  cache.Forget(slots.data(), slots.size());
  EXPECT_EQ(cache.bytes(), 0u);
}

}  // namespace
}  // namespace nexadb::lsm
