#include "plugins/http-server/tls_stream.h"

#include <openssl/err.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <new>
#include <utility>

namespace nexadb::http {
namespace {

int Bounded(size_t size) {
  return static_cast<int>(std::min<size_t>(size, std::numeric_limits<int>::max()));
}

}  // namespace

TlsStream::TlsStream(std::shared_ptr<const TlsContext> context, int fd)
    : context_(std::move(context)) {
  BIO* const socket = ::BIO_new(context_->socket_method());
  ssl_ = ::SSL_new(context_->get());
  if (socket == nullptr || ssl_ == nullptr) {
    ::BIO_free(socket);
    ::SSL_free(ssl_);
    throw std::bad_alloc();
  }
  ::BIO_set_data(socket, reinterpret_cast<void*>(static_cast<intptr_t>(fd)));
  ::BIO_set_init(socket, 1);
  ::SSL_set_bio(ssl_, socket, socket);
  ::SSL_set_accept_state(ssl_);
}

TlsStream::~TlsStream() { ::SSL_free(ssl_); }

Handshake TlsStream::Shake() noexcept {
  ::ERR_clear_error();
  const int result = ::SSL_do_handshake(ssl_);
  if (result == 1) {
    waits_to_write_ = false;
    return Handshake::kDone;
  }
  const bool plain = ERR_GET_REASON(::ERR_peek_error()) == SSL_R_HTTP_REQUEST;
  if (ErrorOf(result) == 0) errno = ECONNRESET;
  if (errno == EAGAIN) return Handshake::kWaiting;
  return plain ? Handshake::kPlainHttp : Handshake::kFailed;
}

ssize_t TlsStream::Read(char* to, size_t room) noexcept {
  ::ERR_clear_error();
  const int count = ::SSL_read(ssl_, to, Bounded(room));
  return count > 0 ? count : ErrorOf(count);
}

ssize_t TlsStream::Peek(char* to, size_t room) noexcept {
  ::ERR_clear_error();
  const int count = ::SSL_peek(ssl_, to, Bounded(room));
  return count > 0 ? count : ErrorOf(count);
}

ssize_t TlsStream::Write(std::string_view bytes) noexcept {
  ::ERR_clear_error();
  const int count = ::SSL_write(ssl_, bytes.data(), Bounded(bytes.size()));
  if (count > 0) return count;
  const bool reading_waits = waits_to_write_;
  const ssize_t error = ErrorOf(count);
  waits_to_write_ = reading_waits;  // writers wait for that anyway
  if (error < 0) return error;
  errno = EPIPE;  // the end, of a client that reads no more
  return -1;
}

bool TlsStream::HasInput() const noexcept { return ::SSL_pending(ssl_) > 0; }

void TlsStream::SendEnd() noexcept {
  if (broken_ || ::SSL_is_init_finished(ssl_) != 1 ||
      (::SSL_get_shutdown(ssl_) & SSL_SENT_SHUTDOWN) != 0) {
    return;
  }
  ::ERR_clear_error();
  ::SSL_shutdown(ssl_);
  ::ERR_clear_error();
}

// What a call that returned `result` <= 0 means in the words of recv: 0 or -1 with errno.
ssize_t TlsStream::ErrorOf(int result) noexcept {
  const int socket_error = errno;
  waits_to_write_ = false;
  switch (::SSL_get_error(ssl_, result)) {
    case SSL_ERROR_ZERO_RETURN: return 0;
    case SSL_ERROR_WANT_WRITE: waits_to_write_ = true; [[fallthrough]];
    case SSL_ERROR_WANT_READ: errno = EAGAIN; return -1;
    case SSL_ERROR_SYSCALL:
      broken_ = true;
      errno = socket_error != 0 && socket_error != EAGAIN ? socket_error : ECONNRESET;
      return -1;
    default:
      broken_ = true;
      errno = EPROTO;
      return -1;
  }
}

}  // namespace nexadb::http
