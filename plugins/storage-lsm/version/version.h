// Version: the sorted tables that make up the store at one moment. Immutable and shared; a read
// holds one for as long as it needs its tables.
//
// Level 0 holds flushed memtables, newest first, whose ranges overlap. In every deeper level tables
// stand in key order and do not overlap; no user key spans two of them. For one key, sequences only
// fall from level to level and, in level 0, from table to table.
#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "plugins/storage-lsm/table/table_builder.h"
#include "plugins/storage-lsm/table/table_reader.h"

namespace nexadb::lsm {

constexpr int kLevels = 7;

// Collects the numbers of tables that no version holds any more. [any]
class ObsoleteTables {
 public:
  explicit ObsoleteTables(Env& env) : mutex_(env.NewMutex()) {}
  void Add(uint64_t number);
  std::vector<uint64_t> Take();

 private:
  Handle<Mutex> mutex_;
  std::vector<uint64_t> numbers_;
};

struct TableFile {
  TableFile(TableInfo i, ObsoleteTables& o) : info(std::move(i)), obsolete_tables(o) {}
  TableFile(const TableFile&) = delete;
  TableFile& operator=(const TableFile&) = delete;
  ~TableFile() {
    reader.reset();
    if (obsolete.load(std::memory_order_acquire)) obsolete_tables.Add(info.number);
  }

  const TableInfo info;
  std::unique_ptr<TableReader> reader;
  // Set once an edit that drops the table is durable: its file goes with the last reference.
  std::atomic<bool> obsolete{false};
  // The table, or a part of it, cannot be read: compaction leaves it where it is, so that damage
  // does not spread and what lies around it moves on.
  std::atomic<bool> damaged{false};
  ObsoleteTables& obsolete_tables;
};
using TablePointer = std::shared_ptr<TableFile>;

struct Version {
  std::vector<TablePointer> levels[kLevels];

  uint64_t LevelBytes(int level) const;
  uint64_t TableCount() const;
  uint64_t DamagedCount() const;
  // The index in a level below 0 of the first table whose end lies past `key`.
  static size_t FindTable(const std::vector<TablePointer>& tables, std::string_view key);
  // The tables of a level that meet [begin, end).
  std::vector<TablePointer> Overlapping(int level, std::string_view begin,
                                        std::string_view end) const;
  // Kept on every change: order, no overlap, sane ranges. kCorruption says what is wrong.
  Status Check() const;
};
using VersionPointer = std::shared_ptr<const Version>;

}  // namespace nexadb::lsm
