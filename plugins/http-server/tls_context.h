// TlsContext: a certificate, its key, and the rules under which connections are encrypted with
// them: TLS 1.2 and 1.3, key exchanges with forward secrecy, authenticated ciphers, ALPN http/1.1,
// tickets for resumption, no renegotiation, no early data.
//
// Immutable once loaded; any thread. Connections share it: one that was begun under a certificate
// goes on under it when another is loaded. No message of this file ever holds bytes of the key.
#pragma once
#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "nexadb/abi.h"

namespace nexadb::http {

// Paths are as configured: relative ones from the working directory. Both empty: no TLS.
struct TlsConfig {
  std::string certificate;  // PEM: the server's certificate, then the intermediate ones
  std::string private_key;  // PEM, without a passphrase
  uint64_t handshake_timeout_ms = 10'000;

  bool enabled() const { return !certificate.empty(); }
  bool operator==(const TlsConfig&) const = default;
};

// The plaintext of the largest record.
constexpr size_t kTlsRecordBytesMax = 16 * 1024;

class TlsContext {
 public:
  // Fails with kInvalidArgument, naming the option, the file and the reason: unreadable, not PEM,
  // protected by a passphrase, expired or not valid yet, too weak, or a key that is another's.
  static Result<std::shared_ptr<const TlsContext>> Load(const TlsConfig& config);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  SSL_CTX* get() const { return context_; }
  // Reads and writes a socket without signals; its data is the descriptor (BIO_set_fd).
  const BIO_METHOD* socket_method() const { return socket_method_; }
  // When the certificate ends, in seconds since 1970, and as text: "2027-03-01 12:00:00 UTC".
  int64_t expires_s() const { return expires_s_; }
  const std::string& expires_text() const { return expires_text_; }
  // Both would be served alike.
  bool SameAs(const TlsContext& other) const;
  // The key's file can be read by every user of the machine.
  bool key_is_exposed() const { return key_is_exposed_; }

 private:
  TlsContext() = default;
  Status SetUp();
  Status UseCertificate(const TlsConfig& config);
  Status UseKey(const TlsConfig& config);

  SSL_CTX* context_ = nullptr;
  BIO_METHOD* socket_method_ = nullptr;
  std::string certificate_text_;
  int64_t expires_s_ = 0;
  std::string expires_text_;
  bool key_is_exposed_ = false;
};

}  // namespace nexadb::http
