#include "plugins/database-document/plan/position.h"

#include "core/document/error.h"
#include "plugins/database-document/collection/layout.h"

namespace nexadb::database {

namespace {

constexpr size_t kFingerprintBytes = sizeof(uint64_t);
// Before an order and its length. No encoded value begins with it, nor does an inverted one.
constexpr char kOrderMark = 0;
constexpr size_t kOrderHeaderBytes = 1 + sizeof(uint32_t);

Status Damaged() {
  return MakeError(ErrorId::kInvalidCursor, "the position to go on from is damaged");
}

}  // namespace

std::string EncodePosition(uint64_t fingerprint, const Position& position) {
  std::string out;
  AppendBigEndian64(fingerprint, &out);
  if (!position.order.empty()) {
    const std::string_view order = AsText(position.order.bytes());
    out.push_back(kOrderMark);
    AppendBigEndian32(static_cast<uint32_t>(order.size()), &out);
    out.append(order);
  }
  return out.append(position.place);
}

Result<Position> DecodePosition(std::string_view bytes, uint64_t fingerprint) {
  if (bytes.size() < kFingerprintBytes) return Damaged();
  if (LoadBigEndian64(AsBytes(bytes).data()) != fingerprint) {
    return MakeError(ErrorId::kCursorMismatch, "the position belongs to another query");
  }
  Position out;
  out.place = bytes.substr(kFingerprintBytes);
  if (out.place.empty() || out.place.front() != kOrderMark) return out;
  if (out.place.size() < kOrderHeaderBytes) return Damaged();
  const size_t size = LoadBigEndian32(AsBytes(out.place).data() + 1);
  out.place.remove_prefix(kOrderHeaderBytes);
  if (size > out.place.size()) return Damaged();
  out.order = bson::Document(AsBytes(out.place.substr(0, size)));
  if (bson::Validate(out.order.bytes()) != nullptr || out.order.empty()) return Damaged();
  out.place.remove_prefix(size);
  return out;
}

}  // namespace nexadb::database
