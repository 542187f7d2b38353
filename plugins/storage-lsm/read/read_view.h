// ReadView: all places where an entry may be, at one moment. Immutable and shared; a read takes
// one, and nothing of it goes away until the read is done.
#pragma once
#include <memory>
#include <vector>

#include "plugins/storage-lsm/memtable/memtable.h"
#include "plugins/storage-lsm/version/version.h"

namespace nexadb::lsm {

struct ReadView {
  Ref<Memtable> memtable;                // the one being written
  std::vector<Ref<Memtable>> immutable;  // waiting for their flush, newest first
  VersionPointer version;

  // Every memtable, newest first.
  template <class Visit>
  void EachMemtable(const Visit& visit) const {
    visit(*memtable);
    for (const Ref<Memtable>& m : immutable) visit(*m);
  }
  // Every table that may hold something of [begin, end), with its level, newest level first.
  template <class Visit>
  void EachTable(std::string_view begin, std::string_view end, const Visit& visit) const {
    for (int level = 0; level < kLevels; ++level) {
      for (const TablePointer& table : version->levels[level]) {
        if (RangesOverlap(table->info.begin, table->info.end, begin, end)) visit(level, *table);
      }
    }
  }
};
using ReadViewPointer = std::shared_ptr<const ReadView>;

}  // namespace nexadb::lsm
