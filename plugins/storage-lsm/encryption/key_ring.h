// KeyRing: the master keys of a store, as its key file gives them.
//
// The file is text, a key a line as 64 hexadecimal digits; empty lines and lines that begin with #
// are passed over. The first key seals new files, the others open what was sealed with them before:
// a key is rotated by putting a new one in front. The word "plain" in the place of the first key
// leaves new files unencrypted, which is how a store is decrypted again. Immutable. [any]
#pragma once
#include <memory>
#include <string_view>
#include <vector>

#include "plugins/storage-lsm/encryption/file_cipher.h"

namespace nexadb::lsm {

constexpr size_t kMasterKeysMax = 64;

// Names a key without giving it away: the beginning of a hash of it. Never 0.
using KeyId = uint64_t;
constexpr KeyId kPlainId = 0;  // of what is not encrypted

class KeyRing {
 public:
  // `path` is for messages, which never tell what a line holds.
  static Result<std::shared_ptr<const KeyRing>> Parse(std::string_view text, std::string_view path);

  // The key for new files, kPlainId for none.
  KeyId current() const { return plain_ ? kPlainId : keys_.front().id; }
  // Null for a key that the ring does not have.
  const SecretKey* Find(KeyId id) const;

 private:
  struct Master {
    KeyId id = 0;
    SecretKey key;
  };
  bool plain_ = false;
  std::vector<Master> keys_;
};

// 16 hexadecimal digits.
std::string KeyIdText(KeyId id);

}  // namespace nexadb::lsm
