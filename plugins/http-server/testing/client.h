// A blocking HTTP client for tests: sends bytes as they are, reads answers strictly.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace nexadb::http {

struct Answer {
  int status = 0;                              // 0: the connection ended without one
  std::map<std::string, std::string> headers;  // names in lower case
  std::string head;
  std::string body;
  bool complete = false;  // the body was there to its last byte or chunk
};

class Client {
 public:
  explicit Client(uint16_t port);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return fd_ >= 0; }
  // False when the server has closed.
  bool Send(std::string_view bytes);
  // One answer; `head_only` for HEAD.
  Answer Read() { return ReadAnswer(true); }
  Answer ReadHeadOnly() { return ReadAnswer(false); }
  // True when the server closes without sending more.
  bool ReadEnd();
  void CloseSending();
  // Ends the connection at once, with a reset.
  void Reset();
  // True when the server has sent something, or closes, within the time.
  bool HasInput(int wait_ms) const;
  int fd() const { return fd_; }

 private:
  Answer ReadAnswer(bool with_body);
  bool Fill();
  bool ReadLine(std::string& line);
  bool ReadBytes(size_t count, std::string& out);
  bool ReadChunks(std::string& out);

  int fd_ = -1;
  std::string input_;
};

// "GET /x HTTP/1.1" with Host and the given further header lines ("Name: value\r\n").
std::string Request(std::string_view method, std::string_view target, uint16_t port,
                    std::string_view headers = {}, std::string_view body = {});

}  // namespace nexadb::http
