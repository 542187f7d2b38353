// Vault: hands out the data keys of a store's files and takes them out of their envelopes.
//
// Each file gets a random key of its own, which stands in the file sealed with a master key: the
// envelope. FORMAT.md has the picture. Without a key ring a vault makes plain files and opens no
// envelope. Immutable. [any]
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "nexadb/env.h"
#include "plugins/storage-lsm/encryption/key_ring.h"

namespace nexadb::lsm {

constexpr size_t kEnvelopeBytes = 80;

class Vault {
 public:
  Vault(nexadb::Random& random, std::shared_ptr<const KeyRing> keys)
      : random_(random), keys_(std::move(keys)) {}

  // The master key of new files; kPlainId: they are not encrypted.
  KeyId current() const { return keys_ == nullptr ? kPlainId : keys_->current(); }
  // kPermissionDenied, with what to do, when files under that key cannot be read.
  Status CheckKey(KeyId id, std::string_view path) const;
  // The same where there is no vault.
  static Status NoKeys(KeyId id, std::string_view path);

  // A cipher with a new data key. REQUIRES: current() is a key.
  Result<std::unique_ptr<FileCipher>> NewCipher() const;
  // Its data key, sealed with the current master key and bound to `bound`.
  Result<std::string> Wrap(const FileCipher& cipher, BytesView bound) const;
  // kPermissionDenied: the master key is not there; kCorruption: damaged, or bound to another file.
  // `offset` is the envelope's in the file.
  Result<std::unique_ptr<FileCipher>> Unwrap(BytesView envelope, BytesView bound,
                                             std::string_view path, uint64_t offset) const;

 private:
  nexadb::Random& random_;
  const std::shared_ptr<const KeyRing> keys_;
};

// False unless the bytes are an envelope with an intact checksum.
bool ReadEnvelopeKey(BytesView envelope, KeyId* id);

}  // namespace nexadb::lsm
