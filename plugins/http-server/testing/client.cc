#include "plugins/http-server/testing/client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <utility>

namespace nexadb::http {
namespace {

constexpr int kTimeoutSeconds = 20;

}  // namespace

Transport DefaultTransport() {
  return std::getenv("NEXADB_HTTP_TEST_TLS") != nullptr ? Transport::kTls : Transport::kPlain;
}

Client::Client(uint16_t port, SSL_CTX* context) : Client(port, Transport::kPlain) {
  if (connected()) Shake(context);
}

Client::Client(uint16_t port, Transport transport) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval timeout{kTimeoutSeconds, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    ::close(fd_);
    fd_ = -1;
  }
  if (connected() && transport == Transport::kTls) Shake(::SSL_CTX_new(::TLS_client_method()));
}

Client::~Client() {
  ::SSL_free(tls_);
  if (fd_ >= 0) ::close(fd_);
}

void Client::Shake(SSL_CTX* context) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes with write()
  ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
  ::SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  ::SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  tls_ = ::SSL_new(context);
  ::SSL_CTX_free(context);
  ::SSL_set_fd(tls_, fd_);
  if (Await([this] { return ::SSL_connect(tls_); }) == 1) return;
  ::SSL_free(std::exchange(tls_, nullptr));
}

int Client::Await(const std::function<int()>& operation) {
  for (;;) {
    pollfd waited{fd_, 0, 0};
    {
      std::lock_guard lock(tls_mutex_);
      ::ERR_clear_error();
      const int result = operation();
      if (result > 0) return result;
      const int error = ::SSL_get_error(tls_, result);
      if (error == SSL_ERROR_WANT_READ) waited.events = POLLIN;
      if (error == SSL_ERROR_WANT_WRITE) waited.events = POLLOUT;
    }
    if (waited.events == 0 || ::poll(&waited, 1, kTimeoutSeconds * 1000) <= 0) return 0;
  }
}

bool Client::Send(std::string_view bytes) {
  while (tls_ != nullptr && !bytes.empty()) {
    const int sent =
        Await([&] { return ::SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size())); });
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

void Client::CloseSending() { ::shutdown(fd_, SHUT_WR); }

void Client::Reset() {
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  ::close(fd_);
  fd_ = -1;
}

bool Client::HasInput(int wait_ms) {
  pollfd waited{fd_, POLLIN, 0};
  if (tls_ == nullptr) return ::poll(&waited, 1, wait_ms) > 0;
  for (;;) {
    {
      std::lock_guard lock(tls_mutex_);
      char byte;
      const int result = ::SSL_peek(tls_, &byte, 1);
      // Tickets are input of the socket, and none of the connection.
      if (result > 0 || ::SSL_get_error(tls_, result) != SSL_ERROR_WANT_READ) return true;
    }
    if (::poll(&waited, 1, wait_ms) <= 0) return false;
  }
}

bool Client::Fill() {
  char bytes[65536];
  const ssize_t count =
      tls_ != nullptr
          ? Await([&] { return ::SSL_read(tls_, bytes, static_cast<int>(sizeof(bytes))); })
          : ::recv(fd_, bytes, sizeof(bytes), 0);
  if (count <= 0) return false;
  input_.append(bytes, static_cast<size_t>(count));
  return true;
}

bool Client::ReadEnd() { return input_.empty() && !Fill(); }

bool Client::ReadLine(std::string& line) {
  size_t end;
  while ((end = input_.find("\r\n")) == std::string::npos) {
    if (!Fill()) return false;
  }
  line = input_.substr(0, end);
  input_.erase(0, end + 2);
  return true;
}

bool Client::ReadBytes(size_t count, std::string& out) {
  while (input_.size() < count) {
    if (!Fill()) return false;
  }
  out += input_.substr(0, count);
  input_.erase(0, count);
  return true;
}

bool Client::ReadChunks(std::string& out) {
  std::string line;
  while (ReadLine(line)) {
    const size_t size = std::strtoul(line.c_str(), nullptr, 16);
    if (!ReadBytes(size, out) || !ReadLine(line)) return false;
    if (size == 0) return true;
  }
  return false;
}

Answer Client::ReadAnswer(bool with_body) {
  Answer answer;
  std::string line;
  if (!ReadLine(line) || line.size() < 12) return answer;
  answer.status = std::atoi(line.c_str() + 9);
  answer.head = line + "\r\n";
  while (ReadLine(line) && !line.empty()) {
    answer.head += line + "\r\n";
    const size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return static_cast<char>(std::tolower(c)); });
    answer.headers[name] = line.substr(colon + 2);
  }
  const bool bodyless = answer.status < 200 || answer.status == 204 || answer.status == 304;
  if (!with_body || bodyless) {
    answer.complete = true;
  } else if (answer.headers.contains("content-length")) {
    answer.complete =
        ReadBytes(std::strtoul(answer.headers["content-length"].c_str(), nullptr, 10), answer.body);
  } else if (answer.headers["transfer-encoding"] == "chunked") {
    answer.complete = ReadChunks(answer.body);
  } else {
    while (Fill()) {
    }
    answer.body = std::exchange(input_, {});
    answer.complete = true;
  }
  return answer;
}

std::string Request(std::string_view method, std::string_view target, uint16_t port,
                    std::string_view headers, std::string_view body) {
  std::string out(method);
  out.append(" ").append(target).append(" HTTP/1.1\r\nHost: 127.0.0.1:");
  out.append(std::to_string(port)).append("\r\n").append(headers);
  if (!body.empty()) out.append("Content-Length: " + std::to_string(body.size()) + "\r\n");
  return out.append("\r\n").append(body);
}

}  // namespace nexadb::http
