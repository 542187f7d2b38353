// TransactionTable: the interactive transactions that clients hold open.
//
// A transaction is a session of the database, found again by an unguessable id, used by one request
// at a time and only by the caller that began it. One that nobody has used for the idle time is
// rolled back by a timer, and its id answers 410 from then on. Thread-safe. Owned by the Api; the
// timer's tasks share the table's inner state, so they may outlive it.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "nexadb/database.h"
#include "nexadb/env.h"
#include "nexadb/executor.h"

namespace nexadb::rest {

struct TransactionLimits {
  uint64_t idle_ms = 60'000;
  uint64_t open_max = 1000;
};

struct OpenTransaction;
struct TransactionState;

// A transaction in use. Dropping it lets the next request in; End takes it out of the table.
class TransactionLease {
 public:
  TransactionLease() = default;
  TransactionLease(std::shared_ptr<TransactionState> state,
                   std::shared_ptr<OpenTransaction> transaction);
  TransactionLease(TransactionLease&&) noexcept = default;
  TransactionLease& operator=(TransactionLease&& other) noexcept;
  ~TransactionLease();
  Session& session() const;
  explicit operator bool() const { return transaction_ != nullptr; }
  // No later request finds it. The session dies with the lease.
  void End();

 private:
  void Return();
  std::shared_ptr<TransactionState> state_;
  std::shared_ptr<OpenTransaction> transaction_;
};

class TransactionTable {
 public:
  TransactionTable(Clock& clock, Random& random, Executor& executor,
                   const TransactionLimits& limits);
  ~TransactionTable();
  struct Begun {
    std::string id;
    int64_t expires_at_ms = 0;
  };
  // `session` has begun its transaction for `principal`; both live until it ends.
  // too_many_transactions when open_max are open.
  Result<Begun> Add(Handle<Principal> principal, Handle<Session> session);
  // transaction_not_found for an id that was never given to this principal, transaction_expired
  // once it has ended, transaction_busy while another request uses it: after a short wait for one
  // that has already answered. [worker]
  Result<TransactionLease> Acquire(std::string_view id, Principal& principal);
  // Rolls back and drops all, and refuses new ones. No session is left when it returns, but those
  // that leases hold.
  void Close();
  size_t OpenCount();
  // Drops what has been idle too long. The timer calls it; tests may.
  void Sweep();

 private:
  std::shared_ptr<TransactionState> state_;
};

}  // namespace nexadb::rest
