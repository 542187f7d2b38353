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

// Of a trailer, what its checksum covers: codec, kind, flags, raw bytes.
constexpr size_t kTrailerBoundBytes = 8;

// Stands in each trailer, and is never set in a plain block.
enum BlockFlag : uint16_t { kSealed = 1 };

// What an encrypted block is bound to: its place, and the first half of its trailer.
using BlockBinding = std::array<uint8_t, 24>;
BlockBinding BindBlock(uint64_t table_number, uint64_t offset, const uint8_t* trailer) {
  BlockBinding bound;
  base::StoreLittle(bound.data(), table_number);
  base::StoreLittle(bound.data() + 8, offset);
  std::memcpy(bound.data() + 16, trailer, 8);
  return bound;
}

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

void AppendTrailer(std::string& out, bool packed, BlockKind kind, uint16_t flags, uint32_t raw) {
  PutLittle(out, static_cast<uint8_t>(packed ? Compression::kLz4 : Compression::kNone));
  PutLittle(out, static_cast<uint8_t>(kind));
  PutLittle(out, flags);
  PutLittle(out, raw);
}
void AppendBlockChecksum(std::string& out, size_t start, uint64_t table_number, uint64_t offset) {
  PutLittle(out, BlockChecksum(AsBytes(std::string_view(out).substr(start)), table_number, offset));
}

// Decrypts in place and leaves in *size what is left without the tag.
Status Unseal(std::string_view path, uint64_t table_number, const BlockHandle& handle,
              uint8_t* stored, size_t* size, const FileCipher* cipher) {
  const uint8_t* trailer = stored + handle.stored;
  const bool sealed = LoadLittle<uint16_t>(trailer + 2) == kSealed;
  if (sealed != (cipher != nullptr) || (sealed && *size <= kTagBytes)) {
    return Corruption(path, handle.offset, "block encrypted unlike its table");
  }
  if (!sealed) return Status::Ok();
  *size -= kTagBytes;
  const BlockBinding bound = BindBlock(table_number, handle.offset, trailer);
  if (cipher->Open(NonceOf(handle.offset), {bound.data(), bound.size()}, {stored, *size},
                   stored + *size)) {
    return Status::Ok();
  }
  return Corruption(path, handle.offset, "block that was not sealed here with this table's key");
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
  PutLittle(out, footer.key_id == kPlainId ? kPlainFormat : kEncryptedFormat);
  PutLittle(out, footer.key_id);
  out.resize(kFooterBoundBytes, '\0');
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
  footer->key_id = LoadLittle<uint64_t>(p + 92);
  if (LoadLittle<uint64_t>(p + kFooterBoundBytes) !=
      base::Checksum64(bytes.Sub(0, kFooterBoundBytes), footer->number)) {
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
  const BlockHandle handle{offset, static_cast<uint32_t>(out.size() - start),
                           static_cast<uint32_t>(raw.size())};
  AppendTrailer(out, packed, kind, 0, handle.raw);
  AppendBlockChecksum(out, start, table_number, offset);
  return handle;
}

Result<BlockHandle> AppendSealedBlock(std::string& out, std::string_view raw, BlockKind kind,
                                      Compression compression, uint64_t table_number,
                                      uint64_t offset, FileCipher& cipher) {
  const size_t start = out.size();
  const bool packed = compression == Compression::kLz4 && Compress(out, raw);
  if (!packed) out.append(raw);
  const size_t size = out.size() - start;
  out.append(kTagBytes, '\0');
  const BlockHandle handle{offset, static_cast<uint32_t>(out.size() - start),
                           static_cast<uint32_t>(raw.size())};
  AppendTrailer(out, packed, kind, kSealed, handle.raw);
  auto* stored = reinterpret_cast<uint8_t*>(out.data()) + start;
  const BlockBinding bound = BindBlock(table_number, offset, stored + handle.stored);
  LSM_RETURN_IF_ERROR(
      cipher.Seal(NonceOf(offset), {bound.data(), bound.size()}, {stored, size}, stored + size));
  AppendBlockChecksum(out, start, table_number, offset);
  return handle;
}

BlockHandle AppendStoredBlock(std::string& out, const StoredBlock& block, uint64_t table_number,
                              uint64_t offset) {
  const size_t start = out.size();
  out.append(reinterpret_cast<const char*>(block.bytes.get()),
             block.handle.stored + kTrailerBoundBytes);
  AppendBlockChecksum(out, start, table_number, offset);
  return {offset, block.handle.stored, block.handle.raw};
}

Status ReadStoredBlock(File& file, std::string_view path, uint64_t table_number,
                       const BlockHandle& handle, BlockKind kind, StoredBlock* out) {
  if (handle.stored > kBlockRawBytesMax || handle.raw > kBlockRawBytesMax) {
    return Corruption(path, handle.offset, "block of an impossible size");
  }
  const size_t total = handle.stored + kBlockTrailerBytes;
  auto stored = std::make_unique_for_overwrite<uint8_t[]>(total);
  auto got = file.ReadAt(handle.offset, {stored.get(), total});
  if (!got.ok()) return got.status();
  if (*got != total) return Corruption(path, handle.offset, "file ends within a block");
  const uint8_t* trailer = stored.get() + handle.stored;
  const BytesView covered{stored.get(), handle.stored + kTrailerBoundBytes};
  const auto checksum = LoadLittle<uint64_t>(trailer + kTrailerBoundBytes);
  if (checksum != BlockChecksum(covered, table_number, handle.offset)) {
    return Corruption(path, handle.offset, "checksum mismatch in the block");
  }
  if (trailer[1] != static_cast<uint8_t>(kind) || LoadLittle<uint32_t>(trailer + 4) != handle.raw) {
    return Corruption(path, handle.offset, "block of another kind or size");
  }
  *out = {std::move(stored), handle};
  return Status::Ok();
}

Status ReadBlock(File& file, std::string_view path, uint64_t table_number,
                 const BlockHandle& handle, BlockKind kind, std::unique_ptr<uint8_t[]>* out,
                 const FileCipher* cipher) {
  StoredBlock block;
  LSM_RETURN_IF_ERROR(ReadStoredBlock(file, path, table_number, handle, kind, &block));
  std::unique_ptr<uint8_t[]> stored = std::move(block.bytes);
  const uint8_t* trailer = stored.get() + handle.stored;
  size_t size = handle.stored;
  LSM_RETURN_IF_ERROR(Unseal(path, table_number, handle, stored.get(), &size, cipher));
  if (trailer[0] == static_cast<uint8_t>(Compression::kNone)) {
    if (handle.raw != size) return Corruption(path, handle.offset, "block size differs");
    *out = std::move(stored);
    return Status::Ok();
  }
  auto raw = std::make_unique_for_overwrite<uint8_t[]>(handle.raw);
  const int unpacked = LZ4_decompress_safe(reinterpret_cast<const char*>(stored.get()),
                                           reinterpret_cast<char*>(raw.get()),
                                           static_cast<int>(size), static_cast<int>(handle.raw));
  if (trailer[0] != static_cast<uint8_t>(Compression::kLz4) ||
      unpacked != static_cast<int>(handle.raw)) {
    return Corruption(path, handle.offset, "block does not decompress");
  }
  *out = std::move(raw);
  return Status::Ok();
}

}  // namespace nexadb::lsm
