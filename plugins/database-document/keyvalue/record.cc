#include "plugins/database-document/keyvalue/record.h"

#include "core/document/error.h"
#include "plugins/database-document/collection/layout.h"

namespace nexadb::database {

namespace {

constexpr size_t kExpiresOffset = kVersionstampBytes;
constexpr size_t kContentTypeSizeOffset = kExpiresOffset + sizeof(uint64_t);
constexpr size_t kHeaderBytes = kContentTypeSizeOffset + 2;
constexpr size_t kExpiryHeaderBytes = sizeof(uint32_t) + sizeof(uint64_t) + sizeof(uint32_t);

}  // namespace

std::string EncodeKeyValue(int64_t expires_ms, std::string_view content_type, BytesView value) {
  std::string out(kVersionstampBytes, '\0');
  out.reserve(kHeaderBytes + content_type.size() + value.size());
  AppendBigEndian64(static_cast<uint64_t>(expires_ms), &out);
  out.push_back(static_cast<char>(content_type.size() >> 8));
  out.push_back(static_cast<char>(content_type.size() & 0xFF));
  return out.append(content_type).append(AsText(value));
}

Result<KeyValueRecord> DecodeKeyValue(BytesView stored) {
  const auto damaged = [] {
    return MakeError(ErrorId::kCorruption, "a stored key-value entry is not what was written");
  };
  if (stored.size() < kHeaderBytes) return damaged();
  KeyValueRecord record;
  record.version = stored.Sub(0, kVersionstampBytes);
  record.expires_ms = static_cast<int64_t>(LoadBigEndian64(stored.data() + kExpiresOffset));
  const size_t content_type_size =
      static_cast<size_t>(stored[kContentTypeSizeOffset]) << 8 | stored[kContentTypeSizeOffset + 1];
  if (content_type_size > stored.size() - kHeaderBytes) return damaged();
  record.content_type_offset = kHeaderBytes;
  record.content_type = stored.Sub(kHeaderBytes, content_type_size);
  record.value_offset = kHeaderBytes + content_type_size;
  record.value = stored.Sub(record.value_offset, stored.size() - record.value_offset);
  return record;
}

std::string KeyValueKey(uint32_t bucket_id, BytesView key) {
  return SpacePrefix(bucket_id, Space::kKeyValue).append(AsText(key));
}

std::string ExpiryKey(int64_t expires_ms, uint32_t bucket_id, BytesView key) {
  std::string out = IdPrefix(kExpiryId);
  AppendBigEndian64(static_cast<uint64_t>(expires_ms), &out);
  AppendBigEndian32(bucket_id, &out);
  return out.append(AsText(key));
}

Result<Expiry> DecodeExpiryKey(BytesView key) {
  if (key.size() < kExpiryHeaderBytes || LoadBigEndian32(key.data()) != kExpiryId) {
    return MakeError(ErrorId::kCorruption, "an expiry entry is not what was written");
  }
  Expiry expiry;
  expiry.expires_ms = static_cast<int64_t>(LoadBigEndian64(key.data() + sizeof(uint32_t)));
  expiry.bucket_id = LoadBigEndian32(key.data() + sizeof(uint32_t) + sizeof(uint64_t));
  expiry.key = key.Sub(kExpiryHeaderBytes, key.size() - kExpiryHeaderBytes);
  return expiry;
}

}  // namespace nexadb::database
