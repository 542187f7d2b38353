#include "plugins/http-server/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace nexadb::http {
namespace {

constexpr int kBacklog = 4096;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress ToSocketAddress(const ListenAddress& address, uint16_t port) {
  SocketAddress out;
  if (address.ipv6) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    ::inet_pton(AF_INET6, address.host.c_str(), &v6->sin6_addr);
    out.size = sizeof(sockaddr_in6);
  } else {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    ::inet_pton(AF_INET, address.host.c_str(), &v4->sin_addr);
    out.size = sizeof(sockaddr_in);
  }
  return out;
}

uint16_t BoundPort(int fd) {
  SocketAddress bound;
  bound.size = sizeof(bound.storage);
  ::getsockname(fd, bound.get(), &bound.size);
  return bound.storage.ss_family == AF_INET6
             ? ntohs(reinterpret_cast<sockaddr_in6*>(&bound.storage)->sin6_port)
             : ntohs(reinterpret_cast<sockaddr_in*>(&bound.storage)->sin_port);
}

bool MachineLacks(int error) {
  return error == EAFNOSUPPORT || error == EADDRNOTAVAIL || error == EPROTONOSUPPORT;
}

Status BindError(const ListenAddress& address, uint16_t port, int error) {
  std::string text = "cannot listen on " + address.text;
  if (address.port == 0 && port != 0) text += " (port " + std::to_string(port) + ")";
  text += ": " + std::string(std::strerror(error));
  if (error == EADDRINUSE) {
    text +=
        ". Another process has the port ('ss -ltnp' shows which): end it, or set another "
        "port in `listen`";
    return Status::Error(Code::kConflict, text);
  }
  if (error == EACCES) text += ". Ports below 1024 need root or CAP_NET_BIND_SERVICE.";
  return Status::Error(Code::kIoError, text);
}

// The socket, or -1 with errno set.
int BindAndListen(const ListenAddress& address, uint16_t port) {
  const int fd = ::socket(address.ipv6 ? AF_INET6 : AF_INET,
                          SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd < 0) return -1;
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (address.ipv6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  SocketAddress where = ToSocketAddress(address, port);
  if (::bind(fd, where.get(), where.size) != 0 || ::listen(fd, kBacklog) != 0) {
    const int error = errno;
    ::close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

}  // namespace

Result<ListenAddress> ParseListenAddress(std::string_view text) {
  ListenAddress address;
  address.text = text;
  const size_t colon = text.rfind(':');
  const Status malformed = Status::Error(
      Code::kInvalidArgument, "listen: '" + address.text +
                                  "' is not an address and port such as \"127.0.0.1:6969\" or "
                                  "\"[::1]:6969\"");
  if (colon == std::string_view::npos) return malformed;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  const auto parsed = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (port.empty() || parsed.ec != std::errc() || parsed.ptr != port.data() + port.size()) {
    return malformed;
  }
  address.ipv6 = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (address.ipv6) host = host.substr(1, host.size() - 2);
  address.host = host;
  unsigned char bytes[sizeof(in6_addr)];
  const int family = address.ipv6 ? AF_INET6 : AF_INET;
  if (::inet_pton(family, address.host.c_str(), bytes) != 1) return malformed;
  return address;
}

Result<std::vector<ListenSocket>> OpenListeners(const std::vector<ListenAddress>& addresses,
                                                ListenerHandover* predecessor, Logger& log) {
  std::vector<ListenSocket> sockets;
  uint16_t chosen_port = 0;
  Status last_error = Status::Error(Code::kInvalidArgument, "listen: names no address");
  for (const ListenAddress& address : addresses) {
    const uint16_t port = address.port != 0 ? address.port : chosen_port;
    int fd = predecessor != nullptr ? predecessor->Duplicate(address.text) : -1;
    if (fd < 0) fd = BindAndListen(address, port);
    if (fd >= 0) {
      const uint16_t bound = BoundPort(fd);
      if (address.port == 0 && chosen_port == 0) chosen_port = bound;
      sockets.push_back({fd, bound, address.text});
      continue;
    }
    const int error = errno;
    last_error = BindError(address, port, error);
    if (MachineLacks(error)) {
      log.Warning("not listening on " + address.text + ": this machine lacks the address (" +
                  std::strerror(error) + ")");
      continue;
    }
    for (const ListenSocket& opened : sockets) ::close(opened.fd);
    return last_error;
  }
  if (sockets.empty()) return last_error;
  return sockets;
}

int AcceptPeer(int listener, PeerAddress& peer) {
  SocketAddress from;
  from.size = sizeof(from.storage);
  const int fd = ::accept4(listener, from.get(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return -1;
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  char text[INET6_ADDRSTRLEN] = {};
  if (from.storage.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&from.storage);
    ::inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
    peer.loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
  } else {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&from.storage);
    ::inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
    peer.loopback = (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
  }
  peer.text = text;
  return fd;
}

}  // namespace nexadb::http
