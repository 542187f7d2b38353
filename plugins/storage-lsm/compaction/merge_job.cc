#include "plugins/storage-lsm/compaction/merge_job.h"

#include <algorithm>
#include <optional>

#include "plugins/storage-lsm/format/file_names.h"
#include "plugins/storage-lsm/read/memtable_source.h"
#include "plugins/storage-lsm/read/merge.h"
#include "plugins/storage-lsm/read/table_source.h"
#include "plugins/storage-lsm/util/error.h"
#include "plugins/storage-lsm/util/mutant.h"

namespace nexadb::lsm {
namespace {

// Rows between looks at the flags: a millisecond's work, about.
constexpr uint64_t kFlagCheckRows = 1024;
constexpr uint64_t kPauseNs = 1'000'000;
// So many blocks in a row that nothing else meets are worth a short one in front of them.
constexpr uint32_t kAloneWorthShort = 4;

using ForwardMerge = Merge<Direction::kForward>;

class MergeJob {
 public:
  MergeJob(Env& env, VersionSet& versions, const MergeSettings& settings, const MergeInput& input)
      : env_(env),
        versions_(versions),
        settings_(settings),
        input_(input),
        copies_blocks_(input.memtables.empty() && !IsEncrypted(settings.table)) {}

  Result<MergeOutcome> Run() {
    Status status = Merge();
    if (status.ok()) status = FinishTable({});
    if (status.ok() && outcome_.rows_in != outcome_.rows_out + outcome_.rows_dropped) {
      status = Status::Error(Code::kCorruption, "a merge has lost rows: its tables are dropped");
    }
    if (status.ok()) status = OpenTables();
    if (status.ok()) return std::move(outcome_);
    RemoveFiles();
    return status;
  }

 private:
  Status Merge();
  void AddSources();
  bool Keeps(const RowSource& row);
  // Copies the block that the top source begins, if it may go over as it is stored.
  Result<bool> CopyBlock(ForwardMerge& merge);
  bool WorthCopying(const Block& block, uint32_t alone) const;
  bool StaysAsItIs(const Block& block) const;
  Status CheckFlags() const;
  size_t StripeOf(Sequence sequence) const;
  bool IsBottom(std::string_view begin, std::string_view end) const;
  Sequence SequenceFor(const RowSource& row) const;
  Status Write(const RowSource& row);
  // Makes room for rows that begin with `key`: the next table where this one is full.
  Status PrepareTable(std::string_view key);
  Status StartTable();
  Status FinishTable(std::string_view next_begin);
  RangeTombstones TombstonesUpTo(std::string_view end) const;
  Status OpenTables();
  void RemoveFiles();

  Env& env_;
  VersionSet& versions_;
  const MergeSettings& settings_;
  const MergeInput& input_;
  std::vector<std::unique_ptr<RowSource>> sources_;
  RangeTombstones tombstones_;
  std::unique_ptr<TableBuilder> builder_;
  std::string table_begin_;  // tombstones before it went into earlier tables
  std::vector<TableInfo> written_;
  std::vector<uint64_t> numbers_;
  std::string key_;
  bool has_key_ = false;
  size_t stripe_ = 0;
  bool is_bottom_ = false;  // no deeper level has anything of the whole job
  const bool copies_blocks_;
  MergeOutcome outcome_;
};

void MergeJob::AddSources() {
  std::vector<Tombstone> tombstones;
  for (const Ref<Memtable>& memtable : input_.memtables) {
    sources_.push_back(std::make_unique<MemtableSource>(*memtable));
    memtable->tombstones().AppendTo({}, {}, tombstones);
  }
  ReadHow how;
  how.cache = CacheMode::kPassThrough;
  for (const TablePointer& table : input_.tables) {
    sources_.push_back(std::make_unique<TableSource>(*table->reader, how));
    table->reader->tombstones().AppendTo({}, {}, tombstones);
  }
  tombstones_ = RangeTombstones::Build(std::move(tombstones));
  if (input_.output_level == 0 || input_.tables.empty()) return;
  std::string_view begin = input_.tables[0]->info.begin;
  std::string_view end = input_.tables[0]->info.end;
  for (const TablePointer& table : input_.tables) {
    begin = std::min<std::string_view>(begin, table->info.begin);
    end = LaterEnd(end, table->info.end);
  }
  is_bottom_ = IsBottom(begin, end);
}

Status MergeJob::CheckFlags() const {
  auto is_set = [](const std::atomic<bool>* flag) {
    return flag != nullptr && flag->load(std::memory_order_relaxed);
  };
  while (is_set(settings_.pause) && !is_set(settings_.stop)) env_.SleepNs(kPauseNs);
  if (is_set(settings_.stop)) return Status::Error(Code::kUnavailable, "the store is closing");
  return Status::Ok();
}

Status MergeJob::Merge() {
  AddSources();
  std::vector<RowSource*> pointers;
  for (const auto& source : sources_) {
    LSM_RETURN_IF_ERROR(source->Seek({}, kOwnWriteSequence));
    pointers.push_back(source.get());
  }
  ForwardMerge merge;
  merge.Start(pointers);
  while (merge.valid()) {
    if (copies_blocks_) {
      auto copied = CopyBlock(merge);
      if (!copied.ok()) return copied.status();
      if (*copied) continue;
    }
    if (++outcome_.rows_in % kFlagCheckRows == 0) LSM_RETURN_IF_ERROR(CheckFlags());
    if (Keeps(merge.top())) {
      LSM_RETURN_IF_ERROR(Write(merge.top()));
    } else {
      ++outcome_.rows_dropped;
    }
    LSM_RETURN_IF_ERROR(merge.Step());
  }
  return Status::Ok();
}

// Of all sources none but the top one has anything from its block's first key to its last, and
// nothing within is to be dropped or changed. The block is checked, its keys go into the new
// table's filter, and its bytes are bound to their new place.
Result<bool> MergeJob::CopyBlock(ForwardMerge& merge) {
  // Without memtables every source is a table.
  auto& source = static_cast<TableSource&>(merge.top());
  const Block* block = source.BlockBegun();
  if (block == nullptr || source.table().encrypted()) return false;
  const uint32_t number = source.block_number();
  const TableReader& table = source.table();
  const RowSource* other = merge.Second();
  const uint32_t met = other == nullptr ? table.blocks() : table.FindBlock(other->key());
  if (met <= number || !WorthCopying(*block, met - number) || !StaysAsItIs(*block)) return false;

  StoredBlock stored;
  LSM_RETURN_IF_ERROR(table.LoadStored(number, &stored));
  LSM_RETURN_IF_ERROR(PrepareTable(block->KeyAt(0)));
  LSM_RETURN_IF_ERROR(builder_->AddStored(*block, stored, table.IndexKeyOf(number)));
  outcome_.rows_in += block->rows();
  outcome_.rows_out += block->rows();
  ++outcome_.blocks_copied;
  key_.assign(block->KeyAt(block->rows() - 1));
  has_key_ = true;
  stripe_ = StripeOf(block->SequenceAt(block->rows() - 1));
  LSM_RETURN_IF_ERROR(CheckFlags());
  LSM_RETURN_IF_ERROR(merge.Moved(source.NextBlock()));
  return true;
}

// Blocks keep to the size that is asked for: one that does not is made anew row by row, and so is
// one whose copying would leave a short one in front of it, unless many can be copied then.
bool MergeJob::WorthCopying(const Block& block, uint32_t alone) const {
  const size_t wanted = settings_.table.block_bytes;
  const bool fits = block.bytes() <= wanted * 2 || block.rows() == 1;
  if (block.bytes() < wanted / 2 || !fits) return false;
  const size_t open = builder_ ? builder_->OpenBlockBytes() : 0;
  return open == 0 || open >= wanted / 2 || alone >= kAloneWorthShort;
}

// Each row is the only one of its key, a put, under no range delete; and none is still to be given
// the oldest sequence.
bool MergeJob::StaysAsItIs(const Block& block) const {
  if (!block.PutsOnly()) return false;
  if (is_bottom_ && !(block.OneSequence() && block.sequence_min() == kOldestSequence)) return false;
  std::string_view before = key_;
  bool has_before = has_key_;
  for (uint32_t row = 0; row < block.rows(); ++row) {
    const std::string_view key = block.KeyAt(row);
    if (has_before && key == before) return false;
    before = key;
    has_before = true;
  }
  if (tombstones_.empty()) return true;
  std::vector<Tombstone> part;
  tombstones_.AppendTo(block.KeyAt(0), Successor(before), part);
  return part.empty();
}

// The number of snapshots that do not see the sequence: entries of one key within one stripe look
// the same to everybody, so only the newest matters.
size_t MergeJob::StripeOf(Sequence sequence) const {
  return static_cast<size_t>(
      std::lower_bound(input_.snapshots.begin(), input_.snapshots.end(), sequence) -
      input_.snapshots.begin());
}

bool MergeJob::IsBottom(std::string_view begin, std::string_view end) const {
  if (LSM_MUTANT(kDropDeletesEarly)) return true;
  if (input_.keep_deletes) return false;
  // Into level 0 goes a flush: every table may hold something older.
  const int first = input_.output_level == 0 ? 0 : input_.output_level + 1;
  for (int level = first; level < kLevels; ++level) {
    const auto& tables = input_.version->levels[level];
    if (level == 0) {
      if (!input_.version->Overlapping(0, begin, end).empty()) return false;
      continue;
    }
    const size_t at = Version::FindTable(tables, begin);
    if (at < tables.size() && BeforeEnd(tables[at]->info.begin, end)) return false;
  }
  return true;
}

bool MergeJob::Keeps(const RowSource& row) {
  const size_t stripe = StripeOf(row.sequence());
  const bool same_key = has_key_ && row.key() == key_;
  if (!same_key) {
    key_.assign(row.key());
    has_key_ = true;
  }
  // Above the newest visible sequence nobody can say yet what will be seen.
  if (stripe == input_.snapshots.size()) {
    stripe_ = stripe;
    return true;
  }
  if (same_key && stripe == stripe_) return LSM_MUTANT(kKeepDeletedRows);
  stripe_ = stripe;
  if (tombstones_.Cover(row.key(), input_.snapshots[stripe]) > row.sequence()) return false;
  if (row.kind() != Kind::kDelete || stripe != 0) return true;
  return !is_bottom_ && !IsBottom(row.key(), Successor(row.key()));
}

// Nobody can tell the sequences of rows apart that everybody sees and below which there is nothing.
// A range delete older than the row, kept for the sake of other keys, would hide it then.
Sequence MergeJob::SequenceFor(const RowSource& row) const {
  const bool seen_by_all = stripe_ == 0 && row.sequence() <= input_.snapshots.front();
  if (!is_bottom_ || !seen_by_all || !HasValue(row.kind())) return row.sequence();
  return tombstones_.Cover(row.key(), kSequenceMax) == 0 ? kOldestSequence : row.sequence();
}

Status MergeJob::StartTable() {
  const uint64_t number = versions_.NewNumber();
  auto file =
      env_.Files().Open(JoinPath(versions_.directory(), TableName(number)), FileMode::kTruncate);
  numbers_.push_back(number);
  if (!file.ok()) return file.status();
  builder_ = std::make_unique<TableBuilder>(std::move(*file), number, settings_.table);
  return Status::Ok();
}

Status MergeJob::PrepareTable(std::string_view key) {
  // A table may end only between keys. Flushed tables are not split: level 0 overlaps anyway.
  if (builder_ && input_.output_level > 0 &&
      builder_->EstimateBytes() >= settings_.table_bytes_max && builder_->last_key() != key) {
    LSM_RETURN_IF_ERROR(FinishTable(key));
    table_begin_.assign(key);
  }
  return builder_ ? Status::Ok() : StartTable();
}

Status MergeJob::Write(const RowSource& row) {
  LSM_RETURN_IF_ERROR(PrepareTable(row.key()));
  ++outcome_.rows_out;
  return builder_->Add(row.key(), SequenceFor(row), row.kind(), row.value());
}

RangeTombstones MergeJob::TombstonesUpTo(std::string_view end) const {
  std::vector<Tombstone> part;
  if (LSM_MUTANT(kLoseRangeDeletes)) return {};
  tombstones_.AppendTo(table_begin_, end, part);
  const Sequence oldest = input_.snapshots.front();
  std::erase_if(
      part, [&](const Tombstone& t) { return t.sequence <= oldest && IsBottom(t.begin, t.end); });
  return RangeTombstones::Build(std::move(part));
}

Status MergeJob::FinishTable(std::string_view next_begin) {
  RangeTombstones part = TombstonesUpTo(next_begin);
  if (!builder_) {
    if (part.empty()) return Status::Ok();
    LSM_RETURN_IF_ERROR(StartTable());
  }
  builder_->SetTombstones(std::move(part));
  auto info = builder_->Finish();
  builder_.reset();
  if (!info.ok()) return info.status();
  outcome_.bytes_out += info->file_bytes;
  written_.push_back(std::move(*info));
  return Status::Ok();
}

Status MergeJob::OpenTables() {
  if (written_.empty()) return Status::Ok();
  LSM_RETURN_IF_ERROR(env_.Files().SyncDirectory(versions_.directory()));
  for (const TableInfo& info : written_) {
    auto table = versions_.OpenTable(info);
    if (!table.ok()) return table.status();
    outcome_.tables.push_back(std::move(*table));
  }
  return Status::Ok();
}

void MergeJob::RemoveFiles() {
  builder_.reset();
  outcome_.tables.clear();
  for (uint64_t number : numbers_) {
    // Left behind, it is an orphan that the next open removes.
    static_cast<void>(env_.Files().Remove(JoinPath(versions_.directory(), TableName(number))));
  }
}

}  // namespace

Result<MergeOutcome> RunMerge(Env& env, VersionSet& versions, const MergeSettings& settings,
                              const MergeInput& input) {
  return MergeJob(env, versions, settings, input).Run();
}

}  // namespace nexadb::lsm
