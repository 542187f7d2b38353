// LMDB 0.9, a mapped B+tree: no log, no cache of its own, no compression. Without the sync its
// commits are write(2) calls, so they survive a killed process; after a power cut the file may be
// damaged, which its class does not show. A session renews one read transaction for every read.
#include <lmdb.h>

#include "bench/storage/peer.h"

namespace nexadb::bench {
namespace {

constexpr size_t kMapBytes = size_t{32} << 30;
constexpr unsigned kReadersMax = 256;
constexpr mdb_mode_t kFileMode = 0644;

void Check(int result) {
  if (result != 0) Fail("lmdb", mdb_strerror(result));
}
MDB_val ValueOf(std::string_view text) {
  return {text.size(), const_cast<void*>(static_cast<const void*>(text.data()))};
}
std::string_view ViewOf(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

class LmdbSession final : public Session {
 public:
  LmdbSession(MDB_env* env, MDB_dbi dbi) : env_(env), dbi_(dbi) {}
  ~LmdbSession() override {
    if (cursor_ != nullptr) mdb_cursor_close(cursor_);
    if (reader_ != nullptr) mdb_txn_abort(reader_);
  }
  void Put(std::string_view key, std::string_view value) override {
    MDB_txn* txn = Begin();
    PutInto(txn, key, value);
    Check(mdb_txn_commit(txn));
  }
  void Delete(std::string_view key) override {
    MDB_txn* txn = Begin();
    MDB_val k = ValueOf(key);
    const int result = mdb_del(txn, dbi_, &k, nullptr);
    if (result != MDB_NOTFOUND) Check(result);
    Check(mdb_txn_commit(txn));
  }
  bool Get(std::string_view key, std::string& value) override {
    Renew();
    MDB_val k = ValueOf(key);
    MDB_val v;
    const int result = mdb_get(reader_, dbi_, &k, &v);
    if (result == 0) value.assign(ViewOf(v));
    mdb_txn_reset(reader_);
    if (result == MDB_NOTFOUND) return false;
    Check(result);
    return true;
  }
  void PutBatch(const std::vector<Pair>& pairs) override {
    MDB_txn* txn = Begin();
    for (const auto& [key, value] : pairs) PutInto(txn, key, value);
    Check(mdb_txn_commit(txn));
  }
  uint64_t Scan(std::string_view from, uint64_t count, ScanOrder order) override {
    Renew();
    Check(cursor_ == nullptr ? mdb_cursor_open(reader_, dbi_, &cursor_)
                             : mdb_cursor_renew(reader_, cursor_));
    const bool forward = order == ScanOrder::kForward;
    MDB_val k = ValueOf(from);
    MDB_val v;
    uint64_t seen = 0;
    int result = mdb_cursor_get(cursor_, &k, &v, forward ? MDB_SET_RANGE : MDB_LAST);
    for (; result == 0 && seen < count; ++seen) {
      Touch(sum_, ViewOf(k), ViewOf(v));
      result = mdb_cursor_get(cursor_, &k, &v, forward ? MDB_NEXT : MDB_PREV);
    }
    if (result != MDB_NOTFOUND) Check(result);
    mdb_txn_reset(reader_);
    return seen;
  }
  bool DeleteRange(std::string_view, std::string_view) override { return false; }

 private:
  MDB_txn* Begin() {
    MDB_txn* txn = nullptr;
    Check(mdb_txn_begin(env_, nullptr, 0, &txn));
    return txn;
  }
  void PutInto(MDB_txn* txn, std::string_view key, std::string_view value) {
    MDB_val k = ValueOf(key);
    MDB_val v = ValueOf(value);
    Check(mdb_put(txn, dbi_, &k, &v, 0));
  }
  void Renew() {
    Check(reader_ == nullptr ? mdb_txn_begin(env_, nullptr, MDB_RDONLY, &reader_)
                             : mdb_txn_renew(reader_));
  }

  MDB_env* const env_;
  const MDB_dbi dbi_;
  MDB_txn* reader_ = nullptr;
  MDB_cursor* cursor_ = nullptr;
  uint64_t sum_ = 0;
};

class Lmdb final : public Peer {
 public:
  explicit Lmdb(const PeerOptions& options) {
    const bool sync = options.durability == DurabilityClass::kDisk;
    Check(mdb_env_create(&env_));
    Check(mdb_env_set_mapsize(env_, kMapBytes));
    Check(mdb_env_set_maxreaders(env_, kReadersMax));
    Check(mdb_env_open(env_, options.directory.c_str(),
                       MDB_NORDAHEAD | MDB_NOTLS | (sync ? 0u : unsigned{MDB_NOSYNC}), kFileMode));
    MDB_txn* txn = nullptr;
    Check(mdb_txn_begin(env_, nullptr, 0, &txn));
    Check(mdb_dbi_open(txn, nullptr, MDB_CREATE, &dbi_));
    Check(mdb_txn_commit(txn));
  }
  ~Lmdb() override { mdb_env_close(env_); }
  std::unique_ptr<Session> NewSession() override {
    return std::make_unique<LmdbSession>(env_, dbi_);
  }
  double Settle() override {
    Check(mdb_env_sync(env_, 1));
    return 0;
  }

 private:
  MDB_env* env_ = nullptr;
  MDB_dbi dbi_ = 0;
};

}  // namespace

std::unique_ptr<Peer> OpenLmdb(const PeerOptions& options) {
  return std::make_unique<Lmdb>(options);
}

}  // namespace nexadb::bench
