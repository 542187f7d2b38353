#include "http_client.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <stdexcept>

namespace nexadb::testkit {

HttpClient::HttpClient(uint16_t port) : port_(port) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{kPatienceSeconds, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    ::close(fd_);
    throw std::runtime_error("nothing listens on 127.0.0.1:" + std::to_string(port));
  }
}

HttpClient::~HttpClient() {
  if (fd_ >= 0) ::close(fd_);
}

// A server may answer and close before it has read everything, so a refusal is no failure here.
void HttpClient::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

void HttpClient::Vanish() {
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  ::close(fd_);
  fd_ = -1;
}

std::string HttpClient::Request(std::string_view method, std::string_view target,
                                std::string_view headers, std::string_view body) const {
  std::string request(method);
  request.append(" ").append(target).append(" HTTP/1.1\r\nHost: 127.0.0.1:");
  request.append(std::to_string(port_)).append("\r\n").append(headers);
  if (!body.empty()) {
    request.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  }
  return request.append("\r\n").append(body);
}

HttpAnswer HttpClient::Ask(std::string_view method, std::string_view target,
                           std::string_view headers, std::string_view body) {
  Send(Request(method, target, headers, body));
  return Read(method == "HEAD" ? Bodies::kNone : Bodies::kAsAnnounced);
}

bool HttpClient::Fill() {
  char bytes[65536];
  const ssize_t count = ::recv(fd_, bytes, sizeof(bytes), 0);
  if (count <= 0) return false;
  input_.append(bytes, static_cast<size_t>(count));
  return true;
}

bool HttpClient::ReadEnd() { return input_.empty() && !Fill(); }

bool HttpClient::Line(std::string& line) {
  size_t end;
  while ((end = input_.find("\r\n")) == std::string::npos) {
    if (!Fill()) return false;
  }
  line = input_.substr(0, end);
  input_.erase(0, end + 2);
  return true;
}

bool HttpClient::Bytes(size_t count, std::string& out) {
  while (input_.size() < count) {
    if (!Fill()) break;
  }
  const size_t taken = std::min(count, input_.size());
  out += input_.substr(0, taken);
  input_.erase(0, taken);
  return taken == count;
}

bool HttpClient::Chunks(std::string& out) {
  std::string line;
  while (Line(line)) {
    const size_t size = std::strtoul(line.c_str(), nullptr, 16);
    if (!Bytes(size, out) || !Line(line)) return false;
    if (size == 0) return true;
  }
  return false;
}

HttpAnswer HttpClient::Read(Bodies bodies) {
  HttpAnswer answer;
  std::string line;
  constexpr size_t kStatusAt = 9;  // behind "HTTP/1.1 "
  if (!Line(line) || line.size() < kStatusAt + 3 || !line.starts_with("HTTP/1.")) return answer;
  answer.status = std::atoi(line.c_str() + kStatusAt);
  while (Line(line) && !line.empty()) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) return answer;
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const size_t value = line.find_first_not_of(" \t", colon + 1);
    answer.headers[name] = value == std::string::npos ? "" : line.substr(value);
  }
  if (bodies == Bodies::kNone || answer.status == 204 || answer.status == 304) {
    answer.complete = true;
  } else if (answer.headers["transfer-encoding"] == "chunked") {
    answer.complete = Chunks(answer.body);
  } else if (answer.headers.contains("content-length")) {
    const size_t size = std::strtoul(answer.headers["content-length"].c_str(), nullptr, 10);
    answer.complete = Bytes(size, answer.body);
  } else {
    while (Fill()) {
    }
    answer.body = std::move(input_);
    input_.clear();
    answer.complete = true;
  }
  return answer;
}

}  // namespace nexadb::testkit
