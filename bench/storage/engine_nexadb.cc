// This project's engine, linked from the plugin's objects and called through the boundary's
// interface, as the database calls it: a snapshot for every read.
#include <algorithm>

#include "bench/storage/peer.h"
#include "bench/storage/tuning.h"
#include "core/base/system_env.h"
#include "plugins/storage-lsm/engine/engine.h"

namespace nexadb::bench {
namespace {

constexpr uint64_t kScanBatchRows = 256;

void Check(const Status& status) {
  if (!status.ok()) Fail("nexadb", status.message());
}
template <class T>
T Take(Result<T> result) {
  Check(result.status());
  return std::move(*result);
}

// Rows [0, count) made as they are asked for: ingest reads them forwards, once.
class MadeRows final : public Cursor {
 public:
  MadeRows(uint64_t count, const RowMaker& row) : count_(count), row_(row), keys_(kScanBatchRows) {}

  Result<uint64_t> Next(Span<Row> rows) noexcept override {
    const uint64_t given = std::min({rows.size(), kScanBatchRows, count_ - next_});
    for (uint64_t i = 0; i < given; ++i, ++next_) {
      const std::string_view value = row_(next_, keys_[i]);
      rows[i] = {AsBytes(keys_[i]), AsBytes(value)};
    }
    return given;
  }
  Status Seek(BytesView) noexcept override {
    return Status::Error(Code::kUnsupported, "these rows are read once, in order");
  }
  void Release() noexcept override {}

 private:
  const uint64_t count_;
  const RowMaker& row_;
  std::vector<std::string> keys_;  // of the rows last given out
  uint64_t next_ = 0;
};

class NexadbSession final : public Session {
 public:
  explicit NexadbSession(StorageEngine& engine) : engine_(engine), rows_(kScanBatchRows) {}
  void Put(std::string_view key, std::string_view value) override {
    Write({Mutation::Op::kPut, 0, AsBytes(key), AsBytes(value)});
  }
  void Delete(std::string_view key) override {
    Write({Mutation::Op::kDelete, 0, AsBytes(key), {}});
  }
  bool Get(std::string_view key, std::string& value) override {
    const Handle<Snapshot> snapshot = Take(engine_.OpenSnapshot());
    const Result<Buffer> found = snapshot->Get(AsBytes(key), ReadOptions{});
    if (!found.ok()) {
      if (found.status().code() != Code::kNotFound) Check(found.status());
      return false;
    }
    value.assign(found->text());
    return true;
  }
  uint64_t GetMany(const std::vector<std::string>& keys, uint64_t& bytes) override {
    views_.clear();
    for (const std::string& key : keys) views_.push_back(AsBytes(key));
    found_.resize(keys.size());
    const Handle<Snapshot> snapshot = Take(engine_.OpenSnapshot());
    Check(snapshot->GetMany({views_.data(), views_.size()}, ReadOptions{},
                            {found_.data(), found_.size()}));
    uint64_t count = 0;
    for (const Lookup& lookup : found_) {
      count += lookup.found;
      Touch(sum_, {}, lookup.value.text());
      bytes += lookup.value.size();
    }
    return count;
  }
  void PutBatch(const std::vector<Pair>& pairs) override {
    mutations_.clear();
    for (const auto& [key, value] : pairs) {
      mutations_.push_back({Mutation::Op::kPut, 0, AsBytes(key), AsBytes(value)});
    }
    Take(engine_.Write({mutations_.data(), mutations_.size()}, WriteOptions{}));
  }
  uint64_t Scan(std::string_view from, uint64_t count, ScanOrder order) override {
    const Handle<Snapshot> snapshot = Take(engine_.OpenSnapshot());
    ScanOptions options;
    options.reverse = order == ScanOrder::kReverse;
    options.begin = AsBytes(from);
    const Handle<Cursor> cursor = Take(snapshot->Scan(options));
    uint64_t seen = 0;
    while (seen < count) {
      const uint64_t wanted = std::min(count - seen, kScanBatchRows);
      const uint64_t got = Take(cursor->Next({rows_.data(), wanted}));
      if (got == 0) break;
      for (uint64_t i = 0; i < got; ++i) Touch(sum_, AsText(rows_[i].key), AsText(rows_[i].value));
      seen += got;
    }
    return seen;
  }
  bool DeleteRange(std::string_view begin, std::string_view end) override {
    Write({Mutation::Op::kDeleteRange, 0, AsBytes(begin), AsBytes(end)});
    return true;
  }
  bool Ingest(uint64_t count, const RowMaker& row) override {
    MadeRows rows(count, row);
    Take(static_cast<StorageIngest*>(engine_.Facet(StorageIngest::kInterface))->Ingest(rows));
    return true;
  }

 private:
  void Write(const Mutation& mutation) { Take(engine_.Write({&mutation, 1}, WriteOptions{})); }

  StorageEngine& engine_;
  std::vector<Row> rows_;
  std::vector<BytesView> views_;
  std::vector<Lookup> found_;
  std::vector<Mutation> mutations_;
  uint64_t sum_ = 0;
};

// A master key for a store that is thrown away.
std::shared_ptr<const lsm::KeyRing> BenchKey() {
  return Take(lsm::KeyRing::Parse(std::string(lsm::kKeyBytes * 2, 'a'), "the benchmark's key"));
}

class Nexadb final : public Peer {
 public:
  // `keys`: null for a plain store.
  Nexadb(const PeerOptions& options, std::shared_ptr<const lsm::KeyRing> keys) {
    lsm::StoreOptions store;
    store.keys = std::move(keys);
    store.memory_budget_bytes = options.memory_bytes;
    store.memtable_bytes = kMemtableBytes;
    switch (options.durability) {
      case DurabilityClass::kProcess: store.durability = Durability::kProcess; break;
      case DurabilityClass::kOs: store.durability = Durability::kOs; break;
      case DurabilityClass::kDisk: store.durability = Durability::kDisk; break;
    }
    Check(engine_.Open(base::SystemEnv(), nullptr, options.directory, store));
  }
  ~Nexadb() override { Check(engine_.Close()); }
  std::unique_ptr<Session> NewSession() override {
    return std::make_unique<NexadbSession>(engine_);
  }
  double Settle() override {
    Check(engine_.store()->FlushMemtable());
    Check(engine_.store()->WaitIdle());
    return 0;
  }

 private:
  lsm::Engine engine_;
};

}  // namespace

std::unique_ptr<Peer> OpenNexadb(const PeerOptions& options) {
  return std::make_unique<Nexadb>(options, nullptr);
}

std::unique_ptr<Peer> OpenNexadbEncrypted(const PeerOptions& options) {
  return std::make_unique<Nexadb>(options, BenchKey());
}

}  // namespace nexadb::bench
