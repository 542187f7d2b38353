// WiredTiger 3.2, the engine of MongoDB 4.2: a B-tree with snappy and a journal. Its journal is
// buffered in the process unless every commit is synced, so it is measured in the classes
// `process` and `disk`.
#include <wiredtiger.h>

#include <cstring>

#include "bench/storage/peer.h"
#include "bench/storage/tuning.h"

namespace nexadb::bench {
namespace {

constexpr const char* kTable = "table:kv";

void Check(int result) {
  if (result != 0) Fail("wiredtiger", wiredtiger_strerror(result));
}
WT_ITEM ItemOf(std::string_view text) {
  WT_ITEM item;
  std::memset(&item, 0, sizeof(item));
  item.data = text.data();
  item.size = text.size();
  return item;
}
std::string_view ViewOf(const WT_ITEM& item) {
  return {static_cast<const char*>(item.data), item.size};
}

class WiredtigerSession final : public Session {
 public:
  explicit WiredtigerSession(WT_CONNECTION* connection) {
    Check(connection->open_session(connection, nullptr, nullptr, &session_));
    Check(session_->open_cursor(session_, kTable, nullptr, "overwrite=true", &cursor_));
  }
  ~WiredtigerSession() override { session_->close(session_, nullptr); }
  void Put(std::string_view key, std::string_view value) override {
    WT_ITEM k = ItemOf(key);
    WT_ITEM v = ItemOf(value);
    int result = WT_ROLLBACK;
    while (result == WT_ROLLBACK) {
      cursor_->set_key(cursor_, &k);
      cursor_->set_value(cursor_, &v);
      result = cursor_->insert(cursor_);
    }
    Check(result);
  }
  void Delete(std::string_view key) override {
    WT_ITEM k = ItemOf(key);
    int result = WT_ROLLBACK;
    while (result == WT_ROLLBACK) {
      cursor_->set_key(cursor_, &k);
      result = cursor_->remove(cursor_);
    }
    if (result != WT_NOTFOUND) Check(result);
  }
  bool Get(std::string_view key, std::string& value) override {
    WT_ITEM k = ItemOf(key);
    WT_ITEM v;
    cursor_->set_key(cursor_, &k);
    const int result = cursor_->search(cursor_);
    if (result == WT_NOTFOUND) return false;
    Check(result);
    Check(cursor_->get_value(cursor_, &v));
    value.assign(ViewOf(v));
    cursor_->reset(cursor_);
    return true;
  }
  void PutBatch(const std::vector<Pair>& pairs) override {
    Check(session_->begin_transaction(session_, nullptr));
    for (const auto& [key, value] : pairs) {
      WT_ITEM k = ItemOf(key);
      WT_ITEM v = ItemOf(value);
      cursor_->set_key(cursor_, &k);
      cursor_->set_value(cursor_, &v);
      Check(cursor_->insert(cursor_));
    }
    Check(session_->commit_transaction(session_, nullptr));
  }
  uint64_t Scan(std::string_view from, uint64_t count, ScanOrder order) override {
    const bool forward = order == ScanOrder::kForward;
    int result = forward ? SeekTo(from) : Last();
    uint64_t seen = 0;
    while (result == 0 && seen < count) {
      WT_ITEM k;
      WT_ITEM v;
      Check(cursor_->get_key(cursor_, &k));
      Check(cursor_->get_value(cursor_, &v));
      Touch(sum_, ViewOf(k), ViewOf(v));
      ++seen;
      result = forward ? cursor_->next(cursor_) : cursor_->prev(cursor_);
    }
    if (result != WT_NOTFOUND) Check(result);
    cursor_->reset(cursor_);
    return seen;
  }
  bool DeleteRange(std::string_view, std::string_view) override { return false; }

 private:
  int SeekTo(std::string_view from) {
    WT_ITEM k = ItemOf(from);
    int side = 0;
    cursor_->set_key(cursor_, &k);
    const int result = cursor_->search_near(cursor_, &side);
    return result == 0 && side < 0 ? cursor_->next(cursor_) : result;
  }
  int Last() {
    Check(cursor_->reset(cursor_));
    return cursor_->prev(cursor_);
  }

  WT_SESSION* session_ = nullptr;
  WT_CURSOR* cursor_ = nullptr;
  uint64_t sum_ = 0;
};

class Wiredtiger final : public Peer {
 public:
  explicit Wiredtiger(const PeerOptions& options) {
    const bool sync = options.durability == DurabilityClass::kDisk;
    const std::string config =
        "create,cache_size=" + std::to_string(options.memory_bytes) +
        ",session_max=128,log=(enabled=true,file_max=128MB,recover=on),checkpoint=(wait=30),"
        "eviction=(threads_max=2),extensions=[" NEXADB_WIREDTIGER_SNAPPY
        "],transaction_sync=(enabled=" +
        (sync ? "true,method=fsync" : "false") + ")";
    Check(wiredtiger_open(options.directory.c_str(), nullptr, config.c_str(), &connection_));
    WT_SESSION* session = nullptr;
    Check(connection_->open_session(connection_, nullptr, nullptr, &session));
    Check(session->create(session, kTable,
                          "key_format=u,value_format=u,leaf_page_max=32KB,"
                          "block_compressor=snappy"));
    Check(session->close(session, nullptr));
  }
  ~Wiredtiger() override { connection_->close(connection_, nullptr); }
  std::unique_ptr<Session> NewSession() override {
    return std::make_unique<WiredtigerSession>(connection_);
  }
  double Settle() override {
    WT_SESSION* session = nullptr;
    Check(connection_->open_session(connection_, nullptr, nullptr, &session));
    Check(session->checkpoint(session, nullptr));
    Check(session->close(session, nullptr));
    return 0;
  }

 private:
  WT_CONNECTION* connection_ = nullptr;
};

}  // namespace

std::unique_ptr<Peer> OpenWiredtiger(const PeerOptions& options) {
  return std::make_unique<Wiredtiger>(options);
}

}  // namespace nexadb::bench
