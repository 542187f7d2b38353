// nexadb.http-server: the plugin's life around Server.
#include "nexadb/plugin.h"

#include <thread>

#include "nexadb/sdk/guard.h"
#include "plugins/http-server/server.h"

namespace nexadb::http {
namespace {

Result<std::vector<std::string>> ReadTexts(const ConfigView& config, StringView key) {
  std::vector<std::string> texts;
  if (!config.Has(key)) return texts;
  auto count = config.TextCount(key);
  if (!count.ok()) return count.status();
  for (uint64_t i = 0; i < *count; ++i) {
    auto text = config.TextAt(key, i);
    if (!text.ok()) return text.status();
    texts.emplace_back(std::string_view(*text));
  }
  return texts;
}

// The message never repeats the value: it may be a key that was put where its path belongs.
Result<std::string> ReadPath(const ConfigView& config, const char* key) {
  if (!config.Has(key)) return std::string();
  auto text = config.Text(key);
  if (!text.ok()) return text.status();
  std::string path{std::string_view(*text)};
  if (path.find('\n') != std::string::npos || path.find("-----BEGIN") != std::string::npos) {
    return Status::Error(Code::kInvalidArgument,
                         std::string("tls.") + key +
                             ": is a PEM text itself; store it in a file and name that here");
  }
  return path;
}

Result<TlsConfig> ReadTls(const ConfigView& config) {
  TlsConfig out;
  auto certificate = ReadPath(config, "certificate");
  if (!certificate.ok()) return certificate.status();
  auto private_key = ReadPath(config, "private_key");
  if (!private_key.ok()) return private_key.status();
  out.certificate = std::move(*certificate);
  out.private_key = std::move(*private_key);
  if (out.certificate.empty() != out.private_key.empty()) {
    return Status::Error(Code::kInvalidArgument,
                         out.certificate.empty()
                             ? "tls.private_key is set, and tls.certificate is not"
                             : "tls.certificate is set, and tls.private_key is not");
  }
  if (!config.Has("handshake_timeout")) return out;
  auto timeout = config.Milliseconds("handshake_timeout");
  if (!timeout.ok()) return timeout.status();
  if (*timeout == 0 || *timeout > TlsConfig().handshake_timeout_ms) {
    return Status::Error(Code::kInvalidArgument,
                         "tls.handshake_timeout is " + std::to_string(*timeout) +
                             " ms; it can be 1 to " +
                             std::to_string(TlsConfig().handshake_timeout_ms) + " ms");
  }
  out.handshake_timeout_ms = *timeout;
  return out;
}

Result<ServerConfig> ReadConfig(const ConfigView& config) {
  ServerConfig out;
  auto listen = ReadTexts(config, "listen");
  if (!listen.ok()) return listen.status();
  for (const std::string& text : *listen) {
    auto address = ParseListenAddress(text);
    if (!address.ok()) return address.status();
    out.listen.push_back(std::move(*address));
  }
  auto hosts = ReadTexts(config, "allowed_hosts");
  if (!hosts.ok()) return hosts.status();
  out.allowed_hosts = std::move(*hosts);
  if (config.Has("cors")) {
    auto cors = config.Table("cors");
    if (!cors.ok()) return cors.status();
    auto origins = ReadTexts(**cors, "origins");
    if (!origins.ok()) return origins.status();
    out.cors_origins = std::move(*origins);
  }
  if (config.Has("tls")) {
    auto table = config.Table("tls");
    if (!table.ok()) return table.status();
    auto tls = ReadTls(**table);
    if (!tls.ok()) return tls.status();
    out.tls = std::move(*tls);
  }
  auto limits = ReadLimits(config);
  if (!limits.ok()) return limits.status();
  out.limits = *limits;
  if (config.Has("release_timeout")) {
    auto timeout = config.Milliseconds("release_timeout");
    if (!timeout.ok()) return timeout.status();
    out.release_timeout_ms = *timeout;
  }
  const unsigned cores = std::thread::hardware_concurrency();
  out.io_threads = cores > 1 ? 2 : 1;
  if (config.Has("io_threads")) {
    auto threads = config.Integer("io_threads");
    if (!threads.ok()) return threads.status();
    if (*threads > 0) out.io_threads = static_cast<uint32_t>(*threads);
  }
  if (config.Has("busy_poll_us")) {
    auto time = config.Integer("busy_poll_us");
    if (!time.ok()) return time.status();
    // On the only core it would keep the client from asking.
    if (cores > 1) out.busy_poll_us = static_cast<uint32_t>(*time);
  }
  if (config.Has("pool_threads")) {
    auto threads = config.Integer("pool_threads");
    if (!threads.ok()) return threads.status();
    out.pool_threads = static_cast<uint32_t>(*threads);
  }
  return out;
}

class HttpServerPlugin final : public Plugin, public Successor {
 public:
  Status Configure(PluginContext& context) noexcept override {
    return sdk::Guard([&]() -> Status {
      auto config = ReadConfig(context.Config());
      if (!config.ok()) return config.status();
      for (const ListenAddress& address : config->listen) {
        if (!context.DevMode() || address.IsLoopback()) continue;
        return Status::Error(Code::kInvalidArgument,
                             "listen: '" + address.text +
                                 "' can be reached from other machines, and --dev is for this one "
                                 "alone; listen on 127.0.0.1 and [::1], or start without --dev");
      }
      server_ = std::make_shared<Server>(context, std::move(*config));
      return context.Provide<HttpRouter>(*server_);
    });
  }
  Status Start() noexcept override {
    return sdk::Guard([&]() -> Status { return server_->Start(); });
  }
  void Drain(uint64_t deadline_ms) noexcept override {
    static_cast<void>(sdk::Guard([&]() -> Status {
                        if (server_) server_->Drain(deadline_ms);
                        return {};
                      }).ok());
  }
  void Stop() noexcept override {
    static_cast<void>(sdk::Guard([&]() -> Status {
                        if (server_) server_->Stop();
                        return {};
                      }).ok());
  }
  Status Reconfigure(const ConfigView& changed) noexcept override {
    return sdk::Guard([&]() -> Status {
      auto config = ReadConfig(changed);
      if (!config.ok()) return config.status();
      if (*config == server_->config()) return server_->ReloadCertificate();
      return Status::Error(Code::kUnsupported,
                           "http-server takes a new configuration by being replaced");
    });
  }
  void* Facet(const InterfaceId& id) noexcept override {
    if (id == Successor::kInterface) return static_cast<Successor*>(this);
    if (id == ListenerHandover::kInterface) return static_cast<ListenerHandover*>(server_.get());
    return nullptr;
  }
  Status Succeed(Plugin& predecessor) noexcept override {
    return sdk::Guard([&]() -> Status {
      void* facet = predecessor.Facet(ListenerHandover::kInterface);
      if (facet != nullptr) server_->Succeed(*static_cast<ListenerHandover*>(facet));
      return {};
    });
  }
  void Release() noexcept override { delete this; }

 private:
  std::shared_ptr<Server> server_;
};

}  // namespace
}  // namespace nexadb::http

NEXADB_PLUGIN("nexadb.http-server", nexadb::http::HttpServerPlugin)
