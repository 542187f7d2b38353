#include "plugins/storage-lsm/version/version_edit.h"

#include "plugins/storage-lsm/version/version.h"

namespace nexadb::lsm {
namespace {

// Tags are stored; never reuse one.
enum Tag : uint64_t {
  kWalMin = 1,
  kNextNumber = 2,
  kLastSequence = 3,
  kAdded = 4,
  kRemoved = 5,
  kAddedEncrypted = 6,
};

Status Malformed() { return Status::Error(Code::kCorruption, "malformed version edit"); }

void PutTable(std::string& out, int level, const TableInfo& info) {
  base::PutVarint(out, info.key_id == kPlainId ? kAdded : kAddedEncrypted);
  base::PutVarint(out, static_cast<uint64_t>(level));
  if (info.key_id != kPlainId) base::PutVarint(out, info.key_id);
  for (uint64_t v : {info.number, info.file_bytes, info.rows, info.deletes, info.raw_bytes,
                     info.sequence_min, info.sequence_max}) {
    base::PutVarint(out, v);
  }
  base::PutLengthPrefixed(out, AsBytes(info.begin));
  base::PutLengthPrefixed(out, AsBytes(info.end));
}

bool ReadTable(base::ByteReader& in, TableInfo* info) {
  for (uint64_t* v : {&info->number, &info->file_bytes, &info->rows, &info->deletes,
                      &info->raw_bytes, &info->sequence_min, &info->sequence_max}) {
    if (!in.ReadVarint(v)) return false;
  }
  BytesView begin;
  BytesView end;
  if (!in.ReadLengthPrefixed(&begin) || !in.ReadLengthPrefixed(&end)) return false;
  info->begin = AsText(begin);
  info->end = AsText(end);
  return true;
}

bool ReadLevel(base::ByteReader& in, int* level) {
  uint64_t v = 0;
  if (!in.ReadVarint(&v) || v >= kLevels) return false;
  *level = static_cast<int>(v);
  return true;
}

bool ReadNumber(base::ByteReader& in, std::optional<uint64_t>& out) {
  return in.ReadVarint(&out.emplace());
}

}  // namespace

void VersionEdit::Encode(std::string& out) const {
  auto number = [&](Tag tag, const std::optional<uint64_t>& v) {
    if (!v) return;
    base::PutVarint(out, static_cast<uint64_t>(tag));
    base::PutVarint(out, *v);
  };
  number(kWalMin, wal_min);
  number(kNextNumber, next_number);
  number(kLastSequence, last_sequence);
  for (const auto& [level, table] : removed) {
    base::PutVarint(out, static_cast<uint64_t>(kRemoved));
    base::PutVarint(out, static_cast<uint64_t>(level));
    base::PutVarint(out, table);
  }
  for (const auto& [level, info] : added) PutTable(out, level, info);
}

Status VersionEdit::Decode(BytesView bytes, VersionEdit* edit) {
  base::ByteReader in(bytes);
  while (!in.empty()) {
    uint64_t tag = 0;
    int level = 0;
    if (!in.ReadVarint(&tag)) return Malformed();
    bool good = true;
    switch (tag) {
      case kWalMin: good = ReadNumber(in, edit->wal_min); break;
      case kNextNumber: good = ReadNumber(in, edit->next_number); break;
      case kLastSequence: good = ReadNumber(in, edit->last_sequence); break;
      case kAdded:
      case kAddedEncrypted: {
        TableInfo info;
        good = ReadLevel(in, &level);
        if (tag == kAddedEncrypted) {
          good = good && in.ReadVarint(&info.key_id) && info.key_id != kPlainId;
        }
        good = good && ReadTable(in, &info);
        if (good) edit->added.emplace_back(level, std::move(info));
        break;
      }
      case kRemoved: {
        uint64_t table = 0;
        good = ReadLevel(in, &level) && in.ReadVarint(&table);
        if (good) edit->removed.emplace_back(level, table);
        break;
      }
      default:
        return Status::Error(Code::kUnsupported,
                             "the manifest has a member that this version does not know");
    }
    if (!good) return Malformed();
  }
  return Status::Ok();
}

}  // namespace nexadb::lsm
