// Bucket: one bucket within one read or one transaction. What KeyValueService's calls are made of.
// One thread at a time.
#pragma once
#include <optional>
#include <string>

#include "nexadb/database.h"
#include "plugins/database-document/keyvalue/record.h"
#include "plugins/database-document/session/read_scope.h"

namespace nexadb::database {

// A stored entry with its bytes held.
struct HeldEntry {
  Buffer stored;
  KeyValueRecord record;
  bool present = false;  // not expired
  bool stored_at_all = false;
};

class BucketReader {
 public:
  // Checks the names and that the caller may read. A missing bucket is empty.
  static Result<BucketReader> Open(SessionImpl& session, std::string_view database,
                                   std::string_view bucket);
  Result<HeldEntry> Get(BytesView key);
  bool exists() const { return entry_ != nullptr; }
  uint32_t id() const { return entry_->id; }
  Reader& reader() { return scope_->reader(); }
  int64_t now_ms() const { return now_ms_; }
  BucketReader() = default;

 private:
  ReadScopePtr scope_;
  EntryPtr entry_;
  int64_t now_ms_ = 0;
  ReadOptions options_;
};

enum class MakeBucket { kNo, kYes };

class BucketWriter {
 public:
  // Checks the names and that the caller may write. With kNo a missing bucket gives a writer that
  // does not exist().
  static Result<BucketWriter> Open(SessionImpl& session, WriteSet& set, std::string_view database,
                                   std::string_view bucket, MakeBucket make);
  bool exists() const { return entry_ != nullptr; }
  Result<HeldEntry> Get(BytesView key);
  // `before` is what Get gave for the key.
  Status Put(BytesView key, const HeldEntry& before, int64_t expires_ms,
             std::string_view content_type, BytesView value);
  Status Remove(BytesView key, const HeldEntry& before);
  int64_t now_ms() const { return now_ms_; }
  BucketWriter() = default;

 private:
  Status Count(int64_t delta);
  WriteSet* set_ = nullptr;
  EntryPtr entry_;
  int64_t now_ms_ = 0;
};

Status CheckKey(BytesView key);
Status CheckValue(BytesView value);
Result<HeldEntry> Hold(Result<Buffer> found, int64_t now_ms);
KeyValue ToKeyValue(const HeldEntry& entry);
// When something with this time to live expires; 0 for never. Saturates.
int64_t ExpiryOf(int64_t now_ms, int64_t ttl_ms);

}  // namespace nexadb::database
