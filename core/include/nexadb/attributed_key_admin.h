// nexadb.auth.attributed_key_admin: a facet of an authenticator whose audit log names who changed
// a key.
//
// The changes of KeyAdmin, with the caller for whom a frontend makes them. A frontend asks this one
// where it is offered and KeyAdmin elsewhere; the answers are the same.
#pragma once
#include "nexadb/authenticator.h"

namespace nexadb {

// On whose behalf. Views, for as long as the call.
struct KeyActor {
  uint32_t struct_size = sizeof(KeyActor);
  StringView id;    // of the principal; empty when nobody said
  StringView peer;  // its address, without port
};

// [worker] As KeyAdmin.
class AttributedKeyAdmin {
 public:
  static constexpr InterfaceId kInterface{"nexadb.auth.attributed_key_admin", 0, 1};
  virtual Result<Buffer> CreateFor(const KeyActor& actor, BytesView spec) noexcept = 0;
  virtual Result<Buffer> UpdateFor(const KeyActor& actor, StringView id,
                                   BytesView changes) noexcept = 0;
  virtual Status RevokeFor(const KeyActor& actor, StringView id) noexcept = 0;
  virtual Result<Buffer> RotateFor(const KeyActor& actor, StringView id,
                                   uint64_t grace_ms) noexcept = 0;

 protected:
  ~AttributedKeyAdmin() = default;
};

}  // namespace nexadb
