// What a sorted table's file is made of: blocks with trailers, found through a footer. FORMAT.md
// has the picture. No state. [any]
#pragma once
#include <memory>
#include <string>

#include "nexadb/env.h"
#include "plugins/storage-lsm/encryption/vault.h"
#include "plugins/storage-lsm/format/key.h"

namespace nexadb::lsm {

enum class Compression : uint8_t { kNone = 0, kLz4 = 1 };
enum class BlockKind : uint8_t { kData = 1, kIndex = 2, kFilter = 3, kTombstones = 4 };

constexpr size_t kBlockTrailerBytes = 16;
constexpr size_t kFooterBytes = 128;
constexpr std::string_view kTableMagic = "NXDBSST1";
// Larger than any block: one row of the largest key and value, and its columns.
constexpr uint32_t kBlockRawBytesMax = 128u << 20;
// A compressed block must save an eighth, or decompressing it is not worth the space.
constexpr size_t kCompressionGainDivisor = 8;

struct BlockHandle {
  uint64_t offset = 0;
  uint32_t stored = 0;  // bytes in the file, with the tag, without the trailer; 0: no such block
  uint32_t raw = 0;     // bytes once decompressed
};
constexpr size_t kBlockHandleBytes = 16;

void AppendHandle(std::string& out, const BlockHandle& handle);
bool DecodeHandle(BytesView bytes, BlockHandle* handle);

struct Footer {
  BlockHandle index;
  BlockHandle filter;
  BlockHandle tombstones;
  uint64_t number = 0;
  uint64_t store_id = 0;
  uint64_t rows = 0;
  Sequence sequence_min = 0;
  Sequence sequence_max = 0;
  KeyId key_id = kPlainId;  // otherwise an envelope of kEnvelopeBytes stands in front of the footer
};
std::string EncodeFooter(const Footer& footer);
// The part of an encoded footer that the envelope is bound to.
constexpr size_t kFooterBoundBytes = 112;
Status DecodeFooter(BytesView bytes, std::string_view path, uint64_t offset, Footer* footer);

// Appends a block, compressed where that pays, and its trailer. `offset` is where it will stand.
BlockHandle AppendBlock(std::string& out, std::string_view raw, BlockKind kind,
                        Compression compression, uint64_t table_number, uint64_t offset);
// The same, encrypted; its offset makes the nonce.
Result<BlockHandle> AppendSealedBlock(std::string& out, std::string_view raw, BlockKind kind,
                                      Compression compression, uint64_t table_number,
                                      uint64_t offset, FileCipher& cipher);

// A block as it stands in a table, trailer and all.
struct StoredBlock {
  std::unique_ptr<uint8_t[]> bytes;
  BlockHandle handle;
};
// Reads and checks it, no more.
Status ReadStoredBlock(File& file, std::string_view path, uint64_t table_number,
                       const BlockHandle& handle, BlockKind kind, StoredBlock* out);
// Appends a block of a plain table to another plain table, bound to its new place.
BlockHandle AppendStoredBlock(std::string& out, const StoredBlock& block, uint64_t table_number,
                              uint64_t offset);

// Reads, checks, decrypts and decompresses. `path` is for messages. `cipher`: null for a plain
// table.
Status ReadBlock(File& file, std::string_view path, uint64_t table_number,
                 const BlockHandle& handle, BlockKind kind, std::unique_ptr<uint8_t[]>* out,
                 const FileCipher* cipher = nullptr);

}  // namespace nexadb::lsm
