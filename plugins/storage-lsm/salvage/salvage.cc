#include "plugins/storage-lsm/salvage/salvage.h"

#include <algorithm>
#include <map>
#include <set>

#include "plugins/storage-lsm/backup/backup_folder.h"
#include "plugins/storage-lsm/backup/file_copy.h"
#include "plugins/storage-lsm/compaction/merge_job.h"
#include "plugins/storage-lsm/format/file_names.h"
#include "plugins/storage-lsm/log/batch_record.h"
#include "plugins/storage-lsm/log/log_reader.h"
#include "plugins/storage-lsm/salvage/block_scan.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

constexpr uint64_t kManifestBytes = 1u << 20;
// Records of logs are gathered into tables of about so much.
constexpr uint64_t kMemtableBytes = 64u << 20;
constexpr int kBottomLevel = kLevels - 1;

class Job {
 public:
  Job(Env& env, const std::string& source, const SalvageOptions& options)
      : env_(env),
        files_(env.Files()),
        source_(source),
        target_(options.target),
        partial_(PartialName(options.target)),
        vault_(env.Random(), options.keys),
        cache_(env, 0),
        from_(env, source, cache_, kManifestBytes, &vault_),
        to_(env, partial_, cache_, kManifestBytes, &vault_) {}

  Result<SalvageReport> Run() {
    LSM_RETURN_IF_ERROR(ReadSource());
    if (writes()) {
      auto folder = PrepareFolder(files_, target_);
      if (!folder.ok()) return folder.status();
      Status status = files_.CreateDirectories(partial_);
      if (status.ok()) status = Work();
      if (status.ok()) status = Complete();
      if (status.ok()) status = files_.Rename(partial_, target_);
      if (status.ok()) status = files_.SyncDirectory(*folder);
      if (!status.ok()) {
        tables_.clear();
        static_cast<void>(RemoveFlatDirectory(files_, partial_));
        return status;
      }
    } else {
      LSM_RETURN_IF_ERROR(Work());
    }
    return std::move(report_);
  }

 private:
  struct Placed {
    int level;
    TablePointer table;
  };

  bool writes() const { return !target_.empty(); }
  void Lose(const std::string& name, std::string_view what) {
    report_.losses.push_back({name, std::string(what), false, {}, {}});
  }
  void LoseRange(const std::string& name, std::string_view what, std::string_view begin,
                 std::string_view end) {
    report_.losses.push_back({name, std::string(what), true, std::string(begin), std::string(end)});
  }

  Status ReadSource();
  Status Work();
  Status TakeTable(int level, const TableInfo& info);
  Status TakeUnlisted(uint64_t number);
  Status CopyTable(int level, const TableInfo& info);
  Status RebuildTable(int level, const TableInfo& info, const TableReader* reader);
  Status TakeBlocks(const TableReader& reader, TableBuilder* builder);
  Status ScanTable(const TableInfo& info, TableBuilder* builder);
  Status AddBlock(const Block& block, const TableInfo& info, TableBuilder* builder);
  Status FinishTable(int level, TableBuilder* builder);
  Status TakeLogs();
  bool ReadHeader(uint64_t number, LogHeader* header);
  Status TakeLog(uint64_t number);
  Status TakeRecord(BytesView payload, const std::string& name, uint64_t offset);
  Status FlushMemtable();
  Status MergeAll();
  Status Complete();
  TableOptions Settings() const {
    TableOptions options;
    options.store_id = to_.store_id();
    options.vault = &vault_;
    return options;
  }

  Env& env_;
  FileSystem& files_;
  const std::string source_;
  const std::string target_;
  const std::string partial_;
  const Vault vault_;
  BlockCache cache_;
  VersionSet from_;
  VersionSet to_;
  bool manifest_ = true;  // the source's is whole
  std::vector<std::pair<int, TableInfo>> listed_;
  std::vector<uint64_t> found_tables_;
  std::vector<uint64_t> logs_;
  std::map<uint64_t, uint64_t> log_ends_;  // by number, as the next log says
  std::vector<Placed> tables_;             // of the target
  Sequence sequence_ = 0;                  // up to it the tables hold everything
  Ref<Memtable> memtable_;
  std::string last_key_;  // of the table being rebuilt
  Sequence last_sequence_ = 0;
  uint64_t rebuilt_rows_ = 0;
  SalvageReport report_;
};

Status Job::ReadSource() {
  auto names = ListNames(files_, source_);
  if (!names.ok()) return names.status();
  uint64_t highest = 0;
  for (const std::string& name : *names) {
    const FileName parsed = ParseFileName(name);
    highest = std::max(highest, parsed.number);
    if (parsed.type == FileType::kTable) found_tables_.push_back(parsed.number);
    if (parsed.type == FileType::kWal) logs_.push_back(parsed.number);
  }
  LSM_RETURN_IF_ERROR(from_.CheckReadable());
  const Status status = from_.ReadManifest(listed_);
  if (!status.ok()) {
    manifest_ = false;
    listed_.clear();
    Lose(std::string(kCurrentName), status.message());
    if (found_tables_.empty() && logs_.empty()) {
      return Status::Error(Code::kNotFound, source_ + ": no store, nor anything left of one");
    }
  } else {
    sequence_ = from_.last_sequence();
    for (const auto& [level, info] : listed_) sequence_ = std::max(sequence_, info.sequence_max);
  }
  uint64_t store_id = from_.store_id();
  while (store_id == 0) {
    env_.Random().Fill({reinterpret_cast<uint8_t*>(&store_id), sizeof(store_id)});
  }
  to_.AssumeIdentity(store_id, std::max(highest, from_.next_number()) + 1);
  return Status::Ok();
}

Status Job::Work() {
  std::sort(logs_.begin(), logs_.end());
  for (const auto& [level, info] : listed_) LSM_RETURN_IF_ERROR(TakeTable(level, info));
  if (!manifest_) {
    for (const uint64_t number : found_tables_) LSM_RETURN_IF_ERROR(TakeUnlisted(number));
  }
  LSM_RETURN_IF_ERROR(TakeLogs());
  return manifest_ ? Status::Ok() : MergeAll();
}

Status Job::TakeTable(int level, const TableInfo& info) {
  const std::string name = TableName(info.number);
  const std::string path = JoinPath(source_, name);
  if (!files_.Exists(path)) {
    ++report_.tables_lost;
    report_.rows_lost += info.rows;
    LoseRange(name, "the table is missing, all of it", info.begin, info.end);
    return Status::Ok();
  }
  auto reader = from_.OpenTable(info);
  Status status = reader.ok() ? (*reader)->reader->Verify() : reader.status();
  if (status.code() == Code::kPermissionDenied || status.code() == Code::kUnsupported) {
    return status;
  }
  if (status.ok()) {
    ++report_.tables_whole;
    report_.rows_kept += info.rows;
    return writes() ? CopyTable(level, info) : Status::Ok();
  }
  LSM_RETURN_IF_ERROR(RebuildTable(level, info, reader.ok() ? (*reader)->reader.get() : nullptr));
  const std::string what = std::string(status.message()) + ": " + std::to_string(rebuilt_rows_) +
                           " of " + std::to_string(info.rows) + " rows are whole";
  if (rebuilt_rows_ >= info.rows || reader.ok()) {
    Lose(name, what);  // and what is lost of it was told block by block
  } else {
    LoseRange(name, what, info.begin, info.end);
  }
  return Status::Ok();
}

// Without a manifest a table tells of itself, as far as it can.
Status Job::TakeUnlisted(uint64_t number) {
  TableInfo info;
  info.number = number;
  const std::string path = JoinPath(source_, TableName(number));
  auto size = files_.FileSize(path);
  if (!size.ok()) return size.status();
  auto reader = TableReader::Open(files_, path, number, *size, cache_, &vault_);
  if (reader.status().code() == Code::kPermissionDenied) return reader.status();
  Status status = reader.ok() ? (*reader)->Verify() : reader.status();
  if (!status.ok()) Lose(TableName(number), status.message());
  if (reader.ok()) info.rows = (*reader)->footer().rows;
  return RebuildTable(kBottomLevel, info, reader.ok() ? reader->get() : nullptr);
}

Status Job::CopyTable(int level, const TableInfo& info) {
  const std::string name = TableName(info.number);
  BackupMeter unwatched(BackupWatch{}, 0);
  auto copied = CopyWhole(files_, JoinPath(source_, name), JoinPath(partial_, name), unwatched);
  if (!copied.ok()) return copied.status();
  auto table = to_.OpenTable(info);
  if (!table.ok()) return table.status();
  tables_.push_back({level, std::move(*table)});
  return Status::Ok();
}

Status Job::RebuildTable(int level, const TableInfo& info, const TableReader* reader) {
  const std::string name = TableName(info.number);
  std::unique_ptr<TableBuilder> builder;
  if (writes()) {
    const uint64_t number = to_.NewNumber();
    auto file = files_.Open(JoinPath(partial_, TableName(number)), FileMode::kCreateNew);
    if (!file.ok()) return file.status();
    builder = std::make_unique<TableBuilder>(std::move(*file), number, Settings());
  }
  last_key_.clear();
  last_sequence_ = 0;
  rebuilt_rows_ = 0;
  const bool indexed = reader != nullptr && reader->damage().ok();
  LSM_RETURN_IF_ERROR(indexed ? TakeBlocks(*reader, builder.get())
                              : ScanTable(info, builder.get()));
  report_.rows_kept += rebuilt_rows_;
  report_.rows_lost += info.rows - std::min(info.rows, rebuilt_rows_);
  if (rebuilt_rows_ == 0) ++report_.tables_lost;
  if (rebuilt_rows_ != 0) {
    ++(info.rows == rebuilt_rows_ ? report_.tables_whole : report_.tables_in_part);
  }
  return builder ? FinishTable(level, builder.get()) : Status::Ok();
}

Status Job::TakeBlocks(const TableReader& reader, TableBuilder* builder) {
  TableInfo anything;
  anything.number = reader.footer().number;
  for (uint32_t i = 0; i < reader.blocks(); ++i) {
    Ref<Block> block;
    const Status status = reader.Load(i, ReadMode::kBlocking, CacheMode::kPassThrough, &block);
    if (status.ok()) {
      LSM_RETURN_IF_ERROR(AddBlock(*block, anything, builder));
      continue;
    }
    if (status.code() != Code::kCorruption && status.code() != Code::kIoError) return status;
    // The index names a key between this block and the next.
    const std::string begin = i == 0 ? std::string() : std::string(reader.IndexKeyOf(i - 1));
    LoseRange(TableName(anything.number),
              std::string(status.message()) + ": " + std::to_string(reader.RowsOf(i)) + " rows",
              begin, Successor(reader.IndexKeyOf(i)));
  }
  if (builder != nullptr && !reader.tombstones().empty()) {
    builder->SetTombstones(reader.tombstones());
  }
  return Status::Ok();
}

Status Job::ScanTable(const TableInfo& info, TableBuilder* builder) {
  const std::string path = JoinPath(source_, TableName(info.number));
  auto file = files_.Open(path, FileMode::kRead);
  if (!file.ok()) return file.status();
  return ScanBlocks(**file, path, info.number, vault_, [&](ScannedBlock scanned) -> Status {
    if (scanned.kind == BlockKind::kTombstones) {
      RangeTombstones tombstones;
      if (builder != nullptr &&
          RangeTombstones::Decode({scanned.raw.get(), scanned.raw_bytes}, &tombstones)) {
        builder->SetTombstones(std::move(tombstones));
      }
      return Status::Ok();
    }
    const Ref<Block> block = Block::Parse(std::move(scanned.raw), scanned.raw_bytes);
    return block ? AddBlock(*block, info, builder) : Status::Ok();
  });
}

// A block whose rows do not go on from the ones before is none of this table.
Status Job::AddBlock(const Block& block, const TableInfo& info, TableBuilder* builder) {
  if (block.rows() == 0) return Status::Ok();
  const std::string_view first = block.KeyAt(0);
  const bool follows = rebuilt_rows_ == 0 || last_key_ < first ||
                       (last_key_ == first && last_sequence_ > block.SequenceAt(0));
  if (!follows) {
    Lose(TableName(info.number), "a block whose keys are out of order");
    return Status::Ok();
  }
  for (uint32_t row = 0; row < block.rows() && builder != nullptr; ++row) {
    LSM_RETURN_IF_ERROR(builder->Add(block.KeyAt(row), block.SequenceAt(row), block.KindAt(row),
                                     block.ValueAt(row)));
  }
  last_key_ = block.KeyAt(block.rows() - 1);
  last_sequence_ = block.SequenceAt(block.rows() - 1);
  rebuilt_rows_ += block.rows();
  return Status::Ok();
}

Status Job::FinishTable(int level, TableBuilder* builder) {
  if (builder->empty()) return Status::Ok();  // its file is no table, and goes in Complete
  auto info = builder->Finish();
  if (!info.ok()) return info.status();
  auto table = to_.OpenTable(*info);
  if (!table.ok()) return table.status();
  tables_.push_back({level, std::move(*table)});
  return Status::Ok();
}

Status Job::TakeLogs() {
  // What stands in a log behind the end that the next one names was refused, and never happened.
  for (const uint64_t number : logs_) {
    LogHeader header;
    if (ReadHeader(number, &header)) log_ends_[header.previous_number] = header.previous_end;
  }
  for (const uint64_t number : logs_) {
    // What stands in older logs is in tables.
    if (manifest_ && number < from_.wal_min()) continue;
    LSM_RETURN_IF_ERROR(TakeLog(number));
  }
  return FlushMemtable();
}

bool Job::ReadHeader(uint64_t number, LogHeader* header) {
  return ReadLogHeader(files_, JoinPath(source_, WalName(number)), number, header);
}

Status Job::TakeLog(uint64_t number) {
  const std::string name = WalName(number);
  const std::string path = JoinPath(source_, name);
  auto file = files_.Open(path, FileMode::kRead);
  if (!file.ok()) return file.status();
  LogReader reader(**file, path, &vault_);
  const Status opened = reader.Open(LogType::kWal, number);
  if (opened.code() == Code::kPermissionDenied || opened.code() == Code::kUnsupported) {
    return opened;
  }
  if (!opened.ok()) {
    Lose(name, std::string(opened.message()) + "; none of its records can be told");
    return Status::Ok();
  }
  reader.ExpectEnd(log_ends_[number]);
  BytesView payload;
  while (!reader.blank()) {
    const uint64_t offset = reader.offset();
    auto more = reader.Next(&payload);
    if (more.ok() && *more) {
      LSM_RETURN_IF_ERROR(TakeRecord(payload, name, offset));
      continue;
    }
    if (more.ok()) break;  // the end, or a torn tail, of which nothing was promised
    Lose(name, more.status().message());
    if (!reader.SkipDamage()) break;
  }
  return Status::Ok();
}

Status Job::TakeRecord(BytesView payload, const std::string& name, uint64_t offset) {
  BatchReader check(payload);
  Sequence first = 0;
  uint32_t count = 0;
  Entry entry;
  bool good = check.ReadHeader(&first, &count);
  for (uint32_t i = 0; good && i < count; ++i) good = check.ReadEntry(&entry);
  if (!good || !check.empty()) {
    Lose(name, "malformed batch at byte " + std::to_string(offset));
    return Status::Ok();
  }
  if (count == 0 || first <= sequence_) return Status::Ok();  // a seal, or in tables already
  if (first > sequence_ + 1 && sequence_ != 0) {
    Lose(name, "the writes from sequence " + std::to_string(sequence_ + 1) + " to " +
                   std::to_string(first - 1) + " are missing in front of byte " +
                   std::to_string(offset));
  }
  if (!memtable_) memtable_ = Ref<Memtable>(new Memtable(0));
  BatchReader batch(payload);
  if (!batch.ReadHeader(&first, &count)) return Status::Ok();
  for (uint32_t i = 0; i < count && batch.ReadEntry(&entry); ++i) memtable_->Add(entry, first + i);
  sequence_ = first + count - 1;
  ++report_.log_records;
  return memtable_->bytes() >= kMemtableBytes ? FlushMemtable() : Status::Ok();
}

Status Job::FlushMemtable() {
  if (!memtable_ || memtable_->empty()) return Status::Ok();
  MergeInput input;
  input.memtables = {std::exchange(memtable_, {})};
  report_.rows_kept += input.memtables[0]->entries();
  if (!writes()) return Status::Ok();
  input.snapshots = {sequence_};
  input.version = to_.current();
  input.keep_deletes = true;
  MergeSettings settings;
  settings.table = Settings();
  auto outcome = RunMerge(env_, to_, settings, input);
  if (!outcome.ok()) return outcome.status();
  for (TablePointer& table : outcome->tables) tables_.push_back({0, std::move(table)});
  return Status::Ok();
}

Status Job::MergeAll() {
  if (!writes() || tables_.empty()) return Status::Ok();
  MergeInput input;
  for (const Placed& placed : tables_) {
    input.tables.push_back(placed.table);
    sequence_ = std::max(sequence_, placed.table->info.sequence_max);
  }
  input.output_level = kBottomLevel;
  input.snapshots = {sequence_};
  input.version = to_.current();
  MergeSettings settings;
  settings.table = Settings();
  auto outcome = RunMerge(env_, to_, settings, input);
  if (!outcome.ok()) return outcome.status();
  tables_.clear();
  for (TablePointer& table : outcome->tables) {
    tables_.push_back({kBottomLevel, std::move(table)});
  }
  return Status::Ok();
}

// Writes the manifest, and leaves nothing but what it names.
Status Job::Complete() {
  VersionEdit edit;
  std::vector<TablePointer> tables;
  std::set<std::string> kept;
  for (const Placed& placed : tables_) {
    edit.added.emplace_back(placed.level, placed.table->info);
    tables.push_back(placed.table);
    kept.insert(TableName(placed.table->info.number));
  }
  auto names = ListNames(files_, partial_);
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    if (!kept.contains(name)) LSM_RETURN_IF_ERROR(files_.Remove(JoinPath(partial_, name)));
  }
  edit.wal_min = to_.next_number();
  edit.last_sequence = sequence_;
  LSM_RETURN_IF_ERROR(to_.Adopt(edit, tables));
  LSM_RETURN_IF_ERROR(to_.Rewrite());
  tables_.clear();
  return Status::Ok();
}

}  // namespace

Result<SalvageReport> Salvage(Env& env, const std::string& source, const SalvageOptions& options) {
  // A lock that is there is taken, one that is not is not made.
  Handle<FileLock> lock;
  const std::string lock_path = JoinPath(source, kLockName);
  if (env.Files().Exists(lock_path)) {
    auto held = env.Files().Lock(lock_path);
    if (!held.ok()) return held.status();
    lock = std::move(*held);
  }
  return Job(env, source, options).Run();
}

}  // namespace nexadb::lsm
