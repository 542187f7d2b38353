// What database-document reads back from storage: documents, catalog entries, key-value entries,
// expiry keys, vectors and change records; and what callers keep between calls: tokens of places
// among changes, positions of finds. Any bytes are refused or decode to what encodes to the same
// again.
// LINK: database-document.objects nexadb_document
#include <cstdlib>

#include "plugins/database-document/catalog/entry.h"
#include "plugins/database-document/changes/record.h"
#include "plugins/database-document/collection/layout.h"
#include "plugins/database-document/keyvalue/record.h"
#include "plugins/database-document/plan/position.h"
#include "plugins/database-document/vectors/record.h"

using namespace nexadb;
using namespace nexadb::database;

namespace {

void Document(BytesView bytes) {
  const auto stored = DecodeDocument(bytes);
  if (!stored.ok()) return;
  std::optional<uint64_t> row;
  if (stored->has_row) row = stored->row;
  const std::string again = EncodeDocument(stored->body, row);
  // All but the versionstamp, which storage fills in.
  const auto rest = [](std::string_view value) { return value.substr(kVersionstampBytes); };
  if (rest(again) != rest(AsText(bytes))) std::abort();
}

void Entry(BytesView bytes) {
  const auto entry = DecodeEntry(bytes);
  if (!entry.ok()) return;
  const std::string once = EncodeEntry(**entry);
  const auto again = DecodeEntry(AsBytes(once));
  if (!again.ok() || EncodeEntry(**again) != once) std::abort();
}

void Others(BytesView bytes) {
  if (const auto record = DecodeKeyValue(bytes); record.ok()) {
    const std::string again =
        EncodeKeyValue(record->expires_ms, AsText(record->content_type), record->value);
    if (again.substr(kVersionstampBytes) != AsText(bytes).substr(kVersionstampBytes)) std::abort();
  }
  if (const auto expiry = DecodeExpiryKey(bytes); expiry.ok()) {
    if (ExpiryKey(expiry->expires_ms, expiry->bucket_id, expiry->key) != AsText(bytes)) {
      std::abort();
    }
  }
  const uint32_t dimensions = bytes.size() < 4 ? 0 : bson::Load<uint32_t>(bytes.data());
  if (const auto vector = DecodeVector(bytes, dimensions); vector.ok()) {
    if (EncodeVector(vector->vector, vector->document_key) != AsText(bytes)) std::abort();
  }
  const bool owned = OwnerOfVector(bytes).ok();
  static_cast<void>(owned);
}

void Changes(BytesView bytes) {
  if (const auto record = DecodeRecord(bytes); record.ok()) {
    std::string again = EncodeRecordHead(record->unix_ms);
    for (const bson::Document& event : record->events) again += AsText(event.bytes());
    if (again != AsText(bytes)) std::abort();
  }
  if (const auto token = DecodeToken(AsText(bytes)); token.ok()) {
    if (EncodeToken(token->collection_id, token->position) != AsText(bytes)) std::abort();
  }
  static_cast<void>(PositionOfKey(bytes).ok());
}

void Positions(BytesView bytes) {
  const uint64_t fingerprint = bytes.size() < 8 ? 0 : LoadBigEndian64(bytes.data());
  const auto position = DecodePosition(AsText(bytes), fingerprint);
  if (position.ok() && EncodePosition(fingerprint, *position) != AsText(bytes)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const BytesView bytes{data, size};
  Document(bytes);
  Entry(bytes);
  Others(bytes);
  Changes(bytes);
  Positions(bytes);
  return 0;
}
