// KeyRecord: one key as it is stored and shown. A plain value.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "nexadb/abi.h"
#include "nexadb/bson.h"
#include "plugins/auth-apikey/digest.h"

namespace nexadb::auth {

inline constexpr std::string_view kRootKeyId = "root";

struct KeyRecord {
  std::string id;
  std::string name;
  uint32_t actions = 0;
  std::vector<std::string> patterns;
  Digest digest{};
  // The secret before the last rotation, and until when it works; 0: it does not.
  Digest previous_digest{};
  int64_t previous_until_ms = 0;
  // What request_rate.h is set to; 0 is no limit, and a burst of 0 what may be sent in a second.
  uint32_t requests_per_second = 0;
  uint32_t burst = 0;
  // Unix milliseconds; 0 is never.
  int64_t created_ms = 0;
  int64_t expires_ms = 0;
  int64_t revoked_ms = 0;
  int64_t last_used_ms = 0;

  bool ValidAt(int64_t now_ms) const {
    return revoked_ms == 0 && (expires_ms == 0 || now_ms < expires_ms);
  }
};

// Appends the members that callers may see: no digest.
void AppendPublic(const KeyRecord& record, bson::Builder& out);
// Appends every member, for the store.
void AppendStored(const KeyRecord& record, bson::Builder& out);
// The reverse. Null, or what is wrong.
const char* ReadStored(bson::Document stored, KeyRecord& record);

}  // namespace nexadb::auth
