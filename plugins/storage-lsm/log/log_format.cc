#include "plugins/storage-lsm/log/log_format.h"

#include <cstring>

#include "core/base/checksum.h"
#include "core/base/coding.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

using base::LoadLittle;
using base::StoreLittle;

// Of the length and the sync mark: cheap enough to test every offset for a record's beginning.
uint32_t HeaderCheck(const uint8_t* record, uint64_t generation, uint64_t offset) {
  uint8_t covered[20];
  std::memcpy(covered, record, 4);
  std::memcpy(covered + 4, record + 8, 16);
  return static_cast<uint32_t>(
      base::Checksum64(BytesView{covered, sizeof(covered)}, LogSeed(generation, offset)));
}

}  // namespace

void EncodeLogHeader(const LogHeader& header, Span<uint8_t> out) {
  uint8_t* p = out.data();
  std::memcpy(p, kLogMagic.data(), kLogMagic.size());
  StoreLittle<uint32_t>(p + 8, header.encrypted ? kEncryptedFormat : kPlainFormat);
  StoreLittle<uint32_t>(p + 12, static_cast<uint32_t>(header.type));
  StoreLittle<uint64_t>(p + 16, header.number);
  StoreLittle<uint64_t>(p + 24, header.generation);
  StoreLittle<uint64_t>(p + 32, header.previous_number);
  StoreLittle<uint64_t>(p + 40, header.previous_end);
  StoreLittle<uint64_t>(p + 48, header.store_id);
  StoreLittle<uint64_t>(p + 56, base::Checksum64(BytesView{p, kLogHeaderBoundBytes}));
}

Status DecodeLogHeader(BytesView bytes, std::string_view path, LogHeader* header) {
  const uint8_t* p = bytes.data();
  if (bytes.size() < kLogHeaderBytes || std::memcmp(p, kLogMagic.data(), kLogMagic.size()) != 0 ||
      LoadLittle<uint64_t>(p + 56) != base::Checksum64(BytesView{p, kLogHeaderBoundBytes})) {
    return Corruption(path, 0, "damaged log header");
  }
  if (LoadLittle<uint32_t>(p + 8) > kFormatVersion) {
    return Status::Error(
        Code::kUnsupported,
        std::string(path) + ": written by a newer version of storage-lsm (format " +
            std::to_string(LoadLittle<uint32_t>(p + 8)) + "); nothing was changed");
  }
  header->type = static_cast<LogType>(LoadLittle<uint32_t>(p + 12));
  header->number = LoadLittle<uint64_t>(p + 16);
  header->generation = LoadLittle<uint64_t>(p + 24);
  header->previous_number = LoadLittle<uint64_t>(p + 32);
  header->previous_end = LoadLittle<uint64_t>(p + 40);
  header->store_id = LoadLittle<uint64_t>(p + 48);
  header->encrypted = LoadLittle<uint32_t>(p + 8) == kEncryptedFormat;
  return Status::Ok();
}

void EncodeLogRecordHeader(const LogRecordHeader& header, uint64_t generation, uint64_t offset,
                           uint8_t* out) {
  StoreLittle<uint32_t>(out, header.size);
  StoreLittle<uint64_t>(out + 8, header.synced_to);
  StoreLittle<uint64_t>(out + 16, header.checksum);
  StoreLittle<uint32_t>(out + 4, HeaderCheck(out, generation, offset));
}

bool DecodeLogRecordHeader(BytesView bytes, uint64_t generation, uint64_t offset,
                           LogRecordHeader* header) {
  if (bytes.size() < kLogRecordHeaderBytes) return false;
  const uint8_t* p = bytes.data();
  header->size = LoadLittle<uint32_t>(p);
  if (header->size == 0 || header->size > kLogRecordBytesMax) return false;
  if (LoadLittle<uint32_t>(p + 4) != HeaderCheck(p, generation, offset)) return false;
  header->synced_to = LoadLittle<uint64_t>(p + 8);
  header->checksum = LoadLittle<uint64_t>(p + 16);
  return true;
}

LogBinding BindRecord(const LogRecordHeader& header, uint64_t log_number, uint64_t offset) {
  LogBinding bound{};
  StoreLittle<uint64_t>(bound.data(), log_number);
  StoreLittle<uint64_t>(bound.data() + 8, offset);
  StoreLittle<uint64_t>(bound.data() + 16, header.synced_to);
  StoreLittle<uint32_t>(bound.data() + 24, header.size);
  return bound;
}

}  // namespace nexadb::lsm
