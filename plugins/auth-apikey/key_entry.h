// KeyEntry: a key in memory, and the Principal of everyone who calls with it. Counted: the table
// holds one reference, each handle another, so handing out a principal allocates nothing. Changes
// to a key show at once in every principal held.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "nexadb/authenticator.h"
#include "nexadb/env.h"
#include "plugins/auth-apikey/key_record.h"
#include "plugins/auth-apikey/request_rate.h"
#include "plugins/auth-apikey/scope.h"

namespace nexadb::auth {

class KeyEntry final : public Principal {
 public:
  KeyEntry(const KeyRecord& record, Clock& clock);
  // [any] Takes over what a changed record says.
  void Apply(const KeyRecord& record);
  Handle<Principal> NewHandle() {
    references_.fetch_add(1, std::memory_order_relaxed);
    return Handle<Principal>(this);
  }
  // [any] One of the requests that the key may send. 0, or the nanoseconds until it may send one.
  uint64_t TakeTurn() { return rate_.limited() ? rate_.Take(clock_.MonotonicNs()) : 0; }
  // [any] What the key has used of its rate (RequestRate).
  uint64_t OwedNs() const { return rate_.OwedNs(clock_.MonotonicNs()); }
  void Owe(uint64_t owed_ns) { rate_.Owe(owed_ns, clock_.MonotonicNs()); }
  // [any] For good, as far as principals that are held see it, until a record is applied.
  void Revoke() { revoked_.store(true, std::memory_order_release); }
  // Whether anybody but the table holds it.
  bool Held() const { return references_.load(std::memory_order_acquire) > 1; }
  // Notes a use, to the minute: a hot key must not make its cache line hot.
  void Touch(int64_t now_ms);
  int64_t last_used_ms() const { return last_used_ms_.load(std::memory_order_relaxed); }

  StringView Id() noexcept override { return id_; }
  StringView Name() noexcept override;
  bool Allows(Action action, const Resource& resource) noexcept override;
  bool Valid() noexcept override;
  void Release() noexcept override;

 private:
  struct Facts {
    std::string name;
    uint32_t actions;
    std::vector<std::string> patterns;
    Scope scope;
  };
  ~KeyEntry() = default;

  const std::string id_;
  Clock& clock_;
  std::atomic<uint32_t> references_{1};
  std::atomic<int64_t> expires_ms_{0};
  std::atomic<bool> revoked_{false};
  std::atomic<int64_t> last_used_ms_{0};
  RequestRate rate_;
  std::atomic<const Facts*> facts_{nullptr};
  // Readers take no lock and keep views, so what they may look at stays until the entry goes.
  std::mutex history_mutex_;
  std::vector<std::unique_ptr<const Facts>> history_;
};

}  // namespace nexadb::auth
