#include "plugins/database-document/session/session.h"

#include <algorithm>

#include "core/document/error.h"
#include "nexadb/sdk/guard.h"

namespace nexadb::database {

namespace {

// A writer that loses this often in a row has waited about a second in between.
constexpr uint32_t kWriteAttemptsMax = 500;
// The first few conflicts are with whoever just committed: go on at once.
constexpr uint32_t kAttemptsWithoutPause = 8;
constexpr uint64_t kPauseNsMax = 2'000'000;

constexpr std::string_view kActionNames[] = {"read", "write", "manage", "admin"};

Status TransactionConflict(const Status& cause) {
  return MakeError(
      ErrorId::kTransactionConflict,
      "another transaction changed the same data first: " + std::string(cause.message()));
}

// A conflict that storage found, not one that the database names (duplicate key, version).
bool IsStorageConflict(const Status& status) {
  return status.code() == Code::kConflict && status.domain().empty();
}

// Doubles with every attempt, spread over threads by the clock's low bits.
uint64_t PauseNs(uint32_t attempt, uint64_t now_ns) {
  const uint64_t ceiling = std::min<uint64_t>(kPauseNsMax, 1000ull << std::min(attempt, 11u));
  return ceiling / 2 + now_ns % (ceiling / 2 + 1);
}

}  // namespace

SessionImpl::SessionImpl(Environment& environment, const SessionOptions& options, Waiting waiting)
    : environment_(environment),
      principal_(options.principal),
      deadline_ns_(options.deadline_ns),
      memory_bytes_(options.memory_bytes != 0 ? options.memory_bytes
                                              : environment.settings.query_memory_bytes),
      scan_max_(environment.settings.query_scan_max),
      timestamps_(options.timestamps != kTimestampsOff),
      keeps_timestamps_(options.timestamps == kTimestampsKept),
      waiting_(waiting) {
  StartCall();
}

Status SessionImpl::Begin(TransactionIsolation isolation) noexcept {
  return sdk::Guard([&]() -> Status {
    if (transaction_ != nullptr) {
      return MakeError(ErrorId::kTransactionBusy, "the session has a transaction open already");
    }
    auto begun =
        WriteSet::Begin(environment_,
                        isolation == TransactionIsolation::kSerializable ? Isolation::kSerializable
                                                                         : Isolation::kSnapshot,
                        waiting_);
    if (!begun.ok()) return begun.status();
    transaction_ = std::move(*begun);
    return {};
  });
}

Status SessionImpl::Commit() noexcept {
  return sdk::Guard([&]() -> Status {
    if (transaction_ == nullptr) {
      return MakeError(ErrorId::kTransactionExpired, "the session has no transaction open");
    }
    const std::unique_ptr<WriteSet> ending = std::move(transaction_);
    Status status = ending->Commit();
    return IsStorageConflict(status) ? TransactionConflict(status) : status;
  });
}

Status SessionImpl::Rollback() noexcept {
  transaction_.reset();
  return {};
}

void SessionImpl::StartCall() {
  call_ms_ = environment_.NowMs();
  limited_ = false;
  ForgetScanned();
  call_deadline_ns_ = deadline_ns_ != 0 ? deadline_ns_
                                        : environment_.NowNs() +
                                              environment_.settings.default_time_limit_ms * 1000000;
}

void SessionImpl::LimitCall(uint64_t time_ms) {
  if (time_ms == 0) return;
  limited_ = true;
  call_deadline_ns_ = std::min(call_deadline_ns_, environment_.NowNs() + time_ms * 1000000);
}

Status SessionImpl::CheckInterrupt() const {
  if (cancelled_.load(std::memory_order_relaxed)) {
    return MakeError(ErrorId::kCancelled, "the operation was cancelled");
  }
  if (environment_.NowNs() > call_deadline_ns_) {
    return MakeError(ErrorId::kTimeLimit, "operation exceeded time limit");
  }
  return {};
}

Status SessionImpl::ScanLimit() const {
  const std::string max = std::to_string(scan_max_);
  return MakeError(ErrorId::kScanLimit,
                   "the query has looked at more than " + max +
                       " documents and index entries, the most that this server allows "
                       "(query_scan_max); explain says which index would help",
                   ErrorDetail()
                       .Text("limit", "query_scan_max")
                       .Int64("max", static_cast<int64_t>(scan_max_))
                       .Finish());
}

Status SessionImpl::CheckAccess(Action action, std::string_view database,
                                std::string_view name) const {
  if (principal_->Allows(action, {database, name})) return {};
  std::string resource(database);
  if (!name.empty()) resource.append(1, '/').append(name);
  const std::string_view what = kActionNames[static_cast<uint32_t>(action)];
  bson::Builder detail;
  detail.Text("action", what).Text("resource", resource);
  return MakeError(ErrorId::kForbidden,
                   "not allowed: '" + std::string(what) + "' on '" + resource + "'",
                   AsBytes(detail.Finish()));
}

namespace {

Status RunStatement(SessionImpl& session, const std::function<Status(WriteSet&)>& body) {
  WriteSet& set = *session.transaction();
  auto mark = set.MarkHere();
  if (!mark.ok()) return mark.status();
  Status status = body(set);
  const uint64_t bytes_max = session.environment().settings.transaction_bytes_max;
  if (status.ok() && set.bytes() > bytes_max) {
    status = MakeError(ErrorId::kTransactionTooLarge,
                       "the transaction has written " + std::to_string(set.bytes()) +
                           " bytes, at most " + std::to_string(bytes_max));
  }
  if (status.ok()) return status;
  if (Status undone = set.RollbackTo(std::move(*mark)); !undone.ok()) return undone;
  return IsStorageConflict(status) ? TransactionConflict(status) : status;
}

}  // namespace

Status RunWrite(SessionImpl& session, const std::function<Status(WriteSet&)>& body,
                uint64_t* sequence) {
  if (session.transaction() != nullptr) return RunStatement(session, body);
  Environment& environment = session.environment();
  for (uint32_t attempt = 1;; ++attempt) {
    auto begun = WriteSet::Begin(environment, Isolation::kSnapshot, session.waiting());
    if (!begun.ok()) return begun.status();
    Status status = body(**begun);
    if (status.ok()) status = (*begun)->Commit();
    if (status.ok() && sequence != nullptr) *sequence = (*begun)->sequence();
    if (!IsStorageConflict(status)) return status;
    if (attempt == kWriteAttemptsMax) return TransactionConflict(status);
    if (Status stop = session.CheckInterrupt(); !stop.ok()) return stop;
    begun->reset();
    if (attempt > kAttemptsWithoutPause) {
      if (Status pause = session.CheckMayWait("a pause after conflicts"); !pause.ok()) return pause;
      environment.system->SleepNs(PauseNs(attempt - kAttemptsWithoutPause, environment.NowNs()));
    }
  }
}

}  // namespace nexadb::database
