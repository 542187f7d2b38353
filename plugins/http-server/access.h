// AccessRules: which Host and which Origin are answered. They stop pages of other sites in the
// user's browser: a rebound DNS name shows in Host, a foreign page in Origin or Sec-Fetch-Site.
// Immutable once made; any thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/http-server/framing.h"

namespace nexadb::http {

class AccessRules {
 public:
  // Empty hosts: the loopback names. A host without a port means with `port`. `origins` are exact,
  // or one "*".
  AccessRules(const std::vector<std::string>& hosts, std::vector<std::string> origins,
              const std::vector<uint16_t>& ports);
  // False with `refusal` filled: 421 for the Host, 403 for the Origin.
  bool Check(const Framing& framing, Refusal& refusal) const;
  bool cors() const { return any_origin_ || !origins_.empty(); }
  bool AllowsEveryOrigin() const { return any_origin_; }
  // The value of Access-Control-Allow-Origin for a request's Origin; empty when none is due.
  std::string_view AllowOrigin(const Framing& framing) const;

 private:
  bool HostAllowed(std::string_view host) const;
  bool OriginListed(std::string_view origin) const;

  std::vector<std::string> hosts_;
  std::vector<std::string> origins_;
  bool any_origin_ = false;
};

}  // namespace nexadb::http
