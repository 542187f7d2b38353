// LevelDB 1.23, which has Snappy and no LZ4. It has no call that waits for its compactions: it is
// quiet once the list of its tables has stood still for a while.
#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/filter_policy.h>
#include <leveldb/write_batch.h>

#include <chrono>
#include <thread>

#include "bench/storage/peer.h"
#include "bench/storage/tuning.h"

namespace nexadb::bench {
namespace {

constexpr int kQuietPolls = 5;
constexpr auto kPollPause = std::chrono::milliseconds(100);
constexpr size_t kTableBytes = size_t{16} << 20;
constexpr int kOpenFilesMax = 20000;

void Check(const leveldb::Status& status) {
  if (!status.ok()) Fail("leveldb", status.ToString());
}
leveldb::Slice SliceOf(std::string_view text) { return {text.data(), text.size()}; }
std::string_view ViewOf(const leveldb::Slice& slice) { return {slice.data(), slice.size()}; }

class LeveldbSession final : public Session {
 public:
  LeveldbSession(leveldb::DB& db, bool sync) : db_(db) {
    write_.sync = sync;
    read_.verify_checksums = true;
  }
  void Put(std::string_view key, std::string_view value) override {
    Check(db_.Put(write_, SliceOf(key), SliceOf(value)));
  }
  void Delete(std::string_view key) override { Check(db_.Delete(write_, SliceOf(key))); }
  bool Get(std::string_view key, std::string& value) override {
    const leveldb::Status status = db_.Get(read_, SliceOf(key), &value);
    if (status.IsNotFound()) return false;
    Check(status);
    return true;
  }
  void PutBatch(const std::vector<Pair>& pairs) override {
    leveldb::WriteBatch batch;
    for (const auto& [key, value] : pairs) batch.Put(key, SliceOf(value));
    Check(db_.Write(write_, &batch));
  }
  uint64_t Scan(std::string_view from, uint64_t count, ScanOrder order) override {
    const std::unique_ptr<leveldb::Iterator> at(db_.NewIterator(read_));
    uint64_t seen = 0;
    if (order == ScanOrder::kForward) {
      for (at->Seek(SliceOf(from)); seen < count && at->Valid(); at->Next(), ++seen) {
        Touch(sum_, ViewOf(at->key()), ViewOf(at->value()));
      }
    } else {
      for (at->SeekToLast(); seen < count && at->Valid(); at->Prev(), ++seen) {
        Touch(sum_, ViewOf(at->key()), ViewOf(at->value()));
      }
    }
    Check(at->status());
    return seen;
  }
  bool DeleteRange(std::string_view, std::string_view) override { return false; }

 private:
  leveldb::DB& db_;
  leveldb::WriteOptions write_;
  leveldb::ReadOptions read_;
  uint64_t sum_ = 0;
};

class Leveldb final : public Peer {
 public:
  explicit Leveldb(const PeerOptions& options)
      : sync_(options.durability == DurabilityClass::kDisk),
        cache_(leveldb::NewLRUCache(options.memory_bytes)),
        filter_(leveldb::NewBloomFilterPolicy(kFilterBitsPerKey)) {
    leveldb::Options tuned;
    tuned.create_if_missing = true;
    tuned.write_buffer_size = kMemtableBytes;
    tuned.max_open_files = kOpenFilesMax;
    tuned.max_file_size = kTableBytes;
    tuned.block_cache = cache_.get();
    tuned.filter_policy = filter_.get();
    leveldb::DB* db = nullptr;
    Check(leveldb::DB::Open(tuned, options.directory, &db));
    db_.reset(db);
  }
  std::unique_ptr<Session> NewSession() override {
    return std::make_unique<LeveldbSession>(*db_, sync_);
  }
  double Settle() override {
    std::string last;
    for (int quiet = 0; quiet < kQuietPolls;) {
      std::this_thread::sleep_for(kPollPause);
      std::string tables;
      db_->GetProperty("leveldb.sstables", &tables);
      quiet = tables == last ? quiet + 1 : 0;
      last = std::move(tables);
    }
    return std::chrono::duration<double>(kPollPause).count() * kQuietPolls;
  }

 private:
  const bool sync_;
  std::unique_ptr<leveldb::Cache> cache_;
  std::unique_ptr<const leveldb::FilterPolicy> filter_;
  std::unique_ptr<leveldb::DB> db_;
};

}  // namespace

std::unique_ptr<Peer> OpenLeveldb(const PeerOptions& options) {
  return std::make_unique<Leveldb>(options);
}

}  // namespace nexadb::bench
