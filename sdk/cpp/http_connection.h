// HttpConnection: one kept-alive HTTP/1.1 connection to one server, over TCP or TLS.
//
// A head goes out in one write with what of the body is at hand, and answers are parsed where they
// were received: a small call is one write and one read (docs/decisions/005). Not thread-safe.
// Throws Poco's exceptions; whoever catches one calls Close.
#pragma once
#include <Poco/Net/Context.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/Timespan.h>
#include <llhttp.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace nexadb::client {

class HttpConnection {
 public:
  struct Settings {
    std::string host;
    uint16_t port = 0;
    Poco::Net::Context::Ptr tls;  // null: without TLS
    Poco::Timespan connect_timeout;
    Poco::Timespan timeout;  // of each read and write
  };
  explicit HttpConnection(Settings settings);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // Begins a request: connects if there is no connection, or none that is good for another request.
  void Send(std::string_view head, std::string_view body);
  // Sends more of the body. False when the server takes no more: its answer may say why.
  bool SendMore(std::string_view bytes);
  // Waits for the answer's head. The status.
  int ReceiveHead();
  // As the server named the status.
  const std::string& reason() const { return reason_; }
  // Of the body, as the head has it; 0 when that does not say.
  uint64_t content_length() const { return content_length_; }
  // The next bytes of the answer's body, good until the next call; empty at its end.
  std::string_view ReceivePart();
  void Close();

 private:
  enum class Stage : uint8_t { kIdle, kHead, kBody };

  static HttpConnection& Of(llhttp_t* parser);
  static const llhttp_settings_t& Callbacks();
  void Connect();
  bool GoodForAnother();
  // Parses until one of the callbacks pauses, and reads what that needs.
  void Advance();
  void Finish();

  const Settings settings_;
  std::unique_ptr<Poco::Net::StreamSocket> socket_;  // null: not connected
  std::string request_;
  std::unique_ptr<char[]> received_;
  size_t at_ = 0;  // what is received and not yet parsed: [at_, end_)
  size_t end_ = 0;

  llhttp_t parser_{};
  Stage stage_ = Stage::kIdle;
  bool head_over_ = false;
  bool over_ = false;     // the answer is
  bool refused_ = false;  // the server took no more of the body
  std::string reason_;
  uint64_t content_length_ = 0;
  std::string_view part_;
};

}  // namespace nexadb::client
