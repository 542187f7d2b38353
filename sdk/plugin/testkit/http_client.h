// A blocking HTTP/1.1 client that sends bytes as they are and reads answers strictly. Internal to
// the test kit; one thread uses one client. A wait longer than kPatienceSeconds is an end.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace nexadb::testkit {

struct HttpAnswer {
  int status = 0;                              // 0: the connection ended without one
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  bool complete = false;  // the body was there to its last byte or chunk
};

enum class Bodies { kAsAnnounced, kNone };  // kNone: the answer to a HEAD

class HttpClient {
 public:
  static constexpr int kPatienceSeconds = 20;

  explicit HttpClient(uint16_t port);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  void Send(std::string_view bytes);
  HttpAnswer Read(Bodies bodies = Bodies::kAsAnnounced);
  // True when the server closes without sending more.
  bool ReadEnd();
  // Ends the connection with a reset.
  void Vanish();
  // A whole request for this server; `headers` are lines that end in "\r\n".
  std::string Request(std::string_view method, std::string_view target,
                      std::string_view headers = {}, std::string_view body = {}) const;
  HttpAnswer Ask(std::string_view method, std::string_view target, std::string_view headers = {},
                 std::string_view body = {});

 private:
  bool Fill();
  bool Line(std::string& line);
  bool Bytes(size_t count, std::string& out);
  bool Chunks(std::string& out);

  const uint16_t port_;
  int fd_ = -1;
  std::string input_;
};

}  // namespace nexadb::testkit
