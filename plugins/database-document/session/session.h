// SessionImpl: who is calling, in which transaction, and until when. One thread at a time, but for
// Cancel. Owned by the caller through Handle<Session>; dies before the plugin's Stop.
#pragma once
#include <atomic>
#include <functional>
#include <memory>

#include "nexadb/database.h"
#include "plugins/database-document/session/environment.h"
#include "plugins/database-document/session/waiting.h"
#include "plugins/database-document/session/write_set.h"

namespace nexadb::database {

class SessionImpl final : public Session {
 public:
  SessionImpl(Environment& environment, const SessionOptions& options, Waiting waiting);

  Status Begin(TransactionIsolation isolation) noexcept override;
  Status Commit() noexcept override;
  Status Rollback() noexcept override;
  bool InTransaction() noexcept override { return transaction_ != nullptr; }
  void SetDeadline(uint64_t deadline_ns) noexcept override { deadline_ns_ = deadline_ns; }
  void Cancel() noexcept override { cancelled_.store(true, std::memory_order_relaxed); }
  void Release() noexcept override { delete this; }

  Environment& environment() const { return environment_; }
  Principal& principal() const { return *principal_; }
  bool timestamps() const { return timestamps_; }
  bool keeps_timestamps() const { return keeps_timestamps_; }
  uint64_t memory_bytes() const { return memory_bytes_; }
  WriteSet* transaction() const { return transaction_.get(); }
  Waiting waiting() const { return waiting_; }
  // kWouldBlock in a session that must not wait, for what would, or would take long.
  Status CheckMayWait(std::string_view what) const {
    return waiting_ == Waiting::kAllowed ? Status() : Status::Error(Code::kWouldBlock, what);
  }

  // Every call of the database begins with it: the call's own deadline starts.
  void StartCall();
  // More time for a call that works in steps, unless somebody set a limit for it.
  void ExtendCall() {
    if (!limited_) StartCall();
  }
  // The time of day at which the call began: $$NOW is one value for all its statements.
  int64_t call_ms() const { return call_ms_; }
  // maxTimeMS: never later than the session's own deadline.
  void LimitCall(uint64_t time_ms);
  // time_limit or cancelled, once that is so. A clock read: ask once per batch.
  Status CheckInterrupt() const;
  // Counts documents and entries of indexes that were looked at: by any thread that works for the
  // call. Error scan_limit once there are more than query_scan_max since the call began, or since
  // it handed out the last of its answer.
  Status CountScanned(uint64_t rows) {
    if (scan_max_ == 0) return {};
    return scanned_.fetch_add(rows, std::memory_order_relaxed) + rows <= scan_max_ ? Status()
                                                                                   : ScanLimit();
  }
  void ForgetScanned() { scanned_.store(0, std::memory_order_relaxed); }
  // For what the database does on its own account.
  void LiftScanLimit() { scan_max_ = 0; }
  // Error forbidden unless the principal may.
  Status CheckAccess(Action action, std::string_view database, std::string_view name) const;

 private:
  Status ScanLimit() const;

  Environment& environment_;
  Principal* principal_;
  uint64_t deadline_ns_;
  uint64_t call_deadline_ns_ = 0;
  int64_t call_ms_ = 0;
  bool limited_ = false;  // the call has a maxTimeMS
  uint64_t memory_bytes_;
  uint64_t scan_max_;
  std::atomic<uint64_t> scanned_{0};
  bool timestamps_;
  bool keeps_timestamps_;
  const Waiting waiting_;
  std::atomic<bool> cancelled_{false};
  std::unique_ptr<WriteSet> transaction_;
};

// Runs `body` in the session's transaction, as one statement that leaves nothing behind when it
// fails; without one, in a transaction of its own that is committed, and run again after a conflict
// (body must start afresh each time). Error transaction_conflict when it never gets through.
// `sequence`, where wanted, is the commit's; it stays as it is within a transaction.
Status RunWrite(SessionImpl& session, const std::function<Status(WriteSet&)>& body,
                uint64_t* sequence = nullptr);

}  // namespace nexadb::database
