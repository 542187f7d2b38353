#include "plugins/database-document/vectors/record.h"

#include <cstring>

#include "core/document/error.h"
#include "nexadb/bson.h"

namespace nexadb::database {

namespace {

Status Damaged() { return MakeError(ErrorId::kCorruption, "a stored vector is damaged"); }

}  // namespace

std::string EncodeVector(std::span<const float> vector, std::string_view document_key) {
  std::string out;
  const auto dimensions = static_cast<uint32_t>(vector.size());
  out.reserve(sizeof(dimensions) + vector.size_bytes() + document_key.size());
  out.append(reinterpret_cast<const char*>(&dimensions), sizeof(dimensions));
  out.append(reinterpret_cast<const char*>(vector.data()), vector.size_bytes());
  return out.append(document_key);
}

Result<std::string_view> OwnerOfVector(BytesView value) {
  if (value.size() < sizeof(uint32_t)) return Damaged();
  const uint64_t owner =
      sizeof(uint32_t) + uint64_t{bson::Load<uint32_t>(value.data())} * sizeof(float);
  if (owner > value.size()) return Damaged();
  return AsText(value.Sub(owner, value.size() - owner));
}

Result<VectorRecord> DecodeVector(BytesView value, uint32_t dimensions) {
  auto owner = OwnerOfVector(value);
  if (!owner.ok()) return owner.status();
  if (dimensions == 0 || bson::Load<uint32_t>(value.data()) != dimensions) return Damaged();
  VectorRecord record;
  record.vector.resize(dimensions);
  std::memcpy(record.vector.data(), value.data() + sizeof(uint32_t), dimensions * sizeof(float));
  record.document_key = *owner;
  return record;
}

}  // namespace nexadb::database
