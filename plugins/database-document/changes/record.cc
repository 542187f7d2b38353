#include "plugins/database-document/changes/record.h"

#include <algorithm>

#include "core/document/error.h"
#include "plugins/database-document/collection/layout.h"

namespace nexadb::database {

namespace {

constexpr size_t kTimeBytes = sizeof(int64_t);
constexpr size_t kKeyBytes = kChangeStampOffset + kVersionstampBytes;
constexpr size_t kTokenBytes = sizeof(uint32_t) + kVersionstampBytes + sizeof(uint32_t);
constexpr std::string_view kOperationNames[] = {"insert", "update", "delete"};
constexpr std::string_view kDigits = "0123456789abcdef";

Status Damaged() {
  return MakeError(ErrorId::kCorruption, "a record of the change log is not what was written");
}

}  // namespace

ChangePosition PositionAt(uint64_t sequence) {
  std::string bytes;
  AppendBigEndian64(sequence, &bytes);
  bytes.append(2, '\xFF');
  ChangePosition position;
  std::copy(bytes.begin(), bytes.end(), position.stamp.begin());
  position.index = kRecordEnd;
  return position;
}

std::string EncodeToken(uint32_t collection_id, const ChangePosition& position) {
  std::string bytes = IdPrefix(collection_id);
  bytes.append(position.stamp.begin(), position.stamp.end());
  AppendBigEndian32(position.index, &bytes);
  std::string token;
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    token.push_back(kDigits[byte >> 4]);
    token.push_back(kDigits[byte & 15]);
  }
  return token;
}

Result<ChangeToken> DecodeToken(std::string_view text) {
  uint8_t bytes[kTokenBytes] = {};
  bool good = text.size() == 2 * kTokenBytes;
  for (size_t i = 0; good && i < text.size(); ++i) {
    const size_t digit = kDigits.find(text[i]);
    good = digit != std::string_view::npos;
    bytes[i / 2] = static_cast<uint8_t>(bytes[i / 2] << 4 | (digit & 15));
  }
  if (!good) {
    return MakeError(ErrorId::kInvalidCursor,
                     "the position in the changes is not one that this server gave");
  }
  ChangeToken token;
  token.collection_id = LoadBigEndian32(bytes);
  std::copy_n(bytes + sizeof(uint32_t), kVersionstampBytes, token.position.stamp.begin());
  token.position.index = LoadBigEndian32(bytes + sizeof(uint32_t) + kVersionstampBytes);
  return token;
}

std::string ChangeKey(uint32_t collection_id) {
  return SpacePrefix(collection_id, Space::kChange).append(kVersionstampBytes, '\0');
}

std::string ChangeKeyFrom(uint32_t collection_id, const ChangePosition& position) {
  std::string key = SpacePrefix(collection_id, Space::kChange);
  key.append(position.stamp.begin(), position.stamp.end());
  if (position.index == kRecordEnd) key.push_back('\0');
  return key;
}

Result<ChangePosition> PositionOfKey(BytesView key) {
  if (key.size() != kKeyBytes) return Damaged();
  ChangePosition position;
  std::copy_n(key.data() + kChangeStampOffset, kVersionstampBytes, position.stamp.begin());
  position.index = kRecordEnd;
  return position;
}

std::string ChangeFloorKey(uint32_t collection_id) {
  return SpacePrefix(collection_id, Space::kChangeFloor);
}

std::string EncodeRecordHead(int64_t unix_ms) {
  std::string head;
  AppendBigEndian64(static_cast<uint64_t>(unix_ms), &head);
  return head;
}

Result<int64_t> TimeOfRecord(BytesView value) {
  if (value.size() < kTimeBytes) return Damaged();
  return static_cast<int64_t>(LoadBigEndian64(value.data()));
}

Result<ChangeRecord> DecodeRecord(BytesView value) {
  auto time = TimeOfRecord(value);
  if (!time.ok()) return time.status();
  ChangeRecord record;
  record.unix_ms = *time;
  for (size_t at = kTimeBytes; at < value.size();) {
    const size_t left = value.size() - at;
    if (left < bson::kDocumentBytesMin) return Damaged();
    const size_t size = bson::Load<uint32_t>(value.data() + at);
    if (size < bson::kDocumentBytesMin || size > left) return Damaged();
    record.events.emplace_back(value.Sub(at, size));
    at += size;
  }
  return record;
}

std::string EncodeEvent(ChangeOperation operation, const bson::Value& id, bson::Document document,
                        bson::Document before) {
  bson::Builder out;
  out.Text("operation", kOperationNames[static_cast<size_t>(operation)]);
  out.Value("document_id", id);
  if (!document.empty()) out.Object("document", document);
  if (!before.empty()) out.Object("before", before);
  return out.Finish();
}

}  // namespace nexadb::database
