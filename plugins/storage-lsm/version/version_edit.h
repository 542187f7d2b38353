// VersionEdit: one atomic change of the store's shape, a record of the manifest.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plugins/storage-lsm/table/table_builder.h"

namespace nexadb::lsm {

struct VersionEdit {
  std::optional<uint64_t> wal_min;      // logs below are not needed any more
  std::optional<uint64_t> next_number;  // no file has this number or a higher one
  std::optional<Sequence> last_sequence;
  std::vector<std::pair<int, TableInfo>> added;   // level, table
  std::vector<std::pair<int, uint64_t>> removed;  // level, number

  void Encode(std::string& out) const;
  // kCorruption when malformed, kUnsupported for a member that this version does not know.
  static Status Decode(BytesView bytes, VersionEdit* edit);
};

}  // namespace nexadb::lsm
