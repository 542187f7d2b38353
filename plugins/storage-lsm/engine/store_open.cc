// Opening: check, lock, read the manifest, replay the logs, write what they held into tables, start
// a new manifest and a new log, and only then remove what is not needed any more. A crash anywhere
// in between leaves a store that opens to the same contents.
#include <algorithm>
#include <map>

#include "plugins/storage-lsm/engine/store.h"
#include "plugins/storage-lsm/format/file_names.h"
#include "plugins/storage-lsm/log/log_reader.h"
#include "plugins/storage-lsm/util/error.h"
#include "plugins/storage-lsm/util/mutant.h"

namespace nexadb::lsm {
namespace {

// The first memtable of all: a small part of the later ones, and enough keys to know what they
// share.
constexpr uint64_t kFirstMemtableShare = 8;
constexpr uint64_t kFirstMemtableBytesMin = 1u << 20;

// What all keys of the version begin with, short of a few bytes.
std::string SharedPrefix(const Version& version) {
  std::string_view low;
  std::string_view high;
  bool any = false;
  for (const auto& level : version.levels) {
    for (const TablePointer& table : level) {
      low = any ? std::min<std::string_view>(low, table->info.begin) : table->info.begin;
      high = any ? LaterEnd(high, table->info.end) : table->info.end;
      any = true;
    }
  }
  return std::string(ExpectedPrefix(low, high));
}

// A log that recovery has found, with its reader opened.
struct FoundLog {
  Handle<File> file;
  std::unique_ptr<LogReader> reader;
  uint64_t expected_end = 0;
  bool in_chain = false;
};

}  // namespace

Store::Store(Env& env, Logger* log, std::string directory, const StoreOptions& options)
    : env_(env),
      log_(log),
      directory_(std::move(directory)),
      options_(options),
      vault_(env.Random(), options.keys),
      snapshots_(env),
      cache_(env, options.memory_budget_bytes),
      versions_(env, directory_, cache_, options.manifest_bytes, &vault_),
      jobs_(env),
      changes_(env, directory_, options.changes_retained_bytes, &vault_),
      backup_mutex_(env.NewMutex()),
      ingest_mutex_(env.NewMutex()),
      manifest_mutex_(env.NewMutex()),
      wal_sync_mutex_(env.NewMutex()),
      mutex_(env.NewMutex()),
      work_(env.NewCondVar()),
      timer_(env.NewCondVar()),
      done_(env.NewCondVar()),
      memtable_limit_(options.MemtableBytes()) {}

Result<std::unique_ptr<Store>> Store::Open(Env& env, Logger* log, std::string directory,
                                           const StoreOptions& options) {
  std::unique_ptr<Store> store(new Store(env, log, std::move(directory), options));
  Status status = store->OpenFiles();
  if (status.ok()) status = store->StartThreads();
  if (!status.ok()) return status;
  return store;
}

// Makes the directory and makes its name, and those of parents made with it, durable.
Status Store::MakeDirectory() {
  FileSystem& files = env_.Files();
  std::vector<std::string> parents;
  for (std::string path = directory_; !files.Exists(path);) {
    path = ParentOf(path);
    parents.push_back(path);
    if (path == "/" || path == ".") break;
  }
  LSM_RETURN_IF_ERROR(files.CreateDirectories(directory_));
  for (const std::string& parent : parents) LSM_RETURN_IF_ERROR(files.SyncDirectory(parent));
  return Status::Ok();
}

Status Store::OpenFiles() {
  FileSystem& files = env_.Files();
  LSM_RETURN_IF_ERROR(AdoptRestored());
  const bool exists = files.Exists(JoinPath(directory_, kCurrentName));
  if (exists) LSM_RETURN_IF_ERROR(versions_.CheckReadable());  // before anything is touched
  LSM_RETURN_IF_ERROR(MakeDirectory());
  auto lock = files.Lock(JoinPath(directory_, kLockName));
  if (!lock.ok()) return lock.status();
  lock_ = std::move(*lock);
  auto names = ListDirectory();
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    const FileName parsed = ParseFileName(name);
    versions_.SkipNumber(parsed.number);
    if (!exists && (parsed.type == FileType::kWal || parsed.type == FileType::kTable)) {
      return Status::Error(Code::kCorruption, JoinPath(directory_, name) +
                                                  ": data without a CURRENT file; restore CURRENT "
                                                  "or choose an empty directory");
    }
  }
  if (exists) {
    LSM_RETURN_IF_ERROR(versions_.Recover());
    recovered_ = versions_.last_sequence();
    for (const auto& level : versions_.current()->levels) {
      for (const TablePointer& t : level) recovered_ = std::max(recovered_, t->info.sequence_max);
    }
    LSM_RETURN_IF_ERROR(ReplayLogs());
  }
  // One switch of CURRENT makes the recovered tables the store's and the old logs history.
  VersionEdit edit;
  const uint64_t wal_number = versions_.NewNumber();
  edit.wal_min = wal_number;
  edit.last_sequence = recovered_;
  for (const TablePointer& table : recovered_tables_) edit.added.emplace_back(0, table->info);
  LSM_RETURN_IF_ERROR(versions_.Adopt(edit, std::exchange(recovered_tables_, {})));
  LSM_RETURN_IF_ERROR(exists ? versions_.Rewrite() : versions_.Create());
  visible_.store(recovered_, std::memory_order_release);
  auto wal = NewWal(wal_number, 0, 0);
  if (!wal.ok()) return wal.status();
  wal_ = std::move(*wal);
  memtable_ = Ref<Memtable>(new Memtable(wal_number, SharedPrefix(*versions_.current())));
  // With nobody to tell it what keys begin with, the first memtable soon tells the next.
  if (versions_.current()->TableCount() == 0) {
    memtable_limit_ = std::min(
        memtable_limit_, std::max(memtable_limit_ / kFirstMemtableShare, kFirstMemtableBytesMin));
  }
  {
    MutexLock lock_view(*mutex_);
    version_ = versions_.current();
    PublishView();
  }
  CommitHost& host = *this;
  queue_ = std::make_unique<CommitQueue>(env_, host, recovered_);
  return RemoveOrphans();
}

Result<std::vector<std::string>> Store::ListDirectory() {
  std::vector<std::string> names;
  DirectorySink sink{
      [](void* state, StringView name) noexcept {
        static_cast<std::vector<std::string>*>(state)->emplace_back(std::string_view(name));
      },
      &names};
  LSM_RETURN_IF_ERROR(env_.Files().List(directory_, sink));
  return names;
}

// Logs form a chain: each names the one before and where it ended. What stands outside of it was
// begun and given up, and must be empty.
Status Store::ReplayLogs() {
  auto names = ListDirectory();
  if (!names.ok()) return names.status();
  std::map<uint64_t, FoundLog> logs;
  for (const std::string& name : *names) {
    const FileName parsed = ParseFileName(name);
    if (parsed.type != FileType::kWal || parsed.number < versions_.wal_min()) continue;
    FoundLog log;
    const std::string path = JoinPath(directory_, name);
    auto file = env_.Files().Open(path, FileMode::kRead);
    if (!file.ok()) return file.status();
    log.file = std::move(*file);
    log.reader = std::make_unique<LogReader>(*log.file, path, &vault_);
    LSM_RETURN_IF_ERROR(log.reader->Open(LogType::kWal, parsed.number));
    if (log.reader->blank()) continue;
    if (log.reader->header().store_id != versions_.store_id()) {
      return Corruption(path, 0, "log of another store");
    }
    logs.emplace(parsed.number, std::move(log));
  }
  if (logs.empty()) return Status::Ok();
  uint64_t number = logs.rbegin()->first;
  uint64_t expected_end = 0;
  while (number >= versions_.wal_min() && number != 0) {
    auto at = logs.find(number);
    if (at == logs.end()) {
      return Status::Error(Code::kCorruption, JoinPath(directory_, WalName(number)) +
                                                  ": this log is missing; later ones follow it");
    }
    at->second.in_chain = true;
    at->second.expected_end = expected_end;
    expected_end = at->second.reader->header().previous_end;
    number = at->second.reader->header().previous_number;
  }
  for (auto& [log_number, log] : logs) {
    if (LSM_MUTANT(kReplayTheLastLogOnly) && log_number != logs.rbegin()->first) continue;
    log.reader->ExpectEnd(log.expected_end);
    const std::string path = JoinPath(directory_, WalName(log_number));
    BytesView payload;
    for (;;) {
      const uint64_t offset = log.reader->offset();
      auto more = log.reader->Next(&payload);
      if (!more.ok()) return more.status();
      if (!*more) break;
      if (!log.in_chain) return Corruption(path, offset, "record in a log that nothing follows");
      LSM_RETURN_IF_ERROR(ApplyRecord(payload, path, offset));
    }
  }
  return memtable_ && !memtable_->empty() ? FlushRecovered() : Status::Ok();
}

Status Store::ApplyRecord(BytesView payload, std::string_view path, uint64_t offset) {
  BatchReader batch(payload);
  Sequence sequence = 0;
  uint32_t count = 0;
  if (!batch.ReadHeader(&sequence, &count) || sequence <= recovered_) {
    return Corruption(path, offset, "record out of order");
  }
  if (!memtable_) memtable_ = Ref<Memtable>(new Memtable(0));
  Entry entry;
  for (uint32_t i = 0; i < count; ++i) {
    if (!batch.ReadEntry(&entry)) return Corruption(path, offset, "malformed batch");
    if (LSM_MUTANT(kLoseTheLastEntry) && count > 1 && i + 1 == count) continue;
    memtable_->Add(entry, sequence + (LSM_MUTANT(kWrongSequenceInRecovery) ? 0 : i));
  }
  if (!batch.empty()) return Corruption(path, offset, "malformed batch");
  recovered_ = sequence + count - 1;
  return MemtableFull() ? FlushRecovered() : Status::Ok();
}

Status Store::FlushRecovered() {
  MergeInput input;
  input.memtables = {std::exchange(memtable_, {})};
  input.snapshots = {recovered_};
  input.version = versions_.current();
  // Tables recovered before this one are not in the version yet, and deletes must cover them.
  if (!recovered_tables_.empty()) input.keep_deletes = true;
  auto outcome = RunMerge(env_, versions_, Settings(), input);
  if (!outcome.ok()) return outcome.status();
  for (TablePointer& table : outcome->tables) recovered_tables_.push_back(std::move(table));
  return Status::Ok();
}

Status Store::RemoveOrphans() {
  // Beside damage nothing is thrown away: what nobody refers to may help to mend it.
  if (ReportDamage()) return Status::Ok();
  LSM_RETURN_IF_ERROR(RemoveOldLogs());
  auto names = ListDirectory();
  if (!names.ok()) return names.status();
  std::set<uint64_t> tables;
  for (const auto& level : versions_.current()->levels) {
    for (const TablePointer& table : level) tables.insert(table->info.number);
  }
  for (const std::string& name : *names) {
    const FileName parsed = ParseFileName(name);
    const bool orphan =
        parsed.type == FileType::kTemporary || name == kBackupName ||
        (parsed.type == FileType::kTable && !tables.contains(parsed.number)) ||
        (parsed.type == FileType::kManifest && parsed.number != versions_.manifest_number());
    if (orphan) LSM_RETURN_IF_ERROR(env_.Files().Remove(JoinPath(directory_, name)));
  }
  return Status::Ok();
}

// Recovered logs are in tables now; followers may still want them.
Status Store::RemoveOldLogs() {
  auto names = ListDirectory();
  if (!names.ok()) return names.status();
  std::vector<uint64_t> old;
  for (const std::string& name : *names) {
    const FileName parsed = ParseFileName(name);
    if (parsed.type == FileType::kWal && parsed.number < versions_.wal_min()) {
      old.push_back(parsed.number);
    }
  }
  std::sort(old.begin(), old.end());
  for (uint64_t number : changes_.Adopt(old)) {
    LSM_RETURN_IF_ERROR(env_.Files().Remove(JoinPath(directory_, WalName(number))));
  }
  return Status::Ok();
}

bool Store::ReportDamage() {
  bool any = false;
  for (const auto& level : versions_.current()->levels) {
    for (const TablePointer& table : level) {
      if (!table->damaged.load()) continue;
      any = true;
      Log(LogLevel::kError, std::string(table->reader->damage().message()) +
                                "; the table is left as it is, reads of its range fail, and "
                                "everything else works. Restore a backup to have it all again");
    }
  }
  return any;
}

Status Store::StartThreads() {
  struct Loop {
    const char* name;
    void (*run)(void*) noexcept;
  };
  static constexpr Loop kLoops[] = {
      {"lsm-flush", [](void* s) noexcept { static_cast<Store*>(s)->FlushLoop(); }},
      {"lsm-compact", [](void* s) noexcept { static_cast<Store*>(s)->CompactLoop(); }},
      {"lsm-timer", [](void* s) noexcept { static_cast<Store*>(s)->TimerLoop(); }},
  };
  for (size_t i = 0; i < threads_.size(); ++i) {
    auto thread = env_.StartThread(kLoops[i].name, Callback{kLoops[i].run, this});
    if (!thread.ok()) return thread.status();
    threads_[i] = std::move(*thread);
  }
  return Status::Ok();
}

}  // namespace nexadb::lsm
