// LINK: storage-lsm.objects nexadb_base
// Blocks, footers and tombstones of tables: any bytes are refused or can be walked through whole.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "plugins/storage-lsm/table/block.h"
#include "plugins/storage-lsm/table/table_format.h"
#include "plugins/storage-lsm/testing/memory_file.h"
#include "plugins/storage-lsm/tombstones/range_tombstones.h"

using namespace nexadb;
using namespace nexadb::lsm;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto copy = std::make_unique<uint8_t[]>(size);
  if (size > 0) std::memcpy(copy.get(), data, size);
  if (Ref<Block> block = Block::Parse(std::move(copy), size)) {
    uint64_t bytes = 0;
    for (uint32_t row = 0; row < block->rows(); ++row) {
      for (char c : block->KeyAt(row)) bytes += static_cast<uint8_t>(c);
      for (char c : block->ValueAt(row)) bytes += static_cast<uint8_t>(c);
      bytes += block->SequenceAt(row) + static_cast<uint64_t>(block->KindAt(row));
      if (block->Seek(block->KeyAt(row), block->SequenceAt(row)) > block->rows()) std::abort();
    }
    volatile uint64_t sink = bytes;  // the bytes must truly be read
    static_cast<void>(sink);
  }
  RangeTombstones tombstones;
  if (RangeTombstones::Decode({data, size}, &tombstones)) {
    RangeTombstones again;
    const std::string encoded = tombstones.Encode();
    if (!RangeTombstones::Decode(AsBytes(encoded), &again)) std::abort();
    if (again.Encode() != encoded) std::abort();
  }
  Footer footer;
  static_cast<void>(DecodeFooter({data, size}, "fuzz", 0, &footer));
  // As a stored block, with the trailer as it comes.
  if (size >= kBlockTrailerBytes) {
    testing::MemoryFile file(std::string(reinterpret_cast<const char*>(data), size));
    BlockHandle handle;
    handle.stored = static_cast<uint32_t>(size - kBlockTrailerBytes);
    handle.raw = handle.stored;
    std::unique_ptr<uint8_t[]> raw;
    static_cast<void>(ReadBlock(file, "fuzz", 1, handle, BlockKind::kData, &raw));
  }
  return 0;
}
