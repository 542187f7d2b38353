// ApiKeyAuthenticator's part in a replacement: first as the heir, later as the predecessor.
#include "nexadb/sdk/guard.h"
#include "plugins/auth-apikey/authenticator.h"

namespace nexadb::auth {
namespace {

// A caller that took the predecessor's address before the slot moved has made its call by then.
constexpr uint64_t kForgetAfterNs = 60ull * 1000 * 1000 * 1000;

}  // namespace

// Without admin_mutex_: callers of the predecessor come from its locks to ours, never the other
// way.
Status ApiKeyAuthenticator::Inherit(KeyHandover& predecessor) {
  const KeyOpening opening{[](void* state) noexcept -> Status {
                             return static_cast<ApiKeyAuthenticator*>(state)->OpenAlone();
                           },
                           this};
  auto follower = predecessor.Yield(*this, opening);
  if (!follower.ok()) return follower.status();
  std::lock_guard lock(admin_mutex_);
  forebears_.push_back({std::move(*follower), clock_.MonotonicNs()});
  ShowForebears();
  return {};
}

Status ApiKeyAuthenticator::OpenAlone() noexcept {
  return sdk::Guard([&]() -> Status {
    std::lock_guard lock(admin_mutex_);
    Status opened = Open();
    if (!opened.ok()) lock_.Reset();
    return opened;
  });
}

void ApiKeyAuthenticator::ShowForebears() {
  if (forebears_.empty()) return;
  const uint64_t now_ns = clock_.MonotonicNs();
  std::erase_if(forebears_, [&](const Forebear& forebear) {
    return now_ns - forebear.since_ns > kForgetAfterNs && forebear.keys->InUse() == 0;
  });
  const std::string store = EncodeKeys(records_);
  for (const Forebear& forebear : forebears_) {
    forebear.keys->Show(AsBytes(store), config_.dev_loopback ? 1 : 0);
  }
}

Status ApiKeyAuthenticator::Yield(Authenticator& heir, const KeyOpening& opening) {
  auto* admin = static_cast<KeyAdmin*>(heir.Facet(KeyAdmin::kInterface));
  if (admin == nullptr) {
    return Status::Error(Code::kUnsupported, "the new authenticator cannot manage keys");
  }
  std::unique_lock changes_have_ended(heir_mutex_);
  if (heir_admin_ != nullptr) {
    return Status::Error(Code::kConflict, "the keys have been handed over already");
  }
  {
    std::lock_guard lock(admin_mutex_);
    if (Status saved = SaveUse(); !saved.ok()) return saved;
    lock_.Reset();
  }
  if (Status opened = opening.open(opening.state); !opened.ok()) {
    std::lock_guard lock(admin_mutex_);
    if (Status locked = LockStore(); !locked.ok()) context_.Log().Error(locked.message());
    return opened;
  }
  chosen_heir_ = &heir;
  heir_admin_ = admin;
  return {};
}

Status ApiKeyAuthenticator::LockStore() {
  auto lock = context_.Env().Files().Lock(store_directory_ + "/LOCK");
  if (!lock.ok()) return lock.status();
  lock_ = std::move(*lock);
  return {};
}

void ApiKeyAuthenticator::Retire() {
  // Whoever writes to this instance's log has ended, and nobody will again.
  std::unique_lock callers_have_ended(heir_mutex_);
  heir_.store(chosen_heir_, std::memory_order_release);
}

Status ApiKeyAuthenticator::Resume() {
  std::unique_lock changes_have_ended(heir_mutex_);
  if (heir_admin_ == nullptr || heir_.load(std::memory_order_relaxed) != nullptr) return {};
  // First of all: the heir is about to go, and nothing below may keep calls on their way to it.
  // What it has shown is here already, should the store not be readable.
  chosen_heir_ = nullptr;
  heir_admin_ = nullptr;
  std::lock_guard lock(admin_mutex_);
  if (developer_ != nullptr) developer_->Apply(DeveloperRecord());
  if (Status locked = LockStore(); !locked.ok()) return locked;
  auto loaded = store_.Load();
  if (!loaded.ok()) return loaded.status();
  if (*loaded) Show(records_ = std::move(**loaded));
  ShowForebears();
  return {};
}

void ApiKeyAuthenticator::Follow(BytesView store, bool dev_loopback) noexcept {
  const Status followed = sdk::Guard([&]() -> Status {
    std::lock_guard lock(admin_mutex_);
    if (developer_ != nullptr && !dev_loopback) developer_->Revoke();
    std::vector<KeyRecord> records;
    if (const char* wrong = DecodeKeys(AsText(store), records)) {
      return Status::Error(Code::kCorruption, wrong);
    }
    records_ = std::move(records);
    Show(records_);
    for (const Forebear& forebear : forebears_) {
      forebear.keys->Show(store, dev_loopback ? 1 : 0);
    }
    return {};
  });
  // A later form of the store, or no memory: nobody goes on with what may have been taken away.
  if (!followed.ok()) RevokeAll();
}

void ApiKeyAuthenticator::RevokeAll() {
  std::lock_guard lock(admin_mutex_);
  if (developer_ != nullptr) developer_->Revoke();
  for (const auto& [id, entry] : entries_) entry->Revoke();
  for (const Forebear& forebear : forebears_) forebear.keys->Show({}, 0);
}

bool ApiKeyAuthenticator::InUse() {
  std::lock_guard lock(admin_mutex_);
  bool in_use = system_->Held() || (developer_ != nullptr && developer_->Held());
  for (const auto& [id, entry] : entries_) in_use = in_use || entry->Held();
  for (const Forebear& forebear : forebears_) in_use = in_use || forebear.keys->InUse() != 0;
  return in_use;
}

}  // namespace nexadb::auth
