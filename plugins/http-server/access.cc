#include "plugins/http-server/access.h"

#include <algorithm>

namespace nexadb::http {
namespace {

bool HasPort(std::string_view host) {
  const size_t colon = host.rfind(':');
  if (colon == std::string_view::npos) return false;
  const size_t bracket = host.rfind(']');
  return bracket == std::string_view::npos || colon > bracket;
}

// The authority of an origin, when that is one of http or https; else empty.
std::string_view OriginAuthority(std::string_view origin) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme)) return origin.substr(scheme.size());
  }
  return {};
}

}  // namespace

AccessRules::AccessRules(const std::vector<std::string>& hosts, std::vector<std::string> origins,
                         const std::vector<uint16_t>& ports)
    : origins_(std::move(origins)) {
  const std::vector<std::string> loopback = {"127.0.0.1", "[::1]", "localhost"};
  for (const std::string& host : hosts.empty() ? loopback : hosts) {
    if (HasPort(host)) {
      hosts_.push_back(host);
      continue;
    }
    for (const uint16_t port : ports) {
      hosts_.push_back(host + ":" + std::to_string(port));
      // Clients leave a scheme's own port out.
      if (port == 80 || port == 443) hosts_.push_back(host);
    }
  }
  any_origin_ = std::find(origins_.begin(), origins_.end(), "*") != origins_.end();
}

bool AccessRules::HostAllowed(std::string_view host) const {
  return std::any_of(hosts_.begin(), hosts_.end(),
                     [&](const std::string& allowed) { return EqualsIgnoringCase(allowed, host); });
}

bool AccessRules::OriginListed(std::string_view origin) const {
  if (any_origin_) return true;
  return std::any_of(origins_.begin(), origins_.end(),
                     [&](const std::string& listed) { return EqualsIgnoringCase(listed, origin); });
}

bool AccessRules::Check(const Framing& framing, Refusal& refusal) const {
  if (!HostAllowed(framing.host)) {
    refusal.error = ErrorId::kMisdirected;
    refusal.detail = "Host '" + std::string(framing.host.substr(0, 100)) +
                     "' is not a name of this server. Names are listed in allowed_hosts.";
    return false;
  }
  if (!framing.has_origin) {
    if (!EqualsIgnoringCase(framing.fetch_site, "cross-site") || any_origin_) return true;
    refusal.error = ErrorId::kCrossOrigin;
    refusal.detail = "A page of another site may not use this server.";
    return false;
  }
  const bool same_origin = EqualsIgnoringCase(OriginAuthority(framing.origin), framing.host);
  if (same_origin || OriginListed(framing.origin)) return true;
  refusal.error = ErrorId::kCrossOrigin;
  refusal.detail = "Pages of '" + std::string(framing.origin.substr(0, 100)) +
                   "' may not use this server. Origins are listed in cors.origins.";
  return false;
}

std::string_view AccessRules::AllowOrigin(const Framing& framing) const {
  if (!framing.has_origin || !cors()) return {};
  if (any_origin_) return "*";
  return OriginListed(framing.origin) ? framing.origin : std::string_view();
}

}  // namespace nexadb::http
