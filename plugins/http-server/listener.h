// Listening sockets: addresses from the configuration, bound and listening.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nexadb/abi.h"
#include "nexadb/log.h"
#include "plugins/http-server/handover.h"

namespace nexadb::http {

struct ListenAddress {
  std::string text;  // as configured
  std::string host;  // numeric, without brackets
  uint16_t port = 0;
  bool ipv6 = false;

  bool IsLoopback() const { return ipv6 ? host == "::1" : host.starts_with("127."); }
  bool operator==(const ListenAddress&) const = default;
};

// "127.0.0.1:6969", "[::1]:6969", "localhost:80" is refused: addresses are numeric. Fails with
// kInvalidArgument and a text that shows the form.
Result<ListenAddress> ParseListenAddress(std::string_view text);

struct ListenSocket {
  int fd = -1;
  uint16_t port = 0;
  std::string text;
};

// Binds them all, or none. Those that `predecessor`, which may be null, listens on are taken from
// it. An address family or address that the machine lacks is left out with a
// warning, unless none is left. Port 0 takes a free port, which later addresses with port 0 share.
// A port in use fails with kConflict and a hint.
Result<std::vector<ListenSocket>> OpenListeners(const std::vector<ListenAddress>& addresses,
                                                ListenerHandover* predecessor, Logger& log);

struct PeerAddress {
  std::string text;       // without port
  bool loopback = false;  // calls from this machine
  bool late = false;      // came when the server was draining already
};

// Accepts one connection, non-blocking, with TCP_NODELAY. -1 with errno set when there is none.
int AcceptPeer(int listener, PeerAddress& peer);

}  // namespace nexadb::http
