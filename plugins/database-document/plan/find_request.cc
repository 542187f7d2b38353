#include "plugins/database-document/plan/find_request.h"

namespace nexadb::database {

namespace {

// FNV-1a: fixed for ever, because positions outlive the process.
constexpr uint64_t kFnvOffset = 14695981039346656037ull;
constexpr uint64_t kFnvPrime = 1099511628211ull;

uint64_t Mix(uint64_t hash, BytesView bytes) {
  for (const uint8_t byte : bytes) hash = (hash ^ byte) * kFnvPrime;
  return (hash ^ 0xFF) * kFnvPrime;
}

}  // namespace

uint64_t FindRequest::Fingerprint() const {
  uint64_t hash = Mix(kFnvOffset, AsBytes(collection));
  for (const bson::Document& part : {filter, sort, let}) hash = Mix(hash, part.bytes());
  const bson::Value collation = command["collation"].value();
  if (collation.type() == bson::Type::kObject) hash = Mix(hash, collation.bytes());
  return hash;
}

}  // namespace nexadb::database
