#include "plugins/database-document/collection/layout.h"

#include <cstring>

#include "core/document/error.h"
#include "plugins/database-document/value/key_encoding.h"

namespace nexadb::database {

namespace {

constexpr uint8_t kHasRow = 0x01;
constexpr uint8_t kKnownFlags = kHasRow;
constexpr size_t kFlagsOffset = kVersionstampBytes;

}  // namespace

void AppendBigEndian32(uint32_t value, std::string* out) {
  for (int shift = 24; shift >= 0; shift -= 8) out->push_back(static_cast<char>(value >> shift));
}

void AppendBigEndian64(uint64_t value, std::string* out) {
  for (int shift = 56; shift >= 0; shift -= 8) out->push_back(static_cast<char>(value >> shift));
}

uint32_t LoadBigEndian32(const uint8_t* at) { return __builtin_bswap32(bson::Load<uint32_t>(at)); }

uint64_t LoadBigEndian64(const uint8_t* at) { return __builtin_bswap64(bson::Load<uint64_t>(at)); }

std::string IdPrefix(uint32_t id) {
  std::string key;
  AppendBigEndian32(id, &key);
  return key;
}

std::string SpacePrefix(uint32_t id, Space space) {
  std::string key = IdPrefix(id);
  key.push_back(static_cast<char>(space));
  return key;
}

KeySpan SpaceSpan(uint32_t id, Space space) {
  const auto next = static_cast<Space>(static_cast<uint8_t>(space) + 1);
  return {SpacePrefix(id, space), SpacePrefix(id, next)};
}

KeySpan IdSpan(uint32_t id) { return {IdPrefix(id), IdPrefix(id + 1)}; }

std::string DocumentKey(uint32_t id, const bson::Value& document_id) {
  std::string key = SpacePrefix(id, Space::kDocument);
  query::AppendKey(document_id, &key);
  return key;
}

std::string RowKey(uint32_t id, uint64_t row) {
  std::string key = SpacePrefix(id, Space::kVector);
  AppendBigEndian64(row, &key);
  return key;
}

uint64_t RowOfKey(BytesView key) {
  return LoadBigEndian64(key.data() + key.size() - sizeof(uint64_t));
}

BytesView StoredBody(BytesView value) {
  if (value.size() < kFlagsOffset + 1 + bson::kDocumentBytesMin) return {};
  const uint8_t flags = value[kFlagsOffset];
  const size_t at = kFlagsOffset + 1 + ((flags & kHasRow) != 0 ? sizeof(uint64_t) : 0);
  if ((flags & ~kKnownFlags) != 0 || value.size() < at + bson::kDocumentBytesMin) return {};
  const size_t size = value.size() - at;
  return bson::Load<uint32_t>(value.data() + at) == size ? value.Sub(at, size) : BytesView();
}

Result<StoredDocument> DecodeDocument(BytesView value) {
  const auto damaged = [] {
    return MakeError(ErrorId::kCorruption, "a stored document is not what was written");
  };
  if (value.size() < kFlagsOffset + 1 + bson::kDocumentBytesMin) return damaged();
  const uint8_t flags = value[kFlagsOffset];
  if ((flags & ~kKnownFlags) != 0) return damaged();
  StoredDocument stored;
  stored.version = value.Sub(0, kVersionstampBytes);
  size_t at = kFlagsOffset + 1;
  if ((flags & kHasRow) != 0) {
    if (value.size() < at + sizeof(uint64_t) + bson::kDocumentBytesMin) return damaged();
    stored.has_row = true;
    stored.row = LoadBigEndian64(value.data() + at);
    at += sizeof(uint64_t);
  }
  if (bson::Load<uint32_t>(value.data() + at) != value.size() - at) return damaged();
  stored.body_offset = at;
  stored.body = bson::Document(value.Sub(at, value.size() - at));
  return stored;
}

std::string EncodeDocument(bson::Document body, std::optional<uint64_t> row) {
  std::string out;
  out.reserve(kFlagsOffset + 1 + sizeof(uint64_t) + body.bytes().size());
  out.assign(kVersionstampBytes, '\0');
  out.push_back(static_cast<char>(row ? kHasRow : 0));
  if (row) AppendBigEndian64(*row, &out);
  return out.append(AsText(body.bytes()));
}

}  // namespace nexadb::database
