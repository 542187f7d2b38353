// The payload of a write-ahead log record: one committed batch, its stamps and sums filled in.
//
//   first sequence u64 | entry count u32 | entries: kind u8, varint key length, key,
//                                          for kinds with one: varint value length, value
// Entry i has sequence first + i. A range delete's value is its end.
#pragma once
#include <string>
#include <string_view>

#include "core/base/coding.h"
#include "plugins/storage-lsm/format/key.h"

namespace nexadb::lsm {

// One entry on its way into the log and the memtable. Views are the caller's.
struct Entry {
  Kind kind = Kind::kPut;
  std::string_view key;
  std::string_view value;
};

inline void AppendBatchHeader(std::string& out, Sequence first, uint32_t count) {
  base::PutLittle(out, first);
  base::PutLittle(out, count);
}
// A length, then the bytes: in two appends, for every write passes here.
inline void AppendSized(std::string& out, std::string_view bytes) {
  uint8_t size[base::kVarint64BytesMax];
  const size_t n = base::StoreVarint(size, bytes.size());
  out.append(reinterpret_cast<const char*>(size), n).append(bytes);
}
inline void AppendEntry(std::string& out, const Entry& entry) {
  out.push_back(static_cast<char>(entry.kind));
  AppendSized(out, entry.key);
  if (entry.kind != Kind::kDelete) AppendSized(out, entry.value);
}

// Walks a payload. False from either call means that the payload is malformed.
class BatchReader {
 public:
  explicit BatchReader(BytesView payload) : in_(payload) {}
  bool ReadHeader(Sequence* first, uint32_t* count) {
    return in_.ReadLittle(first) && in_.ReadLittle(count);
  }
  bool ReadEntry(Entry* entry) {
    uint8_t kind = 0;
    BytesView key;
    BytesView value;
    if (!in_.ReadLittle(&kind) || !in_.ReadLengthPrefixed(&key)) return false;
    if (kind < static_cast<uint8_t>(Kind::kPut) || kind > static_cast<uint8_t>(Kind::kSum)) {
      return false;
    }
    entry->kind = static_cast<Kind>(kind);
    if (entry->kind != Kind::kDelete && !in_.ReadLengthPrefixed(&value)) return false;
    entry->key = AsText(key);
    entry->value = AsText(value);
    return true;
  }
  bool empty() const { return in_.empty(); }

 private:
  base::ByteReader in_;
};

}  // namespace nexadb::lsm
