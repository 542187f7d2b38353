// nexadb.auth-apikey: the plugin's life around ApiKeyAuthenticator.
#include "nexadb/plugin.h"

#include "nexadb/sdk/guard.h"
#include "plugins/auth-apikey/authenticator.h"

namespace nexadb::auth {
namespace {

class AuthPlugin final : public Plugin {
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
      authenticator_ = std::make_unique<ApiKeyAuthenticator>(context, read);
      return context.Provide<Authenticator>(*authenticator_);
    });
  }
  Status Start() noexcept override {
    return sdk::Guard([&]() -> Status { return authenticator_->Start(); });
  }
  void Drain(uint64_t) noexcept override {}
  void Stop() noexcept override {
    if (authenticator_) authenticator_->Stop();
  }
  Status Reconfigure(const ConfigView&) noexcept override {
    return Status::Error(Code::kUnsupported, "auth-apikey takes a new configuration on restart");
  }
  void* Facet(const InterfaceId&) noexcept override { return nullptr; }
  void Release() noexcept override { delete this; }

 private:
  std::unique_ptr<ApiKeyAuthenticator> authenticator_;
};

}  // namespace
}  // namespace nexadb::auth

NEXADB_PLUGIN("nexadb.auth-apikey", nexadb::auth::AuthPlugin)
