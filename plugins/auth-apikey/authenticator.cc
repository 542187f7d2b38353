#include "plugins/auth-apikey/authenticator.h"

#include <algorithm>

#include "core/document/error.h"
#include "nexadb/sdk/guard.h"
#include "plugins/auth-apikey/key_spec.h"

namespace nexadb::auth {
namespace {

// Shorter secrets in root.key are mistakes: an empty file, a word.
constexpr size_t kRootSecretBytesMin = 32;
constexpr uint64_t kGraceMsMax = 30ull * 24 * 3600 * 1000;

KeyRecord FullRecord(std::string_view id, std::string_view name) {
  KeyRecord record;
  record.id = id;
  record.name = name;
  record.actions = kAllActions;
  record.patterns = {"*/*"};
  return record;
}

// In whole seconds, as the header Retry-After counts.
Status RateLimited(uint64_t wait_ns) {
  constexpr uint64_t kNsPerSecond = 1'000'000'000;
  const auto wait_s = static_cast<int64_t>((wait_ns + kNsPerSecond - 1) / kNsPerSecond);
  const std::string detail = ErrorDetail().Int64("retry_after_s", wait_s).Finish();
  return Status::Make(
      Code::kResourceExhausted, kErrorDomain, static_cast<int32_t>(ErrorId::kRateLimited),
      "this key has sent as many requests as it may; try again in " + std::to_string(wait_s) + " s",
      AsBytes(detail));
}

Counter& MakeCounter(MetricsRegistry& metrics, StringView name, StringView help) {
  MetricSpec spec;
  spec.name = name;
  spec.help = help;
  return metrics.NewCounter(spec);
}

}  // namespace

ApiKeyAuthenticator::ApiKeyAuthenticator(PluginContext& context, const AuthConfig& config)
    : context_(context),
      config_(config),
      clock_(context.Env().Clock()),
      store_directory_(std::string_view(context.DataDirectory())),
      kernel_directory_(std::string_view(context.KernelDataDirectory())),
      root_key_path_(kernel_directory_ + "/root.key"),
      store_(context.Env().Files(), store_directory_),
      throttle_(config.failed_logins_per_minute),
      refused_(MakeCounter(context.Metrics(), "nexadb_auth_refused_total", "Bad keys.")),
      throttled_(
          MakeCounter(context.Metrics(), "nexadb_auth_throttled_total", "Bad keys answered 429.")),
      rate_refusals_(context.Metrics(), context.Log()) {
  system_ = new KeyEntry(FullRecord("system", "the server itself"), clock_);
  if (config.dev_loopback) developer_ = new KeyEntry(DeveloperRecord(), clock_);
}

KeyRecord ApiKeyAuthenticator::DeveloperRecord() {
  return FullRecord("developer", "dev mode, without a key");
}

ApiKeyAuthenticator::~ApiKeyAuthenticator() {
  for (const auto& [id, entry] : entries_) entry->Release();
  system_->Release();
  if (developer_ != nullptr) developer_->Release();
}

Status ApiKeyAuthenticator::Start(KeyHandover* predecessor) {
  Status opened = predecessor != nullptr ? Inherit(*predecessor) : OpenAlone();
  if (!opened.ok()) return opened;
  if (config_.dev_loopback) {
    context_.Log().Warning(
        "dev mode: every program on this machine may do everything here without a key, and the "
        "published default key is accepted from loopback. Not for servers.");
  }
  return {};
}

Status ApiKeyAuthenticator::Open() {
  FileSystem& files = context_.Env().Files();
  if (Status made = files.CreateDirectories(store_directory_); !made.ok()) return made;
  if (Status locked = LockStore(); !locked.ok()) return locked;
  return LoadOrCreate();
}

Status ApiKeyAuthenticator::LoadOrCreate() {
  auto loaded = store_.Load();
  if (!loaded.ok()) return loaded.status();
  if (*loaded) {
    records_ = std::move(**loaded);
    Show(records_);
    context_.Log().Info(std::to_string(records_.size()) + " keys loaded from " + store_.path());
    return WarnOfForeignRootKey(records_);
  }
  auto secret = ReadOrWriteRootKey();
  if (!secret.ok()) return secret.status();
  KeyRecord root = FullRecord(kRootKeyId, "root");
  root.digest = DigestOf(*secret);
  root.created_ms = NowMs();
  return Commit({root});
}

// The key of root.key when the file is there, a new one otherwise. The file is written before the
// store: a crash in between is the first case on the next start.
Result<std::string> ApiKeyAuthenticator::ReadOrWriteRootKey() {
  FileSystem& files = context_.Env().Files();
  if (files.Exists(root_key_path_)) {
    auto text = ReadSmallFile(files, root_key_path_, kSecretBytesMax + 2);
    if (!text.ok()) return text.status();
    while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
    if (text->size() < kRootSecretBytesMin || text->size() > kSecretBytesMax) {
      return Status::Error(Code::kCorruption,
                           root_key_path_ + " holds no key. Remove it to get a new one.");
    }
    context_.Log().Info("the root key is the one in " + root_key_path_);
    return std::move(*text);
  }
  std::string secret = NewSecret(context_.Env().Random());
  if (Status written = WriteRootKey(secret); !written.ok()) return written;
  context_.Log().Info("a root key was made; it is in " + root_key_path_);
  return secret;
}

Status ApiKeyAuthenticator::WriteRootKey(const std::string& secret) {
  FileSystem& files = context_.Env().Files();
  if (Status made = files.CreateDirectories(kernel_directory_); !made.ok()) return made;
  return WriteFileAtomically(files, kernel_directory_, root_key_path_, secret + "\n");
}

Status ApiKeyAuthenticator::WarnOfForeignRootKey(const std::vector<KeyRecord>& records) {
  FileSystem& files = context_.Env().Files();
  if (!files.Exists(root_key_path_)) return {};
  auto text = ReadSmallFile(files, root_key_path_, kSecretBytesMax + 2);
  if (!text.ok()) return text.status();
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  const Digest digest = DigestOf(*text);
  const bool known = std::any_of(records.begin(), records.end(), [&](const KeyRecord& record) {
    return Equal(record.digest, digest) && record.ValidAt(NowMs());
  });
  if (!known) {
    context_.Log().Warning("the key in " + root_key_path_ +
                           " is not valid: it is not in the key store, or has been rotated, "
                           "revoked or has expired");
  }
  return {};
}

void ApiKeyAuthenticator::Stop() {
  {
    std::shared_lock standing(heir_mutex_);
    if (heir_admin_ != nullptr) return;  // the store is the heir's
  }
  std::vector<Forebear> forebears;
  {
    std::lock_guard lock(admin_mutex_);
    if (const Status saved = sdk::Guard([&] { return SaveUse(); }); !saved.ok()) {
      context_.Log().Warning("when keys were last used could not be stored: " +
                             std::string(saved.message()));
    }
    lock_.Reset();
    forebears.swap(forebears_);
  }
  // Without the lock: changes that a predecessor has passed on may wait for it, and Resume for
  // them.
  for (const Forebear& forebear : forebears) {
    if (const Status resumed = forebear.keys->Resume(); !resumed.ok()) {
      context_.Log().Error("the keys could not be given back: " + std::string(resumed.message()));
    }
  }
}

Status ApiKeyAuthenticator::SaveUse() {
  if (!lock_) return {};
  std::vector<KeyRecord> records = records_;
  bool used = false;
  for (KeyRecord& record : records) {
    const int64_t last_used_ms = entries_.at(record.id)->last_used_ms();
    used = used || last_used_ms != record.last_used_ms;
    record.last_used_ms = last_used_ms;
  }
  return used ? store_.Save(records) : Status();
}

KeyEntry* ApiKeyAuthenticator::Find(const Digest& digest, int64_t now_ms) {
  const auto found = table_.find(digest);
  if (found == table_.end() || !Equal(found->first, digest)) return nullptr;
  const Lookup& lookup = found->second;
  if (lookup.until_ms != 0 && now_ms >= lookup.until_ms) return nullptr;
  return lookup.entry->Valid() ? lookup.entry : nullptr;
}

Result<Handle<Principal>> ApiKeyAuthenticator::Authenticate(
    const Credentials& credentials) noexcept {
  return sdk::Guard([&] { return Admit(credentials, Counting::kCounts); });
}

Result<Handle<Principal>> ApiKeyAuthenticator::AuthenticateAgain(
    const Credentials& credentials) noexcept {
  return sdk::Guard([&] { return Admit(credentials, Counting::kCountedBefore); });
}

Result<Handle<Principal>> ApiKeyAuthenticator::Ask(Authenticator& heir,
                                                   const Credentials& credentials,
                                                   Counting counting) {
  if (counting == Counting::kCountedBefore) {
    if (void* repeat = heir.Facet(RepeatAuthenticator::kInterface)) {
      return static_cast<RepeatAuthenticator*>(repeat)->AuthenticateAgain(credentials);
    }
  }
  return heir.Authenticate(credentials);
}

Result<Handle<Principal>> ApiKeyAuthenticator::Admit(const Credentials& credentials,
                                                     Counting counting) {
  if (Authenticator* heir = heir_.load(std::memory_order_acquire)) {
    return Ask(*heir, credentials, counting);
  }
  const bool developer = developer_ != nullptr && credentials.peer_is_loopback != 0;
  if (credentials.secret.empty()) {
    if (developer) return developer_->NewHandle();
    return MakeError(ErrorId::kUnauthorized,
                     "a key is needed: send it as 'X-API-Key: KEY' or 'Authorization: Bearer "
                     "KEY'");
  }
  if (developer && std::string_view(credentials.secret) == kPublishedKey) {
    return developer_->NewHandle();
  }
  if (credentials.secret.size() > kSecretBytesMax) return Refuse(credentials);
  const Digest digest = DigestOf(credentials.secret);
  const int64_t now_ms = NowMs();
  Handle<Principal> held;
  KeyEntry* entry = nullptr;
  {
    std::shared_lock lock(table_mutex_);
    entry = Find(digest, now_ms);
    if (entry != nullptr) held = entry->NewHandle();
  }
  if (entry == nullptr) return Refuse(credentials);
  entry->Touch(now_ms);
  const uint64_t wait_ns = counting == Counting::kCounts ? entry->TakeTurn() : 0;
  if (wait_ns != 0) return RefuseForNow(*entry, credentials, wait_ns);
  return held;
}

// One text for an unknown, an expired and a revoked key.
Result<Handle<Principal>> ApiKeyAuthenticator::Refuse(const Credentials& credentials) {
  std::shared_lock standing(heir_mutex_);
  if (Authenticator* heir = heir_.load(std::memory_order_relaxed)) {
    return heir->Authenticate(credentials);
  }
  const int64_t wait_ms = throttle_.NoteFailure(credentials.peer, NowMs());
  if (wait_ms > 0) {
    throttled_.Add(1);
    const int64_t wait_s = (wait_ms + 999) / 1000;
    const std::string detail = ErrorDetail().Int64("retry_after_s", wait_s).Finish();
    return Status::Make(
        Code::kResourceExhausted, kErrorDomain, static_cast<int32_t>(ErrorId::kLoginThrottled),
        "too many bad keys from this address; try again in " + std::to_string(wait_s) + " s",
        AsBytes(detail));
  }
  refused_.Add(1);
  const LogField peer{"peer", credentials.peer};
  context_.Log().Write(LogLevel::kWarning, "audit: a bad key was refused", {&peer, 1});
  return MakeError(ErrorId::kInvalidKey, "the key is not valid");
}

Result<Handle<Principal>> ApiKeyAuthenticator::RefuseForNow(KeyEntry& key,
                                                            const Credentials& credentials,
                                                            uint64_t wait_ns) {
  std::shared_lock standing(heir_mutex_);
  if (Authenticator* heir = heir_.load(std::memory_order_relaxed)) {
    return heir->Authenticate(credentials);
  }
  rate_refusals_.Note(key.Id(), key.Name(), NowMs());
  return RateLimited(wait_ns);
}

void ApiKeyAuthenticator::AuthenticateAsync(const Credentials& credentials,
                                            const AuthenticateCallback& callback) noexcept {
  callback.done(callback.state, Authenticate(credentials));
}

Handle<Principal> ApiKeyAuthenticator::System() noexcept { return system_->NewHandle(); }

void* ApiKeyAuthenticator::Facet(const InterfaceId& id) noexcept {
  if (id == KeyAdmin::kInterface) return static_cast<KeyAdmin*>(this);
  if (id == AttributedKeyAdmin::kInterface) return static_cast<AttributedKeyAdmin*>(this);
  if (id == CountHeir::kInterface) return static_cast<CountHeir*>(this);
  if (id == RepeatAuthenticator::kInterface) return static_cast<RepeatAuthenticator*>(this);
  return nullptr;
}

Status ApiKeyAuthenticator::Commit(std::vector<KeyRecord> records) {
  for (KeyRecord& record : records) {
    const auto entry = entries_.find(record.id);
    if (entry != entries_.end()) record.last_used_ms = entry->second->last_used_ms();
  }
  if (Status saved = store_.Save(records); !saved.ok()) return saved;
  records_ = std::move(records);
  Show(records_);
  ShowForebears();
  return {};
}

void ApiKeyAuthenticator::Show(const std::vector<KeyRecord>& records) {
  LookupTable table;
  std::map<std::string, KeyEntry*> entries;
  for (const KeyRecord& record : records) {
    const auto known = entries_.find(record.id);
    KeyEntry* entry = known != entries_.end() ? known->second : new KeyEntry(record, clock_);
    entries.emplace(record.id, entry);
    if (known != entries_.end()) entry->Apply(record);
    if (record.revoked_ms != 0) continue;
    table[record.digest] = {entry, 0};
    if (record.previous_until_ms != 0) {
      table[record.previous_digest] = {entry, record.previous_until_ms};
    }
  }
  {
    std::unique_lock lock(table_mutex_);
    table_.swap(table);
  }
  for (const auto& [id, entry] : entries_) {
    if (!entries.contains(id)) entry->Release();
  }
  entries_.swap(entries);
}

Result<size_t> ApiKeyAuthenticator::IndexOf(std::string_view id) const {
  for (size_t i = 0; i < records_.size(); ++i) {
    if (records_[i].id == id) return i;
  }
  return MakeError(ErrorId::kKeyNotFound,
                   "there is no key '" + std::string(id.substr(0, 100)) + "'",
                   ErrorDetail().Text("id", id.substr(0, 100)).Finish());
}

Status ApiKeyAuthenticator::CheckFullKeyIsLeft(const std::vector<KeyRecord>& records) const {
  for (const KeyRecord& record : records) {
    // One that expires would leave nobody in charge later.
    if (record.revoked_ms == 0 && record.expires_ms == 0 &&
        Scope(record.actions, record.patterns).full()) {
      return {};
    }
  }
  return MakeError(ErrorId::kLastRootKey,
                   "this is the last key with every action on */* that does not expire; create "
                   "another one first");
}

Buffer ApiKeyAuthenticator::Describe(const KeyRecord& record, const std::string* secret) {
  KeyRecord shown = record;
  const auto entry = entries_.find(record.id);
  if (entry != entries_.end()) shown.last_used_ms = entry->second->last_used_ms();
  bson::Builder out;
  AppendPublic(shown, out);
  if (secret != nullptr) out.Text("key", *secret);
  return Buffer::Own(out.Finish());
}

void ApiKeyAuthenticator::Audit(std::string_view what, const KeyRecord& key,
                                const KeyActor& actor) {
  const LogField fields[] = {
      {"id", key.id}, {"name", key.name}, {"by", actor.id}, {"peer", actor.peer}};
  const size_t told = !actor.peer.empty() ? 4 : !actor.id.empty() ? 3 : 2;
  context_.Log().Write(LogLevel::kInfo, "audit: " + std::string(what), {fields, told});
}

Result<Buffer> ApiKeyAuthenticator::CreateFor(const KeyActor& actor, BytesView spec) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    std::shared_lock standing(heir_mutex_);
    if (heir_for_ != nullptr) return heir_for_->CreateFor(actor, spec);
    if (heir_admin_ != nullptr) return heir_admin_->Create(spec);
    KeyRecord record;
    record.created_ms = NowMs();
    Status applied = ApplySpec(bson::Document(spec), SpecUse::kCreate, NowMs(), record);
    if (!applied.ok()) return applied;
    const std::string secret = NewSecret(context_.Env().Random());
    record.id = NewKeyId(context_.Env().Random());
    record.digest = DigestOf(secret);
    std::lock_guard lock(admin_mutex_);
    std::vector<KeyRecord> records = records_;
    std::optional<KeyRecord> forgotten;
    if (records.size() >= kKeysMax) {
      // A revoked key is kept to be looked at; it makes room for one that works.
      const auto revoked = std::find_if(records.begin(), records.end(),
                                        [](const KeyRecord& key) { return key.revoked_ms != 0; });
      if (revoked == records.end()) {
        return LimitError(ErrorId::kLimitReached, "keys", kKeysMax,
                          static_cast<int64_t>(records.size()) + 1);
      }
      forgotten = std::move(*revoked);
      records.erase(revoked);
    }
    records.push_back(record);
    if (Status stored = Commit(std::move(records)); !stored.ok()) return stored;
    if (forgotten) Audit("revoked key forgotten", *forgotten, actor);
    Audit("key created", record, actor);
    return Describe(record, &secret);
  });
}

Result<Buffer> ApiKeyAuthenticator::List() noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    std::shared_lock standing(heir_mutex_);
    if (heir_admin_ != nullptr) return heir_admin_->List();
    std::lock_guard lock(admin_mutex_);
    bson::Builder out;
    out.OpenArray("keys");
    for (size_t i = 0; i < records_.size(); ++i) {
      const Buffer one = Describe(records_[i], nullptr);
      out.Object(std::to_string(i), bson::Document(one.bytes()));
    }
    out.Close();
    return Buffer::Own(out.Finish());
  });
}

Result<Buffer> ApiKeyAuthenticator::Get(StringView id) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    std::shared_lock standing(heir_mutex_);
    if (heir_admin_ != nullptr) return heir_admin_->Get(id);
    std::lock_guard lock(admin_mutex_);
    auto index = IndexOf(id);
    if (!index.ok()) return index.status();
    return Describe(records_[*index], nullptr);
  });
}

Result<Buffer> ApiKeyAuthenticator::UpdateFor(const KeyActor& actor, StringView id,
                                              BytesView changes) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    std::shared_lock standing(heir_mutex_);
    if (heir_for_ != nullptr) return heir_for_->UpdateFor(actor, id, changes);
    if (heir_admin_ != nullptr) return heir_admin_->Update(id, changes);
    std::lock_guard lock(admin_mutex_);
    auto index = IndexOf(id);
    if (!index.ok()) return index.status();
    std::vector<KeyRecord> records = records_;
    KeyRecord& record = records[*index];
    if (record.revoked_ms != 0) {
      return MakeError(ErrorId::kConflict, "key '" + record.id + "' is revoked for good");
    }
    Status applied = ApplySpec(bson::Document(changes), SpecUse::kUpdate, NowMs(), record);
    if (!applied.ok()) return applied;
    if (Status left = CheckFullKeyIsLeft(records); !left.ok()) return left;
    if (Status stored = Commit(std::move(records)); !stored.ok()) return stored;
    Audit("key changed", records_[*index], actor);
    return Describe(records_[*index], nullptr);
  });
}

Status ApiKeyAuthenticator::RevokeFor(const KeyActor& actor, StringView id) noexcept {
  return sdk::Guard([&]() -> Status {
    std::shared_lock standing(heir_mutex_);
    if (heir_for_ != nullptr) return heir_for_->RevokeFor(actor, id);
    if (heir_admin_ != nullptr) return heir_admin_->Revoke(id);
    std::lock_guard lock(admin_mutex_);
    auto index = IndexOf(id);
    if (!index.ok()) return index.status();
    std::vector<KeyRecord> records = records_;
    KeyRecord& record = records[*index];
    if (record.revoked_ms != 0) return {};  // twice is as good as once
    record.revoked_ms = NowMs();
    record.previous_until_ms = 0;
    if (Status left = CheckFullKeyIsLeft(records); !left.ok()) return left;
    if (Status stored = Commit(std::move(records)); !stored.ok()) return stored;
    Audit("key revoked", records_[*index], actor);
    return {};
  });
}

Result<Buffer> ApiKeyAuthenticator::RotateFor(const KeyActor& actor, StringView id,
                                              uint64_t grace_ms) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    std::shared_lock standing(heir_mutex_);
    if (heir_for_ != nullptr) return heir_for_->RotateFor(actor, id, grace_ms);
    if (heir_admin_ != nullptr) return heir_admin_->Rotate(id, grace_ms);
    if (grace_ms > kGraceMsMax) {
      return MakeError(ErrorId::kBadRequest, "the time of grace is longer than 30 days");
    }
    std::lock_guard lock(admin_mutex_);
    auto index = IndexOf(id);
    if (!index.ok()) return index.status();
    std::vector<KeyRecord> records = records_;
    KeyRecord& record = records[*index];
    if (!record.ValidAt(NowMs())) {
      return MakeError(ErrorId::kConflict, "key '" + record.id + "' is revoked or has expired");
    }
    const std::string secret = NewSecret(context_.Env().Random());
    record.previous_digest = record.digest;
    record.previous_until_ms = grace_ms == 0 ? 0 : NowMs() + static_cast<int64_t>(grace_ms);
    record.digest = DigestOf(secret);
    if (Status stored = Commit(std::move(records)); !stored.ok()) return stored;
    Audit("key rotated", records_[*index], actor);
    // root.key follows its key, where it is still kept; local tools read it.
    if (records_[*index].id == kRootKeyId && context_.Env().Files().Exists(root_key_path_)) {
      if (Status written = WriteRootKey(secret); !written.ok()) {
        context_.Log().Error(root_key_path_ +
                             " still holds the old root key: " + std::string(written.message()));
      }
    }
    return Describe(records_[*index], &secret);
  });
}

}  // namespace nexadb::auth
