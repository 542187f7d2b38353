#include "core/base/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace nexadb::base {
namespace {

Status Failed(std::string_view path, std::string_view why) {
  return Status::Error(Code::kIoError, "the service manager cannot be told at NOTIFY_SOCKET=" +
                                           std::string(path) + ": " + std::string(why));
}

// One datagram; the socket lives for this call alone.
Status Send(const sockaddr_un& address, socklen_t length, std::string_view path,
            std::string_view message) {
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return Failed(path, std::strerror(errno));
  ssize_t sent = -1;
  do {
    sent = ::sendto(socket, message.data(), message.size(), MSG_NOSIGNAL,
                    reinterpret_cast<const sockaddr*>(&address), length);
  } while (sent < 0 && errno == EINTR);
  const int error = errno;
  ::close(socket);
  if (sent < 0) return Failed(path, std::strerror(error));
  if (static_cast<size_t>(sent) != message.size()) return Failed(path, "the message was cut");
  return {};
}

}  // namespace

std::string ServiceReloading(uint64_t monotonic_ns) {
  return "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_ns / 1000);
}

Status NotifyServiceManager(std::string_view message) {
  const char* named = std::getenv("NOTIFY_SOCKET");
  if (named == nullptr || *named == '\0') return {};
  const std::string_view path(named);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // '@' stands for the zero byte with which Linux's abstract names begin.
  if (path[0] != '/' && path[0] != '@') return Failed(path, "it is neither a path nor @name");
  if (path.size() >= sizeof(address.sun_path)) return Failed(path, "it is too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path[0] == '@') address.sun_path[0] = '\0';
  const size_t length = offsetof(sockaddr_un, sun_path) + path.size();
  return Send(address, static_cast<socklen_t>(length), path, message);
}

}  // namespace nexadb::base
