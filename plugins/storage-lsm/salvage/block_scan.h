// Finds the intact blocks of a table whose footer, index or filter is damaged. Blocks stand one
// behind the other and each ends with a checksum seeded with its place, so they can be found
// without being told where they are. An encrypted table opens only with an intact footer and
// envelope. [any]
#pragma once
#include <functional>
#include <string>

#include "plugins/storage-lsm/table/table_format.h"

namespace nexadb::lsm {

struct ScannedBlock {
  BlockKind kind = BlockKind::kData;
  uint64_t offset = 0;
  std::unique_ptr<uint8_t[]> raw;
  uint32_t raw_bytes = 0;
};

// Hands on every intact data and tombstone block, in the order of the file.
Status ScanBlocks(File& file, const std::string& path, uint64_t table_number, const Vault& vault,
                  const std::function<Status(ScannedBlock)>& found);

}  // namespace nexadb::lsm
