// nexadb.auth-apikey: the plugin's life around ApiKeyAuthenticator.
#include "nexadb/plugin.h"

#include "nexadb/sdk/guard.h"
#include "plugins/auth-apikey/authenticator.h"

namespace nexadb::auth {
namespace {

// A predecessor in the hands of its heir: the authenticator without the plugin around it.
class Follower final : public KeyFollower {
 public:
  explicit Follower(std::shared_ptr<ApiKeyAuthenticator> keys) : keys_(std::move(keys)) {}
  void Show(BytesView store, uint32_t dev_loopback) noexcept override {
    keys_->Follow(store, dev_loopback != 0);
  }
  uint32_t InUse() noexcept override { return keys_->InUse() ? 1 : 0; }
  Status Resume() noexcept override {
    return sdk::Guard([&]() -> Status { return keys_->Resume(); });
  }
  void Release() noexcept override { delete this; }

 private:
  const std::shared_ptr<ApiKeyAuthenticator> keys_;
};

class AuthPlugin final : public Plugin, public Successor, public KeyHandover {
 public:
  Status Configure(PluginContext& context) noexcept override {
    return sdk::Guard([&]() -> Status {
      const ConfigView& config = context.Config();
      AuthConfig read;
      auto dev_loopback = config.Bool("dev_loopback");
      if (!dev_loopback.ok()) return dev_loopback.status();
      read.dev_loopback = *dev_loopback || context.DevMode();
      auto failures = config.Integer("failed_logins_per_minute");
      if (!failures.ok()) return failures.status();
      read.failed_logins_per_minute = static_cast<uint32_t>(*failures);
      authenticator_ = std::make_shared<ApiKeyAuthenticator>(context, read);
      return context.Provide<Authenticator>(*authenticator_);
    });
  }
  Status Start() noexcept override {
    return sdk::Guard([&]() -> Status { return authenticator_->Start(predecessor_); });
  }
  void Drain(uint64_t) noexcept override {
    if (authenticator_) authenticator_->Retire();
  }
  void Stop() noexcept override {
    if (authenticator_) authenticator_->Stop();
  }
  Status Reconfigure(const ConfigView&) noexcept override {
    return Status::Error(Code::kUnsupported, "auth-apikey takes new options by being replaced");
  }
  void* Facet(const InterfaceId& id) noexcept override {
    if (id == Successor::kInterface) return static_cast<Successor*>(this);
    if (id == KeyHandover::kInterface) return static_cast<KeyHandover*>(this);
    return nullptr;
  }
  Status Succeed(Plugin& predecessor) noexcept override {
    predecessor_ = static_cast<KeyHandover*>(predecessor.Facet(KeyHandover::kInterface));
    if (predecessor_ != nullptr) return {};
    return Status::Error(Code::kUnsupported, "the one that runs cannot hand its keys over");
  }
  Result<Handle<KeyFollower>> Yield(Authenticator& heir,
                                    const KeyOpening& opening) noexcept override {
    return sdk::Guard([&]() -> Result<Handle<KeyFollower>> {
      auto follower = Handle<KeyFollower>(new Follower(authenticator_));
      if (Status yielded = authenticator_->Yield(heir, opening); !yielded.ok()) return yielded;
      return follower;
    });
  }
  void Release() noexcept override { delete this; }

 private:
  std::shared_ptr<ApiKeyAuthenticator> authenticator_;
  KeyHandover* predecessor_ = nullptr;  // between Succeed and Start
};

}  // namespace
}  // namespace nexadb::auth

NEXADB_PLUGIN("nexadb.auth-apikey", nexadb::auth::AuthPlugin)
