#include "plugins/api-rest/transactions.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "plugins/api-rest/cursor_token.h"
#include "plugins/api-rest/problem.h"

namespace nexadb::rest {
namespace {

// 128 random bits: an id is a credential next to the key.
constexpr size_t kIdBytes = 16;
// Ids that ended are remembered for a while, to tell "expired" from "never was".
constexpr size_t kEndedRemembered = 4096;
// Idle transactions are looked for this often; one lives at most so much longer than its time.
constexpr uint64_t kSweepMs = 1000;
// An answer goes out a moment before its request lets the transaction go, so a client that goes on
// at once may come too early: it waits so long before it is told that the transaction is busy.
constexpr auto kHandOver = std::chrono::milliseconds(100);

}  // namespace

struct OpenTransaction {
  std::string id;
  std::string owner;
  // In this order: the session borrows the principal.
  Handle<Principal> principal;
  Handle<Session> session;
  uint64_t last_used_ns = 0;
  bool busy = false;
  bool ended = false;
};

struct TransactionState : std::enable_shared_from_this<TransactionState> {
  TransactionState(Clock& clock_in, Random& random_in, Executor& executor_in,
                   const TransactionLimits& l)
      : clock(clock_in), random(random_in), executor(executor_in), limits(l) {}

  // REQUIRES: mutex held.
  void Forget(const std::string& id) {
    open.erase(id);
    ended.push_back(id);
    if (ended.size() > kEndedRemembered) ended.pop_front();
  }

  void Sweep() {
    std::vector<std::shared_ptr<OpenTransaction>> dead;
    std::unique_lock lock(mutex);
    if (closed) return;
    ++sweeps;
    const uint64_t now = clock.MonotonicNs();
    for (const auto& [id, transaction] : open) {
      if (!transaction->busy && now - transaction->last_used_ns >= limits.idle_ms * 1'000'000) {
        dead.push_back(transaction);
      }
    }
    for (const auto& transaction : dead) Forget(transaction->id);
    lock.unlock();
    dead.clear();  // sessions end, which takes a while
    lock.lock();
    if (--sweeps == 0) swept.notify_all();
  }

  // REQUIRES: mutex held.
  void Arm() {
    if (armed || closed) return;
    auto* keep = new std::shared_ptr<TransactionState>(shared_from_this());
    armed = true;
    const Task task{
        [](void* p) noexcept {
          std::unique_ptr<std::shared_ptr<TransactionState>> self(
              static_cast<std::shared_ptr<TransactionState>*>(p));
          (*self)->Tick();
        },
        [](void* p) noexcept { delete static_cast<std::shared_ptr<TransactionState>*>(p); }, keep};
    // A full queue: the next Add tries again, and Acquire checks the time itself.
    if (!executor.PostAfter(kSweepMs, task).ok()) armed = false;
  }

  void Tick() {
    Sweep();
    std::lock_guard lock(mutex);
    armed = false;
    if (!open.empty()) Arm();
  }

  Clock& clock;
  Random& random;
  Executor& executor;
  const TransactionLimits limits;
  std::mutex mutex;
  std::condition_variable returned;
  std::condition_variable swept;
  std::unordered_map<std::string, std::shared_ptr<OpenTransaction>> open;
  std::deque<std::string> ended;
  uint64_t sweeps = 0;  // that run
  bool closed = false;
  bool armed = false;
};

TransactionLease::TransactionLease(std::shared_ptr<TransactionState> state,
                                   std::shared_ptr<OpenTransaction> transaction)
    : state_(std::move(state)), transaction_(std::move(transaction)) {}

TransactionLease& TransactionLease::operator=(TransactionLease&& other) noexcept {
  if (this != &other) {
    Return();
    state_ = std::move(other.state_);
    transaction_ = std::move(other.transaction_);
  }
  return *this;
}

TransactionLease::~TransactionLease() { Return(); }

Session& TransactionLease::session() const { return *transaction_->session; }

void TransactionLease::End() { transaction_->ended = true; }

TransactionTable::TransactionTable(Clock& clock, Random& random, Executor& executor,
                                   const TransactionLimits& limits)
    : state_(std::make_shared<TransactionState>(clock, random, executor, limits)) {}

TransactionTable::~TransactionTable() { Close(); }

Result<TransactionTable::Begun> TransactionTable::Add(Handle<Principal> principal,
                                                      Handle<Session> session) {
  uint8_t bytes[kIdBytes];
  state_->random.Fill(Span<uint8_t>(bytes, kIdBytes));
  auto transaction = std::make_shared<OpenTransaction>();
  transaction->id = EncodeBase64Url(AsText(BytesView(bytes, kIdBytes)));
  transaction->owner = std::string_view(principal->Id());
  transaction->principal = std::move(principal);
  transaction->session = std::move(session);
  std::lock_guard lock(state_->mutex);
  if (state_->closed) return MakeError(ErrorId::kNotReady, "The server is stopping.");
  if (state_->open.size() >= state_->limits.open_max) {
    return MakeError(ErrorId::kTooManyTransactions,
                     "There are " + std::to_string(state_->open.size()) +
                         " transactions open already; commit or roll back some.");
  }
  transaction->last_used_ns = state_->clock.MonotonicNs();
  Begun begun{transaction->id,
              state_->clock.UnixMs() + static_cast<int64_t>(state_->limits.idle_ms)};
  state_->open.emplace(transaction->id, std::move(transaction));
  state_->Arm();
  return begun;
}

Result<TransactionLease> TransactionTable::Acquire(std::string_view id, Principal& principal) {
  state_->Sweep();
  std::unique_lock lock(state_->mutex);
  const std::string key(id);
  state_->returned.wait_for(lock, kHandOver, [&] {
    const auto open = state_->open.find(key);
    return open == state_->open.end() || !open->second->busy;
  });
  const auto found = state_->open.find(key);
  if (found == state_->open.end() || found->second->owner != std::string_view(principal.Id())) {
    for (const std::string& old : state_->ended) {
      if (old == id) {
        return MakeError(
            ErrorId::kTransactionExpired,
            "The transaction has ended: it was committed, rolled back, or idle too long.");
      }
    }
    return MakeError(ErrorId::kTransactionNotFound, "There is no such transaction.");
  }
  if (found->second->busy) {
    return MakeError(
        ErrorId::kTransactionBusy,
        "Another request of this transaction is running; send them one after another.");
  }
  found->second->busy = true;
  return TransactionLease(state_, found->second);
}

void TransactionLease::Return() {
  if (transaction_ == nullptr) return;
  {
    std::lock_guard lock(state_->mutex);
    transaction_->busy = false;
    transaction_->last_used_ns = state_->clock.MonotonicNs();
    if (transaction_->ended) state_->Forget(transaction_->id);
  }
  state_->returned.notify_all();
  transaction_.reset();
  state_.reset();
}

void TransactionTable::Close() {
  std::unordered_map<std::string, std::shared_ptr<OpenTransaction>> all;
  std::unique_lock lock(state_->mutex);
  state_->closed = true;
  all.swap(state_->open);
  state_->swept.wait(lock, [&] { return state_->sweeps == 0; });
}

size_t TransactionTable::OpenCount() {
  std::lock_guard lock(state_->mutex);
  return state_->open.size();
}

void TransactionTable::Sweep() { state_->Sweep(); }

}  // namespace nexadb::rest
