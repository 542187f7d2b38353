// What database-document reads back from storage: documents, catalog entries, entries of indexes,
// key-value entries, expiry keys, vectors and change records; and what callers keep between calls:
// tokens of places among changes, positions of finds. Any bytes are refused or decode to what
// encodes to the same again.
// LINK: database-document.objects nexadb_document
#include <algorithm>
#include <cstdlib>

#include "plugins/database-document/catalog/entry.h"
#include "plugins/database-document/changes/record.h"
#include "plugins/database-document/collection/layout.h"
#include "plugins/database-document/index/entry_reader.h"
#include "plugins/database-document/keyvalue/record.h"
#include "plugins/database-document/plan/position.h"
#include "plugins/database-document/value/key_encoding.h"
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

// No longer than that a key can be made of it again.
constexpr size_t kEntryValueBytesMax = 256;

// An entry of an index of four fields: the size of its key, the key, the value.
void IndexEntries(BytesView bytes) {
  if (bytes.size() == 0) return;
  const size_t key_size = std::min<size_t>(bytes.data()[0], bytes.size() - 1);
  const std::string_view key = AsText(bytes).substr(1, key_size);
  const std::string_view value = AsText(bytes).substr(1 + key_size, kEntryValueBytesMax);
  IndexEntry index;
  index.spec = bson::Builder()
                   .OpenObject("key")
                   .Int32("a", 1)
                   .Int32("d.x", -1)
                   .Int32("b", 1)
                   .Int32("e", -1)
                   .Close()
                   .Finish();
  const std::vector<std::string> paths = {"_id", "a", "d.x", "b", "e"};
  EntryReader reader(index, paths);
  std::string made;
  if (!reader.Read(key, value, &made)) return;
  const char* wrong = bson::Validate(AsBytes(made));
  // Text is given as it stands there.
  if (wrong != nullptr && wrong != std::string_view("string is not UTF-8")) std::abort();
  // What is made has an entry, and that gives it again.
  const bson::Document document(AsBytes(made));
  index.arrays.resize(4);
  index.types = true;
  const auto keys = IndexKeys::Compile(16, index);
  std::string owner, again_key, types, again;
  query::AppendKey(document["_id"].value(), &owner);
  if (!keys.ok()) std::abort();
  const auto single = keys->AppendSingle(document, owner, &again_key, &types);
  if (!single.ok() || *single != IndexKeys::Single::kAppended) std::abort();
  if (!reader.Read(again_key, types + owner, &again) || again != made) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const BytesView bytes{data, size};
  Document(bytes);
  Entry(bytes);
  Others(bytes);
  Changes(bytes);
  Positions(bytes);
  IndexEntries(bytes);
  return 0;
}
