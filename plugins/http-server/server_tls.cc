// The certificate of Server: loaded at its start and by SIGHUP, handed to new connections.
#include "plugins/http-server/server.h"

namespace nexadb::http {

Status Server::ReloadCertificate() {
  if (!config_.tls.enabled()) return {};
  auto loaded = TlsContext::Load(config_.tls);
  if (!loaded.ok()) return loaded.status();
  const auto now = CurrentTls();
  if (now == nullptr || !now->SameAs(**loaded)) SetTls(std::move(*loaded));
  return {};
}

std::shared_ptr<const TlsContext> Server::CurrentTls() {
  if (!config_.tls.enabled()) return nullptr;
  std::lock_guard lock(tls_mutex_);
  return tls_;
}

void Server::SetTls(std::shared_ptr<const TlsContext> tls) {
  constexpr int64_t kWarnedBeforeS = 14 * 24 * 3600;
  const std::string what =
      "certificate '" + config_.tls.certificate + "' is valid until " + tls->expires_text();
  const auto now_s = static_cast<int64_t>(context_.Env().Clock().UnixMs() / 1000);
  if (tls->expires_s() - now_s < kWarnedBeforeS) {
    context_.Log().Warning(what + ": renew it, then send SIGHUP");
  } else {
    context_.Log().Info(what);
  }
  if (tls->key_is_exposed()) {
    context_.Log().Warning("tls.private_key: every user of this machine can read or change '" +
                           config_.tls.private_key + "'; chmod 600 is what it should have");
  }
  metrics_.tls->certificate_expires.Set(static_cast<double>(tls->expires_s()));
  std::lock_guard lock(tls_mutex_);
  tls_ = std::move(tls);
}

}  // namespace nexadb::http
