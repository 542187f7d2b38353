// ApiKeyAuthenticator: keys in memory, their store behind them.
//
// Authenticate hashes the secret, looks its digest up under a shared lock and hands out the key's
// entry; it neither reads files nor waits for the changes of KeyAdmin, which prepare everything
// before they take the lock. A change is durable before it shows.
//
// It may be replaced while it runs (key_handover.h; handover.cc). Calls that come after that are
// answered by the heir.
#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "nexadb/attributed_key_admin.h"
#include "nexadb/authenticator.h"
#include "nexadb/plugin.h"
#include "nexadb/repeat_authenticator.h"
#include "plugins/auth-apikey/key_entry.h"
#include "plugins/auth-apikey/key_handover.h"
#include "plugins/auth-apikey/key_record.h"
#include "plugins/auth-apikey/key_store.h"
#include "plugins/auth-apikey/rate_refusals.h"
#include "plugins/auth-apikey/throttle.h"

namespace nexadb::auth {

// The key that NexaDB 1.0 published; worth something in dev mode from loopback alone.
inline constexpr std::string_view kPublishedKey = "b8c37e33faa946d43c2f6e5a0bc7e7e0";
constexpr size_t kSecretBytesMax = 512;
constexpr size_t kKeysMax = 10'000;

struct AuthConfig {
  bool dev_loopback = false;
  uint32_t failed_logins_per_minute = 10;
};

class ApiKeyAuthenticator final : public Authenticator,
                                  public KeyAdmin,
                                  public AttributedKeyAdmin,
                                  public CountHeir,
                                  public RepeatAuthenticator {
 public:
  ApiKeyAuthenticator(PluginContext& context, const AuthConfig& config);
  ~ApiKeyAuthenticator();

  // Loads the store, or makes it with a root key on the first start. `predecessor`, or null, hands
  // the store over.
  Status Start(KeyHandover* predecessor);
  // Stores when keys were last used; gives the keys back to a predecessor that still serves.
  void Stop();

  // As a predecessor: KeyHandover and KeyFollower in this plugin's own words.
  Status Yield(Authenticator& heir, const KeyOpening& opening);
  Status Resume();
  void Follow(BytesView store, bool dev_loopback) noexcept;
  bool InUse();
  // From here on every call is the heir's, when there is one; the context is used no more.
  void Retire();

  // Authenticator
  Result<Handle<Principal>> Authenticate(const Credentials& credentials) noexcept override;
  void AuthenticateAsync(const Credentials& credentials,
                         const AuthenticateCallback& callback) noexcept override;
  Handle<Principal> System() noexcept override;
  void* Facet(const InterfaceId& id) noexcept override;

  // RepeatAuthenticator
  Result<Handle<Principal>> AuthenticateAgain(const Credentials& credentials) noexcept override;

  // CountHeir
  void TakeOver(BytesView counts) noexcept override;

  // KeyAdmin: changes on behalf of nobody named.
  Result<Buffer> Create(BytesView spec) noexcept override { return CreateFor({}, spec); }
  Result<Buffer> List() noexcept override;
  Result<Buffer> Get(StringView id) noexcept override;
  Result<Buffer> Update(StringView id, BytesView changes) noexcept override {
    return UpdateFor({}, id, changes);
  }
  Status Revoke(StringView id) noexcept override { return RevokeFor({}, id); }
  Result<Buffer> Rotate(StringView id, uint64_t grace_ms) noexcept override {
    return RotateFor({}, id, grace_ms);
  }

  // AttributedKeyAdmin
  Result<Buffer> CreateFor(const KeyActor& actor, BytesView spec) noexcept override;
  Result<Buffer> UpdateFor(const KeyActor& actor, StringView id,
                           BytesView changes) noexcept override;
  Status RevokeFor(const KeyActor& actor, StringView id) noexcept override;
  Result<Buffer> RotateFor(const KeyActor& actor, StringView id,
                           uint64_t grace_ms) noexcept override;

 private:
  struct DigestHash {
    size_t operator()(const Digest& digest) const {
      return bson::Load<size_t>(digest.data());  // it is a hash
    }
  };
  struct Lookup {
    KeyEntry* entry = nullptr;
    int64_t until_ms = 0;  // a rotated secret's last moment; 0: none
  };
  using LookupTable = std::unordered_map<Digest, Lookup, DigestHash>;

  int64_t NowMs() const { return clock_.UnixMs(); }
  static KeyRecord DeveloperRecord();
  // These three take admin_mutex_.
  std::string Counts();  // as CountHeir reads them
  Status Inherit(KeyHandover& predecessor);
  Status OpenAlone() noexcept;
  // Lock, directory and keys. REQUIRES, as all below: admin_mutex_ held.
  Status Open();
  Status LockStore();
  Status LoadOrCreate();
  Status SaveUse();
  void ShowForebears();
  void RevokeAll();
  Status WarnOfForeignRootKey(const std::vector<KeyRecord>& records);
  Result<std::string> ReadOrWriteRootKey();
  Status WriteRootKey(const std::string& secret);
  // Whether a request counts against its key's rate.
  enum class Counting { kCounts, kCountedBefore };
  static Result<Handle<Principal>> Ask(Authenticator& heir, const Credentials& credentials,
                                       Counting counting);
  Result<Handle<Principal>> Admit(const Credentials& credentials, Counting counting);
  Result<Handle<Principal>> Refuse(const Credentials& credentials);
  // Of a key that has sent as many requests as it may.
  Result<Handle<Principal>> RefuseForNow(KeyEntry& key, const Credentials& credentials,
                                         uint64_t wait_ns);
  KeyEntry* Find(const Digest& digest, int64_t now_ms);

  // Makes `records` durable, then visible. REQUIRES: admin_mutex_ held.
  Status Commit(std::vector<KeyRecord> records);
  void Show(const std::vector<KeyRecord>& records);
  Result<size_t> IndexOf(std::string_view id) const;
  // Refuses a change after which no valid key of full scope is left.
  Status CheckFullKeyIsLeft(const std::vector<KeyRecord>& records) const;
  Buffer Describe(const KeyRecord& record, const std::string* secret);
  void Audit(std::string_view what, const KeyRecord& key, const KeyActor& actor);

  PluginContext& context_;
  const AuthConfig config_;
  Clock& clock_;  // the kernel's, which lives longer than the context
  const std::string store_directory_;
  const std::string kernel_directory_;
  const std::string root_key_path_;
  KeyStore store_;
  Throttle throttle_;
  Counter& refused_;
  Counter& throttled_;
  RateRefusals rate_refusals_;
  KeyEntry* system_ = nullptr;
  KeyEntry* developer_ = nullptr;  // dev mode only
  Handle<FileLock> lock_;

  std::mutex admin_mutex_;
  std::vector<KeyRecord> records_;  // guarded by admin_mutex_

  std::shared_mutex table_mutex_;
  LookupTable table_;                         // guarded by table_mutex_
  std::map<std::string, KeyEntry*> entries_;  // guarded by admin_mutex_

  // The one replaced by this one, which knows those before it, while principals of theirs are held.
  struct Forebear {
    Handle<KeyFollower> keys;
    uint64_t since_ns;
  };
  std::vector<Forebear> forebears_;  // guarded by admin_mutex_

  // Held shared by whoever changes keys here or writes to the log. Comes before admin_mutex_.
  std::shared_mutex heir_mutex_;
  KeyAdmin* heir_admin_ = nullptr;          // guarded by heir_mutex_; null: changes are made here
  AttributedKeyAdmin* heir_for_ = nullptr;  // guarded by heir_mutex_; null: the heir names nobody
  Authenticator* chosen_heir_ = nullptr;    // guarded by heir_mutex_
  std::atomic<Authenticator*> heir_{nullptr};  // set once retired
};

}  // namespace nexadb::auth
