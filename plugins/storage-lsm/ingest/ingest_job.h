// IngestJob: writes a caller's sorted rows straight into tables, past log and memtable. [serial]
//
// Changes no shared state: nothing of what it writes is in the store until the caller installs the
// outcome. A job that fails, or that is thrown away before it is done, removes its files; those
// that a crash leaves behind are orphans, which the next open removes. Memory: one block and 8
// bytes a key of the table being written, and the index and filter of each finished one, which
// count as any table's do.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "nexadb/storage_engine.h"
#include "plugins/storage-lsm/version/version_set.h"

namespace nexadb::lsm {

struct IngestSettings {
  TableOptions table;
  uint64_t table_bytes_max = 64u << 20;
  // The rows of the first table get it, those of each further table one more: newer than all that
  // is in the store, and no two tables alike, as level 0 wants them.
  Sequence first = 0;
  // Whether there is room for more. Asked before the first row, and again every few rows.
  std::function<Status()> may_go_on;
};

class IngestJob {
 public:
  // `env` and `versions` outlive the job.
  IngestJob(Env& env, VersionSet& versions, IngestSettings settings)
      : env_(env), versions_(versions), settings_(std::move(settings)) {}
  IngestJob(const IngestJob&) = delete;
  IngestJob& operator=(const IngestJob&) = delete;
  ~IngestJob();

  // All tables, in key order, complete, synced and open; none when there are no rows. A failure of
  // the cursor is returned as it is; kInvalidArgument: a row that is not above the one before it,
  // or longer than the store takes. Once.
  Result<std::vector<TablePointer>> Run(Cursor& rows);

 private:
  Status WriteAll(Cursor& rows);
  Status Check(const Row& row) const;
  Status Write(const Row& row);
  Status StartTable();
  Status FinishTable();
  Status OpenTables();

  Env& env_;
  VersionSet& versions_;
  const IngestSettings settings_;
  std::unique_ptr<TableBuilder> builder_;
  std::vector<uint64_t> numbers_;  // of files begun
  std::vector<TableInfo> written_;
  std::vector<TablePointer> tables_;
  std::string last_;  // key
  uint64_t rows_ = 0;
  bool done_ = false;
};

}  // namespace nexadb::lsm
