// TlsStream: the encrypted side of one connection's socket, in the words of recv and send, so that
// a connection reads and writes it as it does a plain socket. Waiting is the connection's.
// Not thread-safe: it belongs to its connection's loop.
#pragma once
#include <sys/types.h>

#include <memory>
#include <string_view>

#include "plugins/http-server/tls_context.h"

namespace nexadb::http {

enum class Handshake {
  kWaiting,  // for the socket, to be written when WaitsToWrite, else to be read
  kDone,
  kPlainHttp,  // the client speaks HTTP without TLS; nothing was sent
  kFailed,     // errno is EPROTO when the two do not fit; the client was then told why
};

class TlsStream {
 public:
  // Throws std::bad_alloc. `fd` stays its owner's.
  TlsStream(std::shared_ptr<const TlsContext> context, int fd);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  Handshake Shake() noexcept;
  // Decrypted bytes; 0 when the client sends no more; -1 with errno set, EAGAIN when there is
  // nothing yet. REQUIRES: room > 0, the handshake is done, as for all that follow.
  ssize_t Read(char* to, size_t room) noexcept;
  // As Read, but what it returns is read again.
  ssize_t Peek(char* to, size_t room) noexcept;
  // How much of `bytes` was taken, or -1 with errno set. After EAGAIN the next call must begin
  // with the same bytes, and have at least as many; they may have moved.
  ssize_t Write(std::string_view bytes) noexcept;
  // Decrypted bytes lie here that no event of the socket will announce.
  bool HasInput() const noexcept;
  // What was last tried waits until the socket can be written, though it was no Write.
  bool WaitsToWrite() const noexcept { return waits_to_write_; }
  // Tells the client that no more comes, once; best effort.
  void SendEnd() noexcept;

 private:
  ssize_t ErrorOf(int result) noexcept;

  const std::shared_ptr<const TlsContext> context_;
  SSL* ssl_ = nullptr;
  bool waits_to_write_ = false;
  bool broken_ = false;  // OpenSSL must not be asked again
};

}  // namespace nexadb::http
