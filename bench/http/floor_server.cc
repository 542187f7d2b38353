// http-floor PORT: answers every request with the same 300 bytes of JSON. One thread, epoll, no
// parsing beyond the empty line: what HTTP over loopback costs before a server does anything.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

namespace {

constexpr size_t kBodyBytes = 300;
constexpr int kEventsInOneGo = 256;

std::string FixedAnswer() {
  std::string body = R"({"_id":"000000000001","pad":")";
  body.append(kBodyBytes - body.size() - 2, 'x').append("\"}");
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

int Listen(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(fd, 1024) != 0) {
    std::perror("http-floor");
    std::exit(1);
  }
  return fd;
}

class Floor {
 public:
  explicit Floor(uint16_t port) : listener_(Listen(port)) { Watch(listener_); }

  [[noreturn]] void Run() {
    epoll_event events[kEventsInOneGo];
    for (;;) {
      const int count = ::epoll_wait(epoll_, events, kEventsInOneGo, -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[i].data.fd;
        fd == listener_ ? Accept() : Answer(fd);
      }
    }
  }

 private:
  void Watch(int fd) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }
  void Accept() {
    const int on = 1;
    for (int fd; (fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      Watch(fd);
      inputs_[fd].clear();
    }
  }
  void Answer(int fd) {
    const ssize_t size = ::read(fd, buffer_, sizeof(buffer_));
    if (size <= 0) {
      if (size < 0 && errno == EAGAIN) return;
      ::close(fd);
      inputs_.erase(fd);
      return;
    }
    std::string& input = inputs_[fd];
    input.append(buffer_, static_cast<size_t>(size));
    std::string out;
    size_t from = 0;
    for (size_t end; (end = input.find("\r\n\r\n", from)) != std::string::npos; from = end + 4) {
      out += answer_;
    }
    input.erase(0, from);
    if (!out.empty() && ::write(fd, out.data(), out.size()) < 0) ::close(fd);
  }

  const std::string answer_ = FixedAnswer();
  const int epoll_ = ::epoll_create1(0);
  const int listener_;
  std::map<int, std::string> inputs_;
  char buffer_[65536];
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: http-floor PORT\n", stderr);
    return 2;
  }
  Floor(static_cast<uint16_t>(std::atoi(argv[1]))).Run();
}
