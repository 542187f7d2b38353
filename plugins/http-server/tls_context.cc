#include "plugins/http-server/tls_context.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

namespace nexadb::http {
namespace {

// Certificates with their chains are some KiB; what is far larger is another file.
constexpr size_t kPemBytesMax = 1024 * 1024;
// Level 2 refuses RSA below 2048 bits, curves below 224 and SHA-1.
constexpr int kSecurityLevel = 2;
// Of TLS 1.2; those of TLS 1.3 are all of this kind.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr unsigned char kHttp11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using OwnedBio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using OwnedCertificate = std::unique_ptr<X509, Freed<X509_free>>;
using OwnedKey = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

// OpenSSL's last word on what has failed.
std::string Reason() {
  const char* const reason = ::ERR_reason_error_string(::ERR_peek_last_error());
  return reason != nullptr ? reason : "unknown reason";
}

Status Wrong(std::string_view option, const std::string& path, const std::string& what) {
  return Status::Error(Code::kInvalidArgument, std::string(option) + ": '" + path + "' " + what);
}

Status OutOfMemory() { return Status::Error(Code::kResourceExhausted, "tls: out of memory"); }

struct FileText {
  std::string text;
  mode_t mode = 0;
  ~FileText() { ::OPENSSL_cleanse(text.data(), text.size()); }  // it may be a key
};

Status ReadFile(std::string_view option, const std::string& path, FileText& out) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Wrong(option, path, std::string("cannot be read: ") + std::strerror(errno));
  struct stat about {};
  ::fstat(fd, &about);
  out.mode = about.st_mode;
  out.text.resize(kPemBytesMax + 1);  // at once: a string that grows leaves copies behind
  size_t size = 0;
  ssize_t count = 0;
  while (size < out.text.size()) {
    count = ::read(fd, out.text.data() + size, out.text.size() - size);
    if (count <= 0) break;
    size += static_cast<size_t>(count);
  }
  const int error = errno;
  ::close(fd);
  if (count < 0) return Wrong(option, path, std::string("cannot be read: ") + std::strerror(error));
  if (size > kPemBytesMax) return Wrong(option, path, "has over 1 MiB; it should be a PEM file");
  out.text.resize(size);
  return {};
}

OwnedBio Reader(const std::string& text) {
  return OwnedBio(::BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// OpenSSL's own would ask at the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

int64_t SecondsOf(const ASN1_TIME* time, std::string& text) {
  std::tm parts{};
  ::ASN1_TIME_to_tm(time, &parts);
  char buffer[32];
  text.assign(buffer, std::strftime(buffer, sizeof(buffer), "%Y-%m-%d %H:%M:%S UTC", &parts));
  return ::timegm(&parts);
}

int ChooseProtocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                   const unsigned char* offered, unsigned offered_size, void*) {
  unsigned char* found = nullptr;
  if (::SSL_select_next_proto(&found, chosen_size, kHttp11, sizeof(kHttp11), offered,
                              offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // no_application_protocol
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

// OpenSSL's socket BIO writes with write(), which may raise SIGPIPE.
int FdOf(BIO* bio) { return static_cast<int>(reinterpret_cast<intptr_t>(::BIO_get_data(bio))); }

int ReadSocket(BIO* bio, char* to, int room) {
  ::BIO_clear_retry_flags(bio);
  const ssize_t count = ::recv(FdOf(bio), to, static_cast<size_t>(room), MSG_DONTWAIT);
  if (count == 0) ::BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) ::BIO_set_retry_read(bio);
  return static_cast<int>(count);
}

int WriteSocket(BIO* bio, const char* from, int size) {
  ::BIO_clear_retry_flags(bio);
  const ssize_t count =
      ::send(FdOf(bio), from, static_cast<size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) ::BIO_set_retry_write(bio);
  return static_cast<int>(count);
}

long ControlSocket(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return ::BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::Load(const TlsConfig& config) {
  ::ERR_clear_error();
  std::shared_ptr<TlsContext> made(new TlsContext());
  Status status = made->SetUp();
  if (status.ok()) status = made->UseCertificate(config);
  if (status.ok()) status = made->UseKey(config);
  ::ERR_clear_error();
  if (!status.ok()) return status;
  return std::shared_ptr<const TlsContext>(std::move(made));
}

TlsContext::~TlsContext() {
  ::SSL_CTX_free(context_);
  ::BIO_meth_free(socket_method_);
}

Status TlsContext::SetUp() {
  context_ = ::SSL_CTX_new(::TLS_server_method());
  // Once: OpenSSL has 127 of them in a process, which renewed certificates would use up.
  static const int type = BIO_TYPE_SOURCE_SINK | BIO_get_new_index();
  socket_method_ = ::BIO_meth_new(type, "nexadb socket");
  if (context_ == nullptr || socket_method_ == nullptr) return OutOfMemory();
  ::BIO_meth_set_read(socket_method_, ReadSocket);
  ::BIO_meth_set_write(socket_method_, WriteSocket);
  ::BIO_meth_set_ctrl(socket_method_, ControlSocket);
  ::SSL_CTX_set_security_level(context_, kSecurityLevel);
  if (::SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION) != 1 ||
      ::SSL_CTX_set_cipher_list(context_, kCiphers) != 1) {
    return Status::Error(Code::kInternal, "tls: OpenSSL refuses the ciphers: " + Reason());
  }
  // A client that closes without saying so within TLS is no attack here: requests tell their
  // length.
  ::SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                      SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                      SSL_OP_IGNORE_UNEXPECTED_EOF);
  // Idle connections hold no buffers; answers may be written in parts, from where they lie then.
  ::SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                   SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // One record at a time, so that a client that sends nothing but key updates holds nobody up.
  ::SSL_CTX_clear_mode(context_, SSL_MODE_AUTO_RETRY);
  ::SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);  // tickets need no memory here
  ::SSL_CTX_set_num_tickets(context_, 1);
  ::SSL_CTX_set_alpn_select_cb(context_, ChooseProtocol, nullptr);
  return {};
}

Status TlsContext::UseCertificate(const TlsConfig& config) {
  constexpr const char* kOption = "tls.certificate";
  FileText file;
  if (Status read = ReadFile(kOption, config.certificate, file); !read.ok()) return read;
  certificate_text_ = file.text;
  const OwnedBio reader = Reader(certificate_text_);
  if (!reader) return OutOfMemory();
  const OwnedCertificate own(::PEM_read_bio_X509_AUX(reader.get(), nullptr, NoPassphrase, nullptr));
  if (!own) {
    return Wrong(
        kOption, config.certificate,
        "holds no certificate in PEM form, -----BEGIN CERTIFICATE----- (" + Reason() + ")");
  }
  std::string begins_text;
  SecondsOf(::X509_get0_notBefore(own.get()), begins_text);
  expires_s_ = SecondsOf(::X509_get0_notAfter(own.get()), expires_text_);
  if (::X509_cmp_current_time(::X509_get0_notBefore(own.get())) >= 0) {
    return Wrong(kOption, config.certificate, "is not valid before " + begins_text);
  }
  if (::X509_cmp_current_time(::X509_get0_notAfter(own.get())) <= 0) {
    return Wrong(kOption, config.certificate, "expired on " + expires_text_);
  }
  if (::SSL_CTX_use_certificate(context_, own.get()) != 1) {
    return Wrong(kOption, config.certificate, "cannot be used: " + Reason());
  }
  while (X509* next = ::PEM_read_bio_X509(reader.get(), nullptr, NoPassphrase, nullptr)) {
    const OwnedCertificate intermediate(next);
    if (::SSL_CTX_add1_chain_cert(context_, next) != 1) {
      return Wrong(kOption, config.certificate, "has a chain that cannot be used: " + Reason());
    }
  }
  if (ERR_GET_REASON(::ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
    return Wrong(kOption, config.certificate, "has a damaged chain: " + Reason());
  }
  ::ERR_clear_error();  // the end of the file
  return {};
}

Status TlsContext::UseKey(const TlsConfig& config) {
  constexpr const char* kOption = "tls.private_key";
  FileText file;
  if (Status read = ReadFile(kOption, config.private_key, file); !read.ok()) return read;
  key_is_exposed_ = (file.mode & (S_IROTH | S_IWOTH)) != 0;
  const OwnedBio reader = Reader(file.text);
  if (!reader) return OutOfMemory();
  const OwnedKey key(::PEM_read_bio_PrivateKey(reader.get(), nullptr, NoPassphrase, nullptr));
  if (!key) {
    if (file.text.find("ENCRYPTED") != std::string::npos) {
      return Wrong(kOption, config.private_key,
                   "is protected by a passphrase, which nobody could enter at a restart. Store it "
                   "without one ('openssl pkey -in key.pem -out plain.pem') and with mode 0600");
    }
    return Wrong(
        kOption, config.private_key,
        "holds no private key in PEM form, -----BEGIN PRIVATE KEY----- (" + Reason() + ")");
  }
  const X509* const certificate = ::SSL_CTX_get0_certificate(context_);
  if (::X509_check_private_key(certificate, key.get()) != 1) {
    return Wrong(kOption, config.private_key,
                 "is not the key of the certificate in '" + config.certificate + "'");
  }
  if (::SSL_CTX_use_PrivateKey(context_, key.get()) != 1) {
    return Wrong(kOption, config.private_key, "cannot be used: " + Reason());
  }
  return {};
}

// A key belongs to one certificate, so equal certificates have equal keys.
bool TlsContext::SameAs(const TlsContext& other) const {
  return certificate_text_ == other.certificate_text_;
}

}  // namespace nexadb::http
