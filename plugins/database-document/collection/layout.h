// Where things lie in storage, and the bytes of a stored document: FORMAT.md as code.
// Pure functions; what they return owns its bytes unless said.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "nexadb/bson.h"
#include "nexadb/storage_engine.h"

namespace nexadb::database {

constexpr uint32_t kCatalogId = 0;  // the catalog
constexpr uint32_t kExpiryId = 1;   // when which key of which bucket expires
constexpr uint32_t kFirstCollectionId = 16;
constexpr uint32_t kLastCollectionId = 0xFFFFFFFE;

// The byte behind the collection's id.
enum class Space : uint8_t {
  kCount = 0x01,        // how many documents (keys of a bucket), kept by commutative adds
  kRowLease = 0x02,     // the next document number to hand out
  kChangeFloor = 0x03,  // up to where the change log was cut
  kDocument = 0x10,     // documents by _id
  kVector = 0x20,       // vectors by document number
  kIndex = 0x30,        // secondary indexes
  kKeyValue = 0x40,     // a bucket's keys
  kChange = 0x50,       // the change log, by versionstamp
};

// Longer identities are refused: a key must stay small beside its document.
constexpr size_t kIdKeyBytesMax = 8192;

// Before the encoded _id in a document's key: the collection's id and its space.
constexpr size_t kDocumentKeyPrefixBytes = sizeof(uint32_t) + 1;

struct KeySpan {
  std::string begin, end;  // [begin, end)
};

std::string IdPrefix(uint32_t id);
std::string SpacePrefix(uint32_t id, Space space);
KeySpan SpaceSpan(uint32_t id, Space space);
KeySpan IdSpan(uint32_t id);  // all that belongs to a collection

std::string DocumentKey(uint32_t id, const bson::Value& document_id);
std::string RowKey(uint32_t id, uint64_t row);  // in kVector
// REQUIRES: a key that RowKey made.
uint64_t RowOfKey(BytesView key);

void AppendBigEndian32(uint32_t value, std::string* out);
void AppendBigEndian64(uint64_t value, std::string* out);
uint32_t LoadBigEndian32(const uint8_t* at);
uint64_t LoadBigEndian64(const uint8_t* at);

// The value of a document's key: versionstamp, flags, document number when it has one, body.
struct StoredDocument {
  BytesView version;  // kVersionstampBytes
  bool has_row = false;
  uint64_t row = 0;
  bson::Document body;
  size_t body_offset = 0;
};
// Borrows from `value`. kCorruption when it is no document.
Result<StoredDocument> DecodeDocument(BytesView value);
// The body alone, for scans; no bytes when DecodeDocument would fail.
BytesView StoredBody(BytesView value);
// With a hole for the versionstamp at offset 0.
std::string EncodeDocument(bson::Document body, std::optional<uint64_t> row);

}  // namespace nexadb::database
