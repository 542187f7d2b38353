#include "plugins/auth-apikey/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <new>

namespace nexadb::auth {
namespace {

constexpr char kBase64Url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// Looked up once: OpenSSL's own look-up at each digest costs more than the digest of a key. Lives
// as long as the process.
const EVP_MD* Sha256() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return algorithm != nullptr ? algorithm : EVP_sha256();
}

}  // namespace

Digest DigestOf(std::string_view secret) {
  Digest digest;
  unsigned size = 0;
  const int done =
      EVP_Digest(secret.data(), secret.size(), digest.data(), &size, Sha256(), nullptr);
  if (done != 1 || size != digest.size()) throw std::bad_alloc();
  return digest;
}

bool Equal(const Digest& a, const Digest& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string NewSecret(Random& random) {
  uint8_t bytes[33] = {};  // the last one fills up the last character
  random.Fill({bytes, 32});
  std::string secret = "nxk_";
  for (size_t i = 0; i < 33; i += 3) {
    const uint32_t group = static_cast<uint32_t>(bytes[i] << 16 | bytes[i + 1] << 8 | bytes[i + 2]);
    for (int shift = 18; shift >= 0; shift -= 6) secret += kBase64Url[group >> shift & 63];
  }
  secret.pop_back();  // holds no bit of the 256
  OPENSSL_cleanse(bytes, sizeof(bytes));
  return secret;
}

std::string NewKeyId(Random& random) {
  constexpr char kDigits[] = "0123456789abcdefghijklmnopqrstuv";
  uint8_t bytes[16];
  random.Fill({bytes, sizeof(bytes)});
  std::string id;
  for (const uint8_t byte : bytes) id += kDigits[byte & 31];
  return id;
}

}  // namespace nexadb::auth
