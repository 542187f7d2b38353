// ApiKeyAuthenticator's part in a replacement: first as the heir, later as the predecessor.
#include <algorithm>
#include <limits>

#include "nexadb/bson.h"
#include "nexadb/sdk/guard.h"
#include "plugins/auth-apikey/authenticator.h"

namespace nexadb::auth {
namespace {

// A caller that took the predecessor's address before the slot moved has made its call by then.
constexpr uint64_t kForgetAfterNs = 60ull * 1000 * 1000 * 1000;

constexpr int64_t kFailuresMax = std::numeric_limits<uint32_t>::max();

// What a document of another version may lack or have of another type is nothing.
bson::Document DocumentOf(const bson::Element& element) {
  const bool nested = element.type() == bson::Type::kObject || element.type() == bson::Type::kArray;
  return nested ? element.value().Doc() : bson::Document();
}
bson::Document ListOf(const bson::Document& document, std::string_view name) {
  return DocumentOf(document[name]);
}
int64_t IntegerOf(const bson::Document& document, std::string_view name) {
  const bson::Element element = document[name];
  return element.type() == bson::Type::kInt64 ? element.value().Int64() : 0;
}
std::string TextOf(const bson::Document& document, std::string_view name) {
  const bson::Element element = document[name];
  return element.type() == bson::Type::kString ? std::string(element.value().Text()) : "";
}

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
  heir_for_ = static_cast<AttributedKeyAdmin*>(heir.Facet(AttributedKeyAdmin::kInterface));
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
  if (chosen_heir_ != nullptr) {
    void* const heir = chosen_heir_->Facet(CountHeir::kInterface);
    const Status handed_over = sdk::Guard([&]() -> Status {
      const std::string counts = Counts();
      if (heir != nullptr) static_cast<CountHeir*>(heir)->TakeOver(AsBytes(counts));
      return {};
    });
    if (!handed_over.ok()) {
      context_.Log().Warning("counts of bad keys begin anew: " +
                             std::string(handed_over.message()));
    }
  }
  heir_.store(chosen_heir_, std::memory_order_release);
}

std::string ApiKeyAuthenticator::Counts() {
  bson::Builder out;
  out.OpenArray("bad_keys");
  int i = 0;
  for (const Throttle::Count& count : throttle_.Counts(NowMs())) {
    out.OpenObject(std::to_string(i++)).Text("peer", count.peer);
    out.Int64("began_ms", count.began_ms).Int64("failures", count.failures).Close();
  }
  out.Close().OpenArray("owed");
  i = 0;
  std::lock_guard lock(admin_mutex_);
  for (const auto& [id, entry] : entries_) {
    const uint64_t owed_ns = entry->OwedNs();
    if (owed_ns == 0) continue;
    out.OpenObject(std::to_string(i++)).Text("id", id);
    out.Int64("ns", static_cast<int64_t>(owed_ns)).Close();
  }
  out.Close();
  return out.Finish();
}

void ApiKeyAuthenticator::TakeOver(BytesView counts) noexcept {
  static_cast<void>(sdk::Guard([&]() -> Status {
    if (bson::Validate(counts) != nullptr) return {};
    const bson::Document document(counts);
    for (const bson::Element& element : ListOf(document, "bad_keys")) {
      const bson::Document one = DocumentOf(element);
      const int64_t failures = IntegerOf(one, "failures");
      throttle_.Add({TextOf(one, "peer"), IntegerOf(one, "began_ms"),
                     static_cast<uint32_t>(std::clamp<int64_t>(failures, 0, kFailuresMax))},
                    NowMs());
    }
    std::lock_guard lock(admin_mutex_);
    for (const bson::Element& element : ListOf(document, "owed")) {
      const bson::Document one = DocumentOf(element);
      const auto entry = entries_.find(TextOf(one, "id"));
      if (entry == entries_.end()) continue;
      entry->second->Owe(static_cast<uint64_t>(std::max<int64_t>(0, IntegerOf(one, "ns"))));
    }
    return {};
  }));
}

Status ApiKeyAuthenticator::Resume() {
  std::unique_lock changes_have_ended(heir_mutex_);
  if (heir_admin_ == nullptr || heir_.load(std::memory_order_relaxed) != nullptr) return {};
  // First of all: the heir is about to go, and nothing below may keep calls on their way to it.
  // What it has shown is here already, should the store not be readable.
  chosen_heir_ = nullptr;
  heir_admin_ = nullptr;
  heir_for_ = nullptr;
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
