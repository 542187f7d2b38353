#include "plugins/database-document/keyvalue/sweeper.h"

#include <array>
#include <string>
#include <vector>

#include "nexadb/sdk/guard.h"
#include "plugins/database-document/changes/trim.h"
#include "plugins/database-document/collection/layout.h"
#include "plugins/database-document/cursor/cursor_store.h"
#include "plugins/database-document/index/ttl.h"
#include "plugins/database-document/keyvalue/bucket.h"

namespace nexadb::database {

namespace {

constexpr size_t kSweepRows = 256;
constexpr int kAttemptsMax = 10;
constexpr uint64_t kNsPerMs = 1'000'000;

// Removes one due entry, unless it was written anew.
Status RemoveDue(Transaction& transaction, BytesView expiry_key, const Expiry& expiry) {
  const std::string key = KeyValueKey(expiry.bucket_id, expiry.key);
  auto held = Hold(transaction.Get(AsBytes(key), {}), expiry.expires_ms);
  if (!held.ok()) return held.status();
  std::vector<Mutation> batch{{Mutation::Op::kDelete, 0, expiry_key, {}}};
  const int64_t one_less = -1;
  const std::string count = SpacePrefix(expiry.bucket_id, Space::kCount);
  if (held->stored_at_all && held->record.expires_ms == expiry.expires_ms) {
    batch.push_back({Mutation::Op::kDelete, 0, AsBytes(key), {}});
    batch.push_back({Mutation::Op::kAdd,
                     0,
                     AsBytes(count),
                     {reinterpret_cast<const uint8_t*>(&one_less), sizeof(one_less)}});
  }
  return transaction.Write(batch);
}

// Up to kSweepRows due entries in one transaction.
Result<uint64_t> SweepOnce(Environment& environment) {
  auto transaction = environment.store().Begin({});
  if (!transaction.ok()) return transaction.status();
  const std::string begin = IdPrefix(kExpiryId);
  std::string end = IdPrefix(kExpiryId);
  // Everything up to and including this millisecond.
  AppendBigEndian64(static_cast<uint64_t>(environment.NowMs()) + 1, &end);
  ScanOptions options;
  options.begin = AsBytes(begin);
  options.end = AsBytes(end);
  std::array<Row, kSweepRows> rows;
  auto cursor = (*transaction)->Scan(options);
  if (!cursor.ok()) return cursor.status();
  auto count = (*cursor)->Next(rows);
  if (!count.ok() || *count == 0) return count;
  for (size_t i = 0; i < *count; ++i) {
    auto expiry = DecodeExpiryKey(rows[i].key);
    if (!expiry.ok()) return expiry.status();
    Status status = RemoveDue(**transaction, rows[i].key, *expiry);
    if (!status.ok()) return status;
  }
  cursor->Reset();
  auto committed = (*transaction)->Commit({});
  if (!committed.ok()) return committed.status();
  return count;
}

}  // namespace

Result<uint64_t> SweepExpired(Environment& environment) {
  uint64_t removed = 0;
  int attempts = 0;
  for (;;) {
    auto count = SweepOnce(environment);
    if (!count.ok()) {
      // Somebody wrote a due key anew: look again.
      const bool again = count.status().code() == Code::kConflict && ++attempts < kAttemptsMax;
      if (again) continue;
      return count;
    }
    if (*count == 0) return removed;
    removed += *count;
  }
}

Sweeper::~Sweeper() { Stop(); }

Status Sweeper::Start() {
  mutex_ = environment_.system->NewMutex();
  wake_ = environment_.system->NewCondVar();
  auto thread = environment_.system->StartThread(
      "db-sweeper", {[](void* self) noexcept { static_cast<Sweeper*>(self)->Run(); }, this});
  if (!thread.ok()) return thread.status();
  thread_ = std::move(*thread);
  return {};
}

void Sweeper::Stop() {
  if (!thread_) return;
  mutex_->Lock();
  stopping_ = true;
  wake_->NotifyAll();
  mutex_->Unlock();
  thread_->Join();
  thread_.Reset();
}

void Sweeper::Run() noexcept {
  for (;;) {
    mutex_->Lock();
    if (!stopping_) {
      wake_->WaitFor(*mutex_, environment_.settings.ttl_sweep_ms * kNsPerMs);
    }
    const bool stop = stopping_;
    mutex_->Unlock();
    if (stop) return;
    const Status status = sdk::Guard([&]() -> Status {
      environment_.cursors->Sweep();
      if (Status swept = SweepExpired(environment_).status(); !swept.ok()) return swept;
      if (Status swept = SweepExpiredDocuments(environment_).status(); !swept.ok()) return swept;
      return TrimChanges(environment_).status();
    });
    if (!status.ok()) {
      environment_.log->Warning(
          "expired keys or old changes could not be removed, trying again: " +
          std::string(status.message()));
    }
  }
}

}  // namespace nexadb::database
