// Reads the key file that the configuration names. Not part of the engine: it asks the operating
// system directly, since Env knows no permissions. [control]
#pragma once
#include <memory>
#include <string>

#include "plugins/storage-lsm/encryption/key_ring.h"

namespace nexadb::lsm {

// kPermissionDenied: others than the owner may read or write it, or the owner is neither this
// process's user nor root; kInvalidArgument: not a file of keys.
Result<std::shared_ptr<const KeyRing>> ReadKeyFile(const std::string& path);

}  // namespace nexadb::lsm
