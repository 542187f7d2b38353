// An open-loop client: requests are due at a steady rate, whether earlier ones were answered or
// not, and each one's time counts from the moment at which it was due. So a server that stalls pays
// for every request that came meanwhile, which a client that waits for its answers would not see.
//   http-open-loop PORT PATH RATE SECONDS CONNECTIONS SLOW SLOW_PATH [HEADER]...
// SLOW more connections send a body of SLOW_PATH byte by byte and never the last. What is due in
// the first kWarmUpS is not counted. It spins instead of sleeping: a sleeper's own wake-ups would
// be in every figure. Since it reads the clock all the time, it also sees how long it was kept
// from running: what the host and the kernel take of this core.
// Prints {"requests", "rate", "p50_us", "p99_us", "p999_us", "stolen_us", "slow_bytes_s", "times"},
// `times` being [microseconds, requests] by steps of 1/32 of a doubling. Ends with 1 when an answer
// is not 200, or a slow connection is cut off.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int kEventsMax = 256;
constexpr double kWarmUpS = 0.1;
// Between two looks at the clock lies at most one system call of a few microseconds.
constexpr uint64_t kStolenNs = 50'000;
constexpr uint64_t kSlowBytesPerSecond = 5;  // of each slow connection
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

int Connect(uint16_t port) {
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

// Connections that send a body one byte at a time, evenly spread: the caller's core pays for them,
// and no scheduler comes between.
class SlowSenders {
 public:
  SlowSenders(uint16_t port, const std::string& head, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      sockets_.push_back(Connect(port));
      if (::send(sockets_.back(), head.data(), head.size(), MSG_NOSIGNAL) < 0) Fail("cannot send");
    }
    if (count != 0) gap_ns_ = 1'000'000'000 / (count * kSlowBytesPerSecond);
  }
  // Sends a byte when one is due.
  void Turn(uint64_t now_ns) {
    if (sockets_.empty() || now_ns < due_ns_) return;
    // One that fell behind goes on from now: a burst to catch up is what must not be.
    due_ns_ = std::max(due_ns_ + gap_ns_, now_ns);
    if (::send(sockets_[sent_++ % sockets_.size()], "x", 1, MSG_NOSIGNAL) != 1) {
      Fail("a slow connection was cut off");
    }
  }
  uint64_t sent() const { return sent_; }

 private:
  std::vector<int> sockets_;
  uint64_t gap_ns_ = 0;
  uint64_t due_ns_ = 0;
  uint64_t sent_ = 0;
};

class Client {
 public:
  Client(uint16_t port, std::string request, size_t connections, SlowSenders& slow)
      : request_(std::move(request)), slow_(slow), connections_(connections) {
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
    const auto total = static_cast<uint64_t>(rate * (kWarmUpS + seconds));
    const double gap_ns = 1e9 / rate;
    times_ns_.reserve(total);
    begin_ns_ = last_look_ns_ = NowNs();
    counted_from_ns_ = begin_ns_ + static_cast<uint64_t>(kWarmUpS * 1e9);
    const uint64_t late_ns = begin_ns_ + static_cast<uint64_t>((2 * seconds + 5) * 1e9);
    for (uint64_t due = 0; answered_ < total;) {
      const uint64_t now_ns = Look();
      while (due < total && DueNs(gap_ns, due) <= now_ns && !idle_.empty()) {
        Send(DueNs(gap_ns, due++));
        Look();
      }
      Receive();
      slow_.Turn(Look());
      if (now_ns > late_ns) Fail("the server does not keep up");
    }
    elapsed_ns_ = NowNs() - begin_ns_;
  }

  void Print() {
    std::sort(times_ns_.begin(), times_ns_.end());
    const auto at = [&](double part) {
      const auto i = static_cast<size_t>(static_cast<double>(times_ns_.size()) * part);
      return static_cast<double>(times_ns_[std::min(i, times_ns_.size() - 1)]) / 1000;
    };
    const auto s = [&](uint64_t count) {
      return static_cast<double>(count) * 1e9 / static_cast<double>(elapsed_ns_);
    };
    std::printf(R"({"requests": %zu, "rate": %.0f, "p50_us": %.1f, "p99_us": %.1f, )"
                R"("p999_us": %.1f, "stolen_us": %.0f, "slow_bytes_s": %.0f, "times": [)",
                times_ns_.size(), s(answered_), at(0.5), at(0.99), at(0.999),
                static_cast<double>(stolen_ns_) / 1000, s(slow_.sent()));
    std::map<int, size_t> steps;
    for (const uint64_t time_ns : times_ns_) {
      ++steps[static_cast<int>(std::log2(static_cast<double>(time_ns + 1) / 1000) * 32)];
    }
    const char* between = "";
    for (const auto& [step, count] : steps) {
      std::printf("%s[%.1f, %zu]", between, std::exp2(step / 32.0), count);
      between = ", ";
    }
    std::puts("]}");
  }

 private:
  uint64_t DueNs(double gap_ns, uint64_t i) const {
    return begin_ns_ + static_cast<uint64_t>(gap_ns * static_cast<double>(i));
  }

  // The time; a gap since the last look that no work of ours explains was taken from us.
  uint64_t Look() {
    const uint64_t now_ns = NowNs();
    if (now_ns - last_look_ns_ > kStolenNs && now_ns > counted_from_ns_) {
      stolen_ns_ += now_ns - last_look_ns_;
    }
    return last_look_ns_ = now_ns;
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
      const uint64_t now_ns = Look();
      ++answered_;
      if (connection.due_ns >= counted_from_ns_) times_ns_.push_back(now_ns - connection.due_ns);
      idle_.push_back(&connection);
    }
  }

  const std::string request_;
  SlowSenders& slow_;
  std::vector<Connection> connections_;
  std::deque<Connection*> idle_;    // the one that rests longest first
  std::vector<uint64_t> times_ns_;  // of the requests that count
  uint64_t answered_ = 0;
  uint64_t begin_ns_ = 0;
  uint64_t counted_from_ns_ = 0;
  uint64_t last_look_ns_ = 0;
  uint64_t stolen_ns_ = 0;
  uint64_t elapsed_ns_ = 0;
  int poll_ = -1;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 8) {
    Fail("usage: http-open-loop PORT PATH RATE SECONDS CONNECTIONS SLOW SLOW_PATH [HEADER]...");
  }
  const double rate = std::strtod(argv[3], nullptr);
  const double seconds = std::strtod(argv[4], nullptr);
  const auto connections = static_cast<size_t>(std::strtoul(argv[5], nullptr, 10));
  const auto slow_connections = static_cast<size_t>(std::strtoul(argv[6], nullptr, 10));
  if (rate <= 0 || seconds <= 0 || connections == 0) {
    Fail("rate, seconds and connections are above 0");
  }
  std::string head = std::string(" HTTP/1.1\r\nHost: 127.0.0.1:") + argv[1] + "\r\n";
  for (int i = 8; i < argc; ++i) head.append(argv[i]).append("\r\n");
  const auto port = static_cast<uint16_t>(std::strtoul(argv[1], nullptr, 10));
  SlowSenders slow(port,
                   std::string("POST ") + argv[7] + head +
                       "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n",
                   slow_connections);
  Client client(port, std::string("GET ") + argv[2] + head + "\r\n", connections, slow);
  client.Run(rate, seconds);
  client.Print();
}
