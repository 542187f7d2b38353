// A blocking HTTP client for tests: sends bytes as they are, reads answers strictly. One thread may
// send while another reads.
#pragma once
#include <openssl/ssl.h>

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
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

enum class Transport { kPlain, kTls };
// kTls when NEXADB_HTTP_TEST_TLS is set: then every test of the server runs over TLS.
Transport DefaultTransport();

class Client {
 public:
  explicit Client(uint16_t port, Transport transport = DefaultTransport());
  // Over TLS, set up by the caller; the handshake may fail. Takes `context`.
  Client(uint16_t port, SSL_CTX* context);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return fd_ >= 0; }
  SSL* tls() const { return tls_; }  // null: plain, or the handshake has failed
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
  bool HasInput(int wait_ms);
  int fd() const { return fd_; }

 private:
  Answer ReadAnswer(bool with_body);
  bool Fill();
  bool ReadLine(std::string& line);
  bool ReadBytes(size_t count, std::string& out);
  bool ReadChunks(std::string& out);
  void Shake(SSL_CTX* context);
  // Runs an operation of TLS until it is done: what it returned, or 0.
  int Await(const std::function<int()>& operation);

  int fd_ = -1;
  std::string input_;
  std::mutex tls_mutex_;
  SSL* tls_ = nullptr;
};

// "GET /x HTTP/1.1" with Host and the given further header lines ("Name: value\r\n").
std::string Request(std::string_view method, std::string_view target, uint16_t port,
                    std::string_view headers = {}, std::string_view body = {});

}  // namespace nexadb::http
