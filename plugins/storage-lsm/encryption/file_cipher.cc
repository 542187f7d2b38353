#include "plugins/storage-lsm/encryption/file_cipher.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "core/base/coding.h"

namespace nexadb::lsm {
namespace {

int Length(size_t bytes) { return static_cast<int>(bytes); }

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

}  // namespace

SecretKey::~SecretKey() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

Nonce NonceOf(uint64_t number) {
  Nonce nonce{};
  base::StoreLittle(nonce.data(), number);
  return nonce;
}

Result<std::unique_ptr<FileCipher>> FileCipher::Make(const SecretKey& key) {
  EVP_CIPHER* algorithm = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  EVP_CIPHER_CTX* sealing = EVP_CIPHER_CTX_new();
  std::unique_ptr<FileCipher> cipher(new FileCipher(key, algorithm, sealing));
  if (algorithm == nullptr || sealing == nullptr ||
      EVP_EncryptInit_ex2(sealing, algorithm, key.data(), nullptr, nullptr) != 1) {
    return Status::Error(Code::kInternal, "OpenSSL offers no AES-256-GCM");
  }
  return cipher;
}

FileCipher::~FileCipher() {
  EVP_CIPHER_CTX_free(sealing_);
  EVP_CIPHER_free(algorithm_);
}

Status FileCipher::Seal(const Nonce& nonce, BytesView bound, Span<uint8_t> bytes, uint8_t* tag) {
  int length = 0;
  if (EVP_EncryptInit_ex2(sealing_, nullptr, nullptr, nonce.data(), nullptr) == 1 &&
      EVP_EncryptUpdate(sealing_, nullptr, &length, bound.data(), Length(bound.size())) == 1 &&
      EVP_EncryptUpdate(sealing_, bytes.data(), &length, bytes.data(), Length(bytes.size())) == 1 &&
      EVP_EncryptFinal_ex(sealing_, bytes.data() + bytes.size(), &length) == 1 &&
      EVP_CIPHER_CTX_ctrl(sealing_, EVP_CTRL_AEAD_GET_TAG, Length(kTagBytes), tag) == 1) {
    return Status::Ok();
  }
  return Status::Error(Code::kInternal, "encryption failed");
}

bool FileCipher::Open(const Nonce& nonce, BytesView bound, Span<uint8_t> bytes,
                      const uint8_t* tag) const {
  const Context context(EVP_CIPHER_CTX_new());
  uint8_t expected[kTagBytes];
  std::memcpy(expected, tag, kTagBytes);
  int length = 0;
  return context != nullptr &&
         EVP_DecryptInit_ex2(context.get(), algorithm_, key_.data(), nonce.data(), nullptr) == 1 &&
         EVP_DecryptUpdate(context.get(), nullptr, &length, bound.data(), Length(bound.size())) ==
             1 &&
         EVP_DecryptUpdate(context.get(), bytes.data(), &length, bytes.data(),
                           Length(bytes.size())) == 1 &&
         EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, Length(kTagBytes), expected) ==
             1 &&
         EVP_DecryptFinal_ex(context.get(), bytes.data() + bytes.size(), &length) == 1;
}

}  // namespace nexadb::lsm
