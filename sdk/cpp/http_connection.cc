#include "sdk/cpp/http_connection.h"

#include <Poco/Net/NetException.h>
#include <Poco/Net/SSLException.h>
#include <Poco/Net/SecureStreamSocket.h>
#include <Poco/Net/SocketAddress.h>
#include <poll.h>
#include <sys/socket.h>

#include <utility>

namespace nexadb::client {
namespace {

namespace net = Poco::Net;

constexpr size_t kReceiveBytes = 64 * 1024;

}  // namespace

HttpConnection::HttpConnection(Settings settings)
    : settings_(std::move(settings)), received_(std::make_unique<char[]>(kReceiveBytes)) {}

HttpConnection::~HttpConnection() { Close(); }

HttpConnection& HttpConnection::Of(llhttp_t* parser) {
  return *static_cast<HttpConnection*>(parser->data);
}

const llhttp_settings_t& HttpConnection::Callbacks() {
  static const llhttp_settings_t callbacks = [] {
    llhttp_settings_t out;
    llhttp_settings_init(&out);
    out.on_status = [](llhttp_t* parser, const char* at, size_t size) {
      Of(parser).reason_.append(at, size);
      return 0;
    };
    out.on_headers_complete = [](llhttp_t* parser) -> int {
      Of(parser).head_over_ = true;
      return HPE_PAUSED;
    };
    out.on_body = [](llhttp_t* parser, const char* at, size_t size) -> int {
      Of(parser).part_ = {at, size};
      return size == 0 ? HPE_OK : HPE_PAUSED;
    };
    out.on_message_complete = [](llhttp_t* parser) -> int {
      Of(parser).over_ = true;
      return HPE_PAUSED;
    };
    return out;
  }();
  return callbacks;
}

void HttpConnection::Connect() {
  const net::SocketAddress address(settings_.host, settings_.port);
  if (settings_.tls.isNull()) {
    socket_ = std::make_unique<net::StreamSocket>();
    socket_->connect(address, settings_.connect_timeout);
  } else {
    auto secure = std::make_unique<net::SecureStreamSocket>(settings_.tls);
    secure->setPeerHostName(settings_.host);
    socket_ = std::move(secure);
    socket_->connect(address, settings_.connect_timeout);
  }
  socket_->setNoDelay(true);
  socket_->setSendTimeout(settings_.timeout);
  socket_->setReceiveTimeout(settings_.timeout);
}

// A server that closed a connection while nobody used it has made that readable.
bool HttpConnection::GoodForAnother() {
  if (socket_ == nullptr || stage_ != Stage::kIdle || at_ != end_) return false;
  pollfd waiting{socket_->impl()->sockfd(), POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 0;
}

void HttpConnection::Send(std::string_view head, std::string_view body) {
  if (!GoodForAnother()) {
    Close();
    Connect();
  }
  llhttp_init(&parser_, HTTP_RESPONSE, &Callbacks());
  parser_.data = this;
  stage_ = Stage::kHead;
  head_over_ = over_ = refused_ = false;
  content_length_ = 0;
  request_.assign(head).append(body);
  SendMore(request_);
}

bool HttpConnection::SendMore(std::string_view bytes) {
  if (refused_) return false;
  try {
    while (!bytes.empty()) {
      const int sent =
          socket_->sendBytes(bytes.data(), static_cast<int>(bytes.size()), MSG_NOSIGNAL);
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  } catch (const net::SSLException&) {
    throw;
  } catch (const Poco::IOException&) {
    refused_ = true;
  }
  return !refused_;
}

void HttpConnection::Advance() {
  for (;;) {
    // Even without bytes: what follows a pause may need none.
    const llhttp_errno_t error = llhttp_execute(&parser_, received_.get() + at_, end_ - at_);
    if (error == HPE_PAUSED) {
      at_ = static_cast<size_t>(llhttp_get_error_pos(&parser_) - received_.get());
      llhttp_resume(&parser_);
      return;
    }
    if (error != HPE_OK) {
      throw net::MessageException("the answer is not HTTP: " +
                                  std::string(llhttp_get_error_reason(&parser_)));
    }
    at_ = end_ = 0;
    const int size = socket_->receiveBytes(received_.get(), static_cast<int>(kReceiveBytes));
    if (size > 0) {
      end_ = static_cast<size_t>(size);
      continue;
    }
    // An answer without a length ends with the connection.
    if (llhttp_finish(&parser_); over_) return;
    throw net::NoMessageException("the connection was closed before the answer was over");
  }
}

int HttpConnection::ReceiveHead() {
  for (;;) {
    reason_.clear();
    while (!head_over_) Advance();
    if (parser_.status_code / 100 != 1) break;
    while (!over_) Advance();  // a word in between
    head_over_ = over_ = false;
  }
  content_length_ = (parser_.flags & F_CONTENT_LENGTH) != 0 ? parser_.content_length : 0;
  stage_ = Stage::kBody;
  return parser_.status_code;
}

std::string_view HttpConnection::ReceivePart() {
  part_ = {};
  while (stage_ == Stage::kBody && part_.empty()) {
    Advance();
    if (over_) Finish();
  }
  return part_;
}

void HttpConnection::Finish() {
  stage_ = Stage::kIdle;
  if (refused_ || llhttp_should_keep_alive(&parser_) == 0) Close();
}

void HttpConnection::Close() {
  stage_ = Stage::kIdle;
  at_ = end_ = 0;
  if (socket_ == nullptr) return;
  try {
    socket_->close();
  } catch (const Poco::Exception&) {  // it is as closed as it gets
  }
  socket_.reset();
}

}  // namespace nexadb::client
