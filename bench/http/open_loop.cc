// An open-loop client: requests are due at a steady rate, whether earlier ones were answered or
// not, and each one's time counts from the moment at which it was due. So a server that stalls pays
// for every request that came meanwhile, which a client that waits for its answers would not see.
//   http-open-loop PORT PATH RATE SECONDS CONNECTIONS [HEADER]...
// Prints {"requests", "rate", "p50_us", "p99_us", "p999_us"}. Ends with 1 when an answer is not
// 200. It spins instead of sleeping: a sleeper's own wake-ups would be in every figure.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int kEventsMax = 256;
constexpr std::string_view kLengthHeader = "\r\nContent-Length: ";

uint64_t NowNs() {
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch() /
                               std::chrono::nanoseconds(1));
}

[[noreturn]] void Fail(const char* what) {
  std::fprintf(stderr, "http-open-loop: %s\n", what);
  std::exit(1);
}

struct Connection {
  int socket = -1;
  uint64_t due_ns = 0;  // of the request under way
  std::string input;
};

// Whether `input` holds a whole answer, which is then taken off it.
bool TakeAnswer(std::string& input) {
  const size_t head = input.find("\r\n\r\n");
  if (head == std::string::npos) return false;
  if (!input.starts_with("HTTP/1.1 200")) Fail(input.substr(0, 200).c_str());
  const size_t at = input.find(kLengthHeader);
  if (at == std::string::npos || at > head) Fail("an answer has no Content-Length");
  const size_t length = std::strtoull(input.c_str() + at + kLengthHeader.size(), nullptr, 10);
  if (input.size() < head + 4 + length) return false;
  input.erase(0, head + 4 + length);
  return true;
}

class Client {
 public:
  Client(uint16_t port, std::string request, size_t connections)
      : request_(std::move(request)), connections_(connections) {
    poll_ = ::epoll_create1(0);
    for (Connection& connection : connections_) {
      connection.socket = Connect(port);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = &connection;
      if (::epoll_ctl(poll_, EPOLL_CTL_ADD, connection.socket, &event) != 0) Fail("epoll_ctl");
      idle_.push_back(&connection);
    }
  }

  void Run(double rate, double seconds) {
    const auto total = static_cast<uint64_t>(rate * seconds);
    const double gap_ns = 1e9 / rate;
    times_ns_.reserve(total);
    const uint64_t begin_ns = NowNs();
    uint64_t due = 0;
    while (times_ns_.size() < total) {
      const uint64_t now_ns = NowNs();
      while (due < total && DueNs(begin_ns, gap_ns, due) <= now_ns && !idle_.empty()) {
        Send(DueNs(begin_ns, gap_ns, due++));
      }
      Receive();
      if (now_ns > begin_ns + static_cast<uint64_t>((2 * seconds + 5) * 1e9)) {
        Fail("the server does not keep up");
      }
    }
    elapsed_ns_ = NowNs() - begin_ns;
  }

  void Print() {
    std::sort(times_ns_.begin(), times_ns_.end());
    const auto at = [&](double part) {
      const auto i = static_cast<size_t>(static_cast<double>(times_ns_.size()) * part);
      return static_cast<double>(times_ns_[std::min(i, times_ns_.size() - 1)]) / 1000;
    };
    const auto count = static_cast<double>(times_ns_.size());
    std::printf(
        R"({"requests": %.0f, "rate": %.0f, "p50_us": %.1f, "p99_us": %.1f, "p999_us": %.1f})"
        "\n",
        count, count * 1e9 / static_cast<double>(elapsed_ns_), at(0.5), at(0.99), at(0.999));
  }

 private:
  static uint64_t DueNs(uint64_t begin_ns, double gap_ns, uint64_t i) {
    return begin_ns + static_cast<uint64_t>(gap_ns * static_cast<double>(i));
  }

  static int Connect(uint16_t port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      Fail("cannot connect");
    }
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return socket;
  }

  void Send(uint64_t due_ns) {
    Connection& connection = *idle_.front();
    idle_.pop_front();
    connection.due_ns = due_ns;
    const ssize_t sent = ::send(connection.socket, request_.data(), request_.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(request_.size())) Fail("cannot send");
  }

  void Receive() {
    epoll_event events[kEventsMax];
    const int count = ::epoll_wait(poll_, events, kEventsMax, 0);
    for (int i = 0; i < count; ++i) {
      Connection& connection = *static_cast<Connection*>(events[i].data.ptr);
      char buffer[16384];
      const ssize_t got = ::recv(connection.socket, buffer, sizeof(buffer), MSG_DONTWAIT);
      if (got <= 0) Fail("the server closed a connection");
      connection.input.append(buffer, static_cast<size_t>(got));
      if (!TakeAnswer(connection.input)) continue;
      times_ns_.push_back(NowNs() - connection.due_ns);
      idle_.push_back(&connection);
    }
  }

  const std::string request_;
  std::vector<Connection> connections_;
  std::deque<Connection*> idle_;  // the one that rests longest first
  std::vector<uint64_t> times_ns_;
  uint64_t elapsed_ns_ = 0;
  int poll_ = -1;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) Fail("usage: http-open-loop PORT PATH RATE SECONDS CONNECTIONS [HEADER]...");
  const double rate = std::strtod(argv[3], nullptr);
  const double seconds = std::strtod(argv[4], nullptr);
  const auto connections = static_cast<size_t>(std::strtoul(argv[5], nullptr, 10));
  if (rate <= 0 || seconds <= 0 || connections == 0)
    Fail("rate, seconds and connections are above 0");
  std::string request =
      std::string("GET ") + argv[2] + " HTTP/1.1\r\nHost: 127.0.0.1:" + argv[1] + "\r\n";
  for (int i = 6; i < argc; ++i) request.append(argv[i]).append("\r\n");
  request += "\r\n";
  Client client(static_cast<uint16_t>(std::strtoul(argv[1], nullptr, 10)), request, connections);
  client.Run(rate, seconds);
  client.Print();
}
