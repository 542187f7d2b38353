#include "plugins/storage-lsm/salvage/block_scan.h"

#include <algorithm>
#include <vector>

#include "core/base/coding.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

// Where a block may begin that ends further on: behind the last intact one, and behind everything
// since that looked like a trailer and was none. More of those than this are chance.
constexpr size_t kStartsMax = 16;

// Bytes that could be the first half of a trailer. Chance makes one in 2^38 places look so, and the
// checksum decides.
bool LooksLikeTrailer(const uint8_t* p) {
  const uint32_t raw = base::LoadLittle<uint32_t>(p + 4);
  return p[0] <= static_cast<uint8_t>(Compression::kLz4) &&
         p[1] >= static_cast<uint8_t>(BlockKind::kData) &&
         p[1] <= static_cast<uint8_t>(BlockKind::kTombstones) &&
         base::LoadLittle<uint16_t>(p + 2) <= 1 && raw > 0 && raw <= kBlockRawBytesMax;
}

// Null when the table is plain, or its envelope cannot be opened: then no encrypted block will.
std::unique_ptr<FileCipher> CipherOf(const std::string& bytes, const std::string& path,
                                     const Vault& vault) {
  constexpr size_t kTailBytes = kFooterBytes + kEnvelopeBytes;
  if (bytes.size() < kTailBytes) return nullptr;
  const size_t at = bytes.size() - kFooterBytes;
  const BytesView footer_bytes = AsBytes(bytes).Sub(at, kFooterBytes);
  Footer footer;
  if (!DecodeFooter(footer_bytes, path, at, &footer).ok() || footer.key_id == kPlainId) {
    return nullptr;
  }
  auto cipher = vault.Unwrap(AsBytes(bytes).Sub(at - kEnvelopeBytes, kEnvelopeBytes),
                             footer_bytes.Sub(0, kFooterBoundBytes), path, at - kEnvelopeBytes);
  return cipher.ok() ? std::move(*cipher) : nullptr;
}

Result<std::string> ReadAll(File& file) {
  auto size = file.Size();
  if (!size.ok()) return size.status();
  std::string bytes(*size, '\0');
  auto got = file.ReadAt(0, {reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
  if (!got.ok()) return got.status();
  bytes.resize(*got);
  return bytes;
}

}  // namespace

Status ScanBlocks(File& file, const std::string& path, uint64_t table_number, const Vault& vault,
                  const std::function<Status(ScannedBlock)>& found) {
  auto bytes = ReadAll(file);
  if (!bytes.ok()) return bytes.status();
  const auto cipher = CipherOf(*bytes, path, vault);
  const auto* p = reinterpret_cast<const uint8_t*>(bytes->data());
  std::vector<size_t> starts = {0};
  for (size_t at = 1; at + kBlockTrailerBytes <= bytes->size(); ++at) {
    if (!LooksLikeTrailer(p + at)) continue;
    const auto kind = static_cast<BlockKind>(p[at + 1]);
    bool intact = false;
    for (const size_t start : starts) {
      if (start >= at) continue;
      ScannedBlock block;
      block.kind = kind;
      block.offset = start;
      block.raw_bytes = base::LoadLittle<uint32_t>(p + at + 4);
      const BlockHandle handle{start, static_cast<uint32_t>(at - start), block.raw_bytes};
      const Status read =
          ReadBlock(file, path, table_number, handle, kind, &block.raw, cipher.get());
      if (!read.ok()) continue;
      intact = true;
      if (kind == BlockKind::kData || kind == BlockKind::kTombstones) {
        LSM_RETURN_IF_ERROR(found(std::move(block)));
      }
      break;
    }
    if (intact) starts.clear();
    starts.push_back(at + kBlockTrailerBytes);
    if (starts.size() > kStartsMax) starts.erase(starts.begin());
    if (intact) at += kBlockTrailerBytes - 1;
  }
  return Status::Ok();
}

}  // namespace nexadb::lsm
