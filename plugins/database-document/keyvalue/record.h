// The stored forms of a key-value entry and of its expiry: FORMAT.md. Pure functions.
#pragma once
#include <string>

#include "nexadb/abi.h"
#include "nexadb/storage_engine.h"

namespace nexadb::database {

struct KeyValueRecord {
  BytesView version;       // kVersionstampBytes
  int64_t expires_ms = 0;  // Unix time; 0: never
  BytesView content_type;
  BytesView value;
  size_t content_type_offset = 0;
  size_t value_offset = 0;
};

// With a hole for the versionstamp at offset 0.
std::string EncodeKeyValue(int64_t expires_ms, std::string_view content_type, BytesView value);
// Borrows. kCorruption when damaged.
Result<KeyValueRecord> DecodeKeyValue(BytesView stored);

std::string KeyValueKey(uint32_t bucket_id, BytesView key);
// Where the sweeper finds, in order of time, what to remove.
std::string ExpiryKey(int64_t expires_ms, uint32_t bucket_id, BytesView key);
struct Expiry {
  int64_t expires_ms = 0;
  uint32_t bucket_id = 0;
  BytesView key;
};
Result<Expiry> DecodeExpiryKey(BytesView key);

}  // namespace nexadb::database
