#include "plugins/storage-lsm/table/table_format.h"

#include <lz4.h>

#include <cstring>

#include "core/base/checksum.h"
#include "plugins/storage-lsm/log/log_format.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

using base::LoadLittle;
using base::PutLittle;

constexpr size_t kFooterChecksumAt = 112;

// Of the stored bytes and the trailer's first half, bound to the table and the place in it.
uint64_t BlockChecksum(BytesView stored_and_trailer, uint64_t table_number, uint64_t offset) {
  return base::Checksum64(stored_and_trailer, LogSeed(table_number, offset));
}

// The compressed form of `raw` behind `out`, or false, with `out` as it was, when it does not pay.
bool Compress(std::string& out, std::string_view raw) {
  const size_t start = out.size();
  const int bound = LZ4_compressBound(static_cast<int>(raw.size()));
  out.resize(start + static_cast<size_t>(bound));
  const int size =
      LZ4_compress_default(raw.data(), out.data() + start, static_cast<int>(raw.size()), bound);
  const bool pays =
      size > 0 && static_cast<size_t>(size) <= raw.size() - raw.size() / kCompressionGainDivisor;
  out.resize(pays ? start + static_cast<size_t>(size) : start);
  return pays;
}

}  // namespace

void AppendHandle(std::string& out, const BlockHandle& handle) {
  PutLittle(out, handle.offset);
  PutLittle(out, handle.stored);
  PutLittle(out, handle.raw);
}

bool DecodeHandle(BytesView bytes, BlockHandle* handle) {
  base::ByteReader in(bytes);
  return in.ReadLittle(&handle->offset) && in.ReadLittle(&handle->stored) &&
         in.ReadLittle(&handle->raw);
}

std::string EncodeFooter(const Footer& footer) {
  std::string out;
  AppendHandle(out, footer.index);
  AppendHandle(out, footer.filter);
  AppendHandle(out, footer.tombstones);
  PutLittle(out, footer.number);
  PutLittle(out, footer.store_id);
  PutLittle(out, footer.rows);
  PutLittle(out, footer.sequence_min);
  PutLittle(out, footer.sequence_max);
  PutLittle(out, kFormatVersion);
  out.resize(kFooterChecksumAt, '\0');
  PutLittle(out, base::Checksum64(AsBytes(out), footer.number));
  out.append(kTableMagic);
  return out;
}

Status DecodeFooter(BytesView bytes, std::string_view path, uint64_t offset, Footer* footer) {
  if (bytes.size() != kFooterBytes ||
      AsText(bytes).substr(kFooterBytes - kTableMagic.size()) != kTableMagic) {
    return Corruption(path, offset, "not a table's footer");
  }
  const uint8_t* p = bytes.data();
  DecodeHandle(bytes.Sub(0, kBlockHandleBytes), &footer->index);
  DecodeHandle(bytes.Sub(16, kBlockHandleBytes), &footer->filter);
  DecodeHandle(bytes.Sub(32, kBlockHandleBytes), &footer->tombstones);
  footer->number = LoadLittle<uint64_t>(p + 48);
  footer->store_id = LoadLittle<uint64_t>(p + 56);
  footer->rows = LoadLittle<uint64_t>(p + 64);
  footer->sequence_min = LoadLittle<uint64_t>(p + 72);
  footer->sequence_max = LoadLittle<uint64_t>(p + 80);
  if (LoadLittle<uint64_t>(p + kFooterChecksumAt) !=
      base::Checksum64(bytes.Sub(0, kFooterChecksumAt), footer->number)) {
    return Corruption(path, offset, "checksum mismatch in the footer");
  }
  if (LoadLittle<uint32_t>(p + 88) > kFormatVersion) {
    return Status::Error(Code::kUnsupported,
                         std::string(path) + ": written by a newer version of storage-lsm");
  }
  return Status::Ok();
}

BlockHandle AppendBlock(std::string& out, std::string_view raw, BlockKind kind,
                        Compression compression, uint64_t table_number, uint64_t offset) {
  const size_t start = out.size();
  const bool packed = compression == Compression::kLz4 && Compress(out, raw);
  if (!packed) out.append(raw);
  BlockHandle handle;
  handle.offset = offset;
  handle.stored = static_cast<uint32_t>(out.size() - start);
  handle.raw = static_cast<uint32_t>(raw.size());
  PutLittle(out, static_cast<uint8_t>(packed ? Compression::kLz4 : Compression::kNone));
  PutLittle(out, static_cast<uint8_t>(kind));
  PutLittle(out, uint16_t{0});
  PutLittle(out, handle.raw);
  PutLittle(out, BlockChecksum(AsBytes(std::string_view(out).substr(start)), table_number, offset));
  return handle;
}

Status ReadBlock(File& file, std::string_view path, uint64_t table_number,
                 const BlockHandle& handle, BlockKind kind, std::unique_ptr<uint8_t[]>* out) {
  if (handle.stored > kBlockRawBytesMax || handle.raw > kBlockRawBytesMax) {
    return Corruption(path, handle.offset, "block of an impossible size");
  }
  const size_t total = handle.stored + kBlockTrailerBytes;
  auto stored = std::make_unique_for_overwrite<uint8_t[]>(total);
  auto got = file.ReadAt(handle.offset, {stored.get(), total});
  if (!got.ok()) return got.status();
  if (*got != total) return Corruption(path, handle.offset, "file ends within a block");
  const uint8_t* trailer = stored.get() + handle.stored;
  const BytesView covered{stored.get(), handle.stored + size_t{8}};
  if (LoadLittle<uint64_t>(trailer + 8) != BlockChecksum(covered, table_number, handle.offset)) {
    return Corruption(path, handle.offset, "checksum mismatch in the block");
  }
  if (trailer[1] != static_cast<uint8_t>(kind) || LoadLittle<uint32_t>(trailer + 4) != handle.raw) {
    return Corruption(path, handle.offset, "block of another kind or size");
  }
  if (trailer[0] == static_cast<uint8_t>(Compression::kNone)) {
    if (handle.raw != handle.stored) return Corruption(path, handle.offset, "block size differs");
    *out = std::move(stored);
    return Status::Ok();
  }
  auto raw = std::make_unique_for_overwrite<uint8_t[]>(handle.raw);
  const int size = LZ4_decompress_safe(
      reinterpret_cast<const char*>(stored.get()), reinterpret_cast<char*>(raw.get()),
      static_cast<int>(handle.stored), static_cast<int>(handle.raw));
  if (trailer[0] != static_cast<uint8_t>(Compression::kLz4) ||
      size != static_cast<int>(handle.raw)) {
    return Corruption(path, handle.offset, "block does not decompress");
  }
  *out = std::move(raw);
  return Status::Ok();
}

}  // namespace nexadb::lsm
