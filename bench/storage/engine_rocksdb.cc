// RocksDB 7.8. Its defaults are weak for this work (8 MiB of cache, no filters): tuned with full
// bloom filters, a hash index in blocks, LZ4, dynamic level sizes, recycled logs and pipelined
// writes, and a cache as large as our whole budget.
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <chrono>
#include <thread>

#include "bench/storage/peer.h"
#include "bench/storage/tuning.h"

namespace nexadb::bench {
namespace {

constexpr int kQuietPolls = 3;
constexpr auto kPollPause = std::chrono::milliseconds(20);

void Check(const rocksdb::Status& status) {
  if (!status.ok()) Fail("rocksdb", status.ToString());
}
rocksdb::Slice SliceOf(std::string_view text) { return {text.data(), text.size()}; }
std::string_view ViewOf(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

rocksdb::Options Tuned(size_t cache_bytes) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.write_buffer_size = kMemtableBytes;
  options.max_write_buffer_number = 4;
  options.max_background_jobs = 2;
  options.compression = rocksdb::kLZ4Compression;
  options.level_compaction_dynamic_level_bytes = true;
  options.bytes_per_sync = 1 << 20;
  options.recycle_log_file_num = 4;
  options.enable_pipelined_write = true;
  options.max_open_files = -1;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(cache_bytes, 4);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kFilterBitsPerKey, false));
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  table.checksum = rocksdb::kXXH3;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

class RocksdbSession final : public Session {
 public:
  RocksdbSession(rocksdb::DB& db, bool sync) : db_(db) { write_.sync = sync; }
  void Put(std::string_view key, std::string_view value) override {
    Check(db_.Put(write_, SliceOf(key), SliceOf(value)));
  }
  void Delete(std::string_view key) override { Check(db_.Delete(write_, SliceOf(key))); }
  bool Get(std::string_view key, std::string& value) override {
    pinned_.Reset();
    const rocksdb::Status status =
        db_.Get(read_, db_.DefaultColumnFamily(), SliceOf(key), &pinned_);
    if (status.IsNotFound()) return false;
    Check(status);
    value.assign(pinned_.data(), pinned_.size());
    return true;
  }
  uint64_t GetMany(const std::vector<std::string>& keys, uint64_t& bytes) override {
    slices_.assign(keys.begin(), keys.end());
    values_.resize(keys.size());
    statuses_.resize(keys.size());
    db_.MultiGet(read_, db_.DefaultColumnFamily(), keys.size(), slices_.data(), values_.data(),
                 statuses_.data());
    uint64_t found = 0;
    for (size_t i = 0; i < keys.size(); ++i) {
      if (statuses_[i].IsNotFound()) continue;
      Check(statuses_[i]);
      ++found;
      bytes += values_[i].size();
      values_[i].Reset();
    }
    return found;
  }
  void PutBatch(const std::vector<Pair>& pairs) override {
    rocksdb::WriteBatch batch;
    for (const auto& [key, value] : pairs) Check(batch.Put(key, SliceOf(value)));
    Check(db_.Write(write_, &batch));
  }
  uint64_t Scan(std::string_view from, uint64_t count, ScanOrder order) override {
    const std::unique_ptr<rocksdb::Iterator> at(db_.NewIterator(read_));
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
  bool DeleteRange(std::string_view begin, std::string_view end) override {
    Check(db_.DeleteRange(write_, db_.DefaultColumnFamily(), SliceOf(begin), SliceOf(end)));
    return true;
  }
  // Files of the size that compaction writes, made beside the store's own and moved in. Finish and
  // the ingestion sync them.
  bool Ingest(uint64_t count, const RowMaker& row) override {
    const rocksdb::Options options = db_.GetOptions();
    std::vector<std::string> files;
    std::string key;
    for (uint64_t next = 0; next < count;) {
      rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), options);
      files.push_back(db_.GetName() + "/ingest-" + std::to_string(files.size()));
      Check(writer.Open(files.back()));
      for (; next < count && writer.FileSize() < options.target_file_size_base; ++next) {
        const std::string_view value = row(next, key);
        Check(writer.Put(key, SliceOf(value)));
      }
      Check(writer.Finish());
    }
    rocksdb::IngestExternalFileOptions how;
    how.move_files = true;
    Check(db_.IngestExternalFile(files, how));
    return true;
  }

 private:
  rocksdb::DB& db_;
  rocksdb::WriteOptions write_;
  rocksdb::ReadOptions read_;
  rocksdb::PinnableSlice pinned_;
  std::vector<rocksdb::Slice> slices_;
  std::vector<rocksdb::PinnableSlice> values_;
  std::vector<rocksdb::Status> statuses_;
  uint64_t sum_ = 0;
};

class Rocksdb final : public Peer {
 public:
  explicit Rocksdb(const PeerOptions& options)
      : sync_(options.durability == DurabilityClass::kDisk) {
    rocksdb::DB* db = nullptr;
    Check(rocksdb::DB::Open(Tuned(options.memory_bytes), options.directory, &db));
    db_.reset(db);
  }
  ~Rocksdb() override { Check(db_->Close()); }
  std::unique_ptr<Session> NewSession() override {
    return std::make_unique<RocksdbSession>(*db_, sync_);
  }
  double Settle() override {
    Check(db_->Flush(rocksdb::FlushOptions()));
    for (int quiet = 0; quiet < kQuietPolls;) {
      std::this_thread::sleep_for(kPollPause);
      quiet = Busy() ? 0 : quiet + 1;
    }
    return std::chrono::duration<double>(kPollPause).count() * kQuietPolls;
  }

 private:
  bool Busy() {
    for (const char* name : {"rocksdb.num-running-compactions", "rocksdb.compaction-pending",
                             "rocksdb.num-running-flushes"}) {
      uint64_t value = 0;
      if (!db_->GetIntProperty(name, &value) || value != 0) return true;
    }
    return false;
  }

  const bool sync_;
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace

std::unique_ptr<Peer> OpenRocksdb(const PeerOptions& options) {
  return std::make_unique<Rocksdb>(options);
}

}  // namespace nexadb::bench
