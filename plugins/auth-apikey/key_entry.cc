#include "plugins/auth-apikey/key_entry.h"

namespace nexadb::auth {
namespace {

constexpr int64_t kTouchEveryMs = 60'000;

}  // namespace

KeyEntry::KeyEntry(const KeyRecord& record, Clock& clock) : id_(record.id), clock_(clock) {
  last_used_ms_.store(record.last_used_ms, std::memory_order_relaxed);
  Apply(record);
}

void KeyEntry::Apply(const KeyRecord& record) {
  std::lock_guard lock(history_mutex_);
  const Facts* now = facts_.load(std::memory_order_relaxed);
  if (now == nullptr || now->name != record.name || now->actions != record.actions ||
      now->patterns != record.patterns) {
    history_.push_back(std::make_unique<const Facts>(Facts{
        record.name, record.actions, record.patterns, Scope(record.actions, record.patterns)}));
    facts_.store(history_.back().get(), std::memory_order_release);
  }
  rate_.Set(record.requests_per_second, record.burst);
  expires_ms_.store(record.expires_ms, std::memory_order_release);
  revoked_.store(record.revoked_ms != 0, std::memory_order_release);
}

void KeyEntry::Touch(int64_t now_ms) {
  const int64_t last = last_used_ms_.load(std::memory_order_relaxed);
  if (now_ms - last >= kTouchEveryMs || now_ms < last) {
    last_used_ms_.store(now_ms, std::memory_order_relaxed);
  }
}

StringView KeyEntry::Name() noexcept { return facts_.load(std::memory_order_acquire)->name; }

bool KeyEntry::Valid() noexcept {
  if (revoked_.load(std::memory_order_acquire)) return false;
  const int64_t expires_ms = expires_ms_.load(std::memory_order_acquire);
  return expires_ms == 0 || clock_.UnixMs() < expires_ms;
}

bool KeyEntry::Allows(Action action, const Resource& resource) noexcept {
  return Valid() && facts_.load(std::memory_order_acquire)->scope.Allows(action, resource);
}

void KeyEntry::Release() noexcept {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

}  // namespace nexadb::auth
