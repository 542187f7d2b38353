// FileCipher: AES-256-GCM under the data key of one file.
//
// A key belongs to one file, which is written once, so a number that is used once within the file
// (an offset of a table, a count of a log's records) makes a nonce that never repeats. What is
// bound is checked with the tag and not stored: bytes moved to another place or file do not open.
//
// Opening is [any]; sealing is for the file's one writer. [serial]
#pragma once
#include <array>
#include <memory>

#include "nexadb/abi.h"

struct evp_cipher_st;
struct evp_cipher_ctx_st;

namespace nexadb::lsm {

constexpr size_t kKeyBytes = 32;
constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;

// Wiped when it goes.
class SecretKey {
 public:
  SecretKey() = default;
  SecretKey(const SecretKey& o) = default;
  SecretKey& operator=(const SecretKey& o) = default;
  ~SecretKey();
  uint8_t* data() { return bytes_.data(); }
  const uint8_t* data() const { return bytes_.data(); }
  Span<uint8_t> span() { return {bytes_.data(), kKeyBytes}; }
  BytesView view() const { return {bytes_.data(), kKeyBytes}; }

 private:
  std::array<uint8_t, kKeyBytes> bytes_{};
};

using Nonce = std::array<uint8_t, kNonceBytes>;
Nonce NonceOf(uint64_t number);

class FileCipher {
 public:
  // kInternal when the library has no AES-256-GCM.
  static Result<std::unique_ptr<FileCipher>> Make(const SecretKey& key);
  ~FileCipher();
  FileCipher(const FileCipher&) = delete;
  FileCipher& operator=(const FileCipher&) = delete;

  // Encrypts in place. REQUIRES: no other call has had this nonce, and there are bytes.
  Status Seal(const Nonce& nonce, BytesView bound, Span<uint8_t> bytes, uint8_t* tag);
  // Decrypts in place. False when key, nonce, tag or what is bound differ; the bytes are lost then.
  bool Open(const Nonce& nonce, BytesView bound, Span<uint8_t> bytes, const uint8_t* tag) const;

  const SecretKey& key() const { return key_; }

 private:
  FileCipher(const SecretKey& key, evp_cipher_st* algorithm, evp_cipher_ctx_st* sealing)
      : key_(key), algorithm_(algorithm), sealing_(sealing) {}

  const SecretKey key_;
  evp_cipher_st* const algorithm_;
  evp_cipher_ctx_st* const sealing_;  // holds the key: sealing asks for no memory
};

}  // namespace nexadb::lsm
