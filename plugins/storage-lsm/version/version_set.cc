#include "plugins/storage-lsm/version/version_set.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "core/base/checksum.h"
#include "plugins/storage-lsm/format/file_names.h"
#include "plugins/storage-lsm/log/log_reader.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

constexpr uint64_t kManifestGrowth = 4;
// Room for hundreds of edits: a full disk is met between records, not within one.
constexpr uint64_t kManifestReserveBytes = 64u << 10;
constexpr std::string_view kCurrentMagic = "nexadb-lsm";
constexpr size_t kCurrentBytesMax = 256;

uint64_t RandomNumber(Env& env) {
  uint8_t bytes[8];
  env.Random().Fill({bytes, sizeof(bytes)});
  return base::LoadLittle<uint64_t>(bytes);
}

std::string CurrentText(uint32_t format, std::string_view manifest) {
  std::string text(kCurrentMagic);
  text.append(" ").append(std::to_string(format)).append(" ").append(manifest).append(" ");
  char check[24];
  std::snprintf(check, sizeof(check), "%016llx\n",
                static_cast<unsigned long long>(base::Checksum64(AsBytes(text))));
  return text.append(check);
}

// Newest first in level 0, by key elsewhere.
void SortLevel(int level, std::vector<TablePointer>& tables) {
  std::sort(tables.begin(), tables.end(), [&](const TablePointer& a, const TablePointer& b) {
    return level == 0 ? a->info.sequence_max > b->info.sequence_max : a->info.begin < b->info.begin;
  });
}

}  // namespace

VersionSet::VersionSet(Env& env, std::string directory, BlockCache& cache, uint64_t manifest_bytes,
                       const Vault* vault)
    : env_(env),
      directory_(std::move(directory)),
      cache_(cache),
      manifest_bytes_(manifest_bytes),
      vault_(vault),
      obsolete_tables_(env),
      current_(std::make_shared<Version>()) {}

void VersionSet::SkipNumber(uint64_t number) {
  if (number >= next_number()) next_number_.store(number + 1, std::memory_order_relaxed);
}

Status VersionSet::Create() {
  store_id_ = RandomNumber(env_);
  return Rewrite();
}

void VersionSet::AssumeIdentity(uint64_t store_id, uint64_t next_number) {
  store_id_ = store_id;
  next_number_.store(next_number, std::memory_order_relaxed);
}

Status VersionSet::CheckReadable() {
  BlockCache no_cache(env_, 0);
  VersionSet looking(env_, directory_, no_cache, manifest_bytes_, vault_);
  std::vector<std::pair<int, TableInfo>> tables;
  const Status status = looking.ReadManifest(tables);
  // Damage is for Recover to tell.
  if (status.code() == Code::kUnsupported || status.code() == Code::kPermissionDenied) {
    return status;
  }
  return Status::Ok();
}

uint32_t VersionSet::Format() const {
  if (vault_ != nullptr && vault_->current() != kPlainId) return kEncryptedFormat;
  for (const auto& level : current_->levels) {
    for (const TablePointer& table : level) {
      if (table->info.key_id != kPlainId) return kEncryptedFormat;
    }
  }
  return kPlainFormat;
}

Status VersionSet::Adopt(const VersionEdit& edit, const std::vector<TablePointer>& fresh) {
  LSM_RETURN_IF_ERROR(CheckEdit(edit));
  auto next = ApplyEdit(*current_, edit, fresh);
  if (!next.ok()) return next.status();
  current_ = std::move(*next);
  if (edit.wal_min) wal_min_ = *edit.wal_min;
  if (edit.last_sequence) last_sequence_ = *edit.last_sequence;
  return Status::Ok();
}

Status VersionSet::ReadCurrent(std::string* manifest, uint64_t* number) {
  const std::string path = JoinPath(directory_, kCurrentName);
  auto file = env_.Files().Open(path, FileMode::kRead);
  if (!file.ok()) return file.status();
  std::string text(kCurrentBytesMax, '\0');
  auto got = (*file)->ReadAt(0, {reinterpret_cast<uint8_t*>(text.data()), text.size()});
  if (!got.ok()) return got.status();
  text.resize(*got);
  // "nexadb-lsm <format> <manifest> <checksum>\n"
  const std::string prefix = std::string(kCurrentMagic) + " ";
  if (!text.starts_with(prefix)) return Corruption(path, 0, "not a CURRENT file");
  uint32_t format = 0;
  auto [end, error] =
      std::from_chars(text.data() + prefix.size(), text.data() + text.size(), format);
  if (error != std::errc() || format == 0) return Corruption(path, 0, "not a CURRENT file");
  if (format > kFormatVersion) {
    return Status::Error(Code::kUnsupported,
                         directory_ + ": the store has format " + std::to_string(format) +
                             ", newer than this storage-lsm reads (" +
                             std::to_string(kFormatVersion) +
                             "); nothing was changed. Open it with the version that wrote it");
  }
  const size_t name_at = static_cast<size_t>(end - text.data()) + 1;
  const size_t name_end = text.find(' ', std::min(name_at, text.size()));
  if (name_end == std::string::npos) return Corruption(path, 0, "incomplete CURRENT file");
  *manifest = text.substr(name_at, name_end - name_at);
  if (text != CurrentText(format, *manifest)) return Corruption(path, 0, "checksum mismatch");
  const FileName name = ParseFileName(*manifest);
  if (name.type != FileType::kManifest) return Corruption(path, 0, "names no manifest");
  *number = name.number;
  return Status::Ok();
}

Status VersionSet::CheckEdit(const VersionEdit& edit) const {
  auto bad = [](const std::string& what) {
    return Status::Error(Code::kCorruption, "a version edit is wrong: " + what);
  };
  const uint64_t next = std::max(next_number(), edit.next_number.value_or(0));
  if (edit.wal_min && *edit.wal_min < wal_min_) return bad("the oldest log steps back");
  if (edit.wal_min && *edit.wal_min > next) return bad("the oldest log has a number to come");
  if (edit.last_sequence && *edit.last_sequence < last_sequence_) return bad("sequences step back");
  if (edit.last_sequence && *edit.last_sequence > kSequenceMax) return bad("impossible sequence");
  for (const auto& [level, info] : edit.added) {
    if (info.number < next) continue;
    return bad("table " + std::to_string(info.number) + " has a number to come");
  }
  return Status::Ok();
}

Status VersionSet::ReplayEdit(BytesView payload, std::vector<std::pair<int, TableInfo>>& tables) {
  VersionEdit edit;
  LSM_RETURN_IF_ERROR(VersionEdit::Decode(payload, &edit));
  LSM_RETURN_IF_ERROR(CheckEdit(edit));
  for (const auto& [level, number] : edit.removed) {
    const uint64_t gone = number;
    if (std::erase_if(tables, [&](const auto& t) { return t.second.number == gone; }) != 1) {
      return Status::Error(Code::kCorruption,
                           "manifest drops table " + std::to_string(gone) + ", which is not there");
    }
  }
  for (auto& table : edit.added) tables.push_back(std::move(table));
  if (edit.wal_min) wal_min_ = *edit.wal_min;
  if (edit.last_sequence) last_sequence_ = *edit.last_sequence;
  if (edit.next_number) SkipNumber(*edit.next_number - 1);
  return Status::Ok();
}

Status VersionSet::ReadManifest(std::vector<std::pair<int, TableInfo>>& tables) {
  std::string name;
  LSM_RETURN_IF_ERROR(ReadCurrent(&name, &manifest_number_));
  const std::string path = JoinPath(directory_, name);
  auto file = env_.Files().Open(path, FileMode::kRead);
  if (!file.ok()) return file.status();
  LogReader reader(**file, path, vault_);
  LSM_RETURN_IF_ERROR(reader.Open(LogType::kManifest, manifest_number_));
  if (reader.blank()) return Corruption(path, 0, "empty manifest");
  store_id_ = reader.header().store_id;
  BytesView payload;
  uint64_t records = 0;
  for (;; ++records) {
    auto more = reader.Next(&payload);
    if (!more.ok()) return more.status();
    if (!*more) break;
    LSM_RETURN_IF_ERROR(ReplayEdit(payload, tables));
  }
  // The first record was durable before CURRENT named the file.
  if (records == 0) return Corruption(path, kLogHeaderBytes, "no intact record in the manifest");
  SkipNumber(manifest_number_);
  for (const auto& [level, info] : tables) {
    if (info.key_id == kPlainId) continue;
    const std::string table = JoinPath(directory_, TableName(info.number));
    if (vault_ == nullptr) return Vault::NoKeys(info.key_id, table);
    LSM_RETURN_IF_ERROR(vault_->CheckKey(info.key_id, table));
  }
  return Status::Ok();
}

Status VersionSet::Recover() {
  std::vector<std::pair<int, TableInfo>> tables;
  LSM_RETURN_IF_ERROR(ReadManifest(tables));
  return OpenAll(tables);
}

Status VersionSet::OpenAll(const std::vector<std::pair<int, TableInfo>>& tables) {
  auto version = std::make_shared<Version>();
  for (const auto& [level, info] : tables) {
    SkipNumber(info.number);
    auto table = OpenOrQuarantine(info);
    if (!table.ok()) return table.status();
    version->levels[level].push_back(std::move(*table));
  }
  for (int level = 0; level < kLevels; ++level) SortLevel(level, version->levels[level]);
  LSM_RETURN_IF_ERROR(version->Check());
  current_ = std::move(version);
  return Status::Ok();
}

Result<TablePointer> VersionSet::OpenTable(const TableInfo& info) {
  auto reader = TableReader::Open(env_.Files(), JoinPath(directory_, TableName(info.number)),
                                  info.number, info.file_bytes, cache_, vault_);
  if (!reader.ok()) return reader.status();
  auto table = std::make_shared<TableFile>(info, obsolete_tables_);
  if ((*reader)->footer().store_id != store_id_) {
    return Corruption((*reader)->path(), 0, "table of another store");
  }
  const Footer& footer = (*reader)->footer();
  if (footer.rows != info.rows || footer.sequence_min != info.sequence_min ||
      footer.sequence_max != info.sequence_max || footer.key_id != info.key_id) {
    return Corruption((*reader)->path(), info.file_bytes - kFooterBytes,
                      "another table than the manifest describes, by its footer");
  }
  table->reader = std::move(*reader);
  return table;
}

Result<TablePointer> VersionSet::OpenOrQuarantine(const TableInfo& info) {
  auto table = OpenTable(info);
  const Code code = table.status().code();
  // Unlike a damaged one it may be somewhere else: the store stays closed until it is back.
  if (code == Code::kNotFound) {
    return Corruption(JoinPath(directory_, TableName(info.number)), 0,
                      "the manifest names a table that is not there");
  }
  if (code != Code::kCorruption && code != Code::kIoError) return table;
  Footer claimed;
  claimed.number = info.number;
  claimed.rows = info.rows;
  claimed.sequence_min = info.sequence_min;
  claimed.sequence_max = info.sequence_max;
  auto damaged = std::make_shared<TableFile>(info, obsolete_tables_);
  damaged->reader = TableReader::Damaged(JoinPath(directory_, TableName(info.number)), claimed,
                                         cache_, table.status());
  damaged->damaged.store(true);
  return damaged;
}

VersionEdit VersionSet::Snapshot() const {
  VersionEdit edit;
  edit.wal_min = wal_min_;
  edit.next_number = next_number();
  edit.last_sequence = last_sequence_;
  for (int level = 0; level < kLevels; ++level) {
    for (const TablePointer& table : current_->levels[level]) {
      edit.added.emplace_back(level, table->info);
    }
  }
  return edit;
}

Status VersionSet::AppendEdit(LogWriter& log, const VersionEdit& edit) {
  edit.Encode(log.OpenRecord());
  log.CloseRecord();
  // Without room nothing is written, and the edit has not happened.
  if (Status room = log.Reserve(); !room.ok()) {
    log.TakeBack(0);
    return room;
  }
  return log.Sync();
}

Result<std::unique_ptr<LogWriter>> VersionSet::WriteSnapshot(uint64_t number) {
  LogHeader header;
  header.type = LogType::kManifest;
  header.number = number;
  header.generation = RandomNumber(env_);
  header.store_id = store_id_;
  auto log = LogWriter::Create(env_.Files(), JoinPath(directory_, ManifestName(number)), header,
                               kManifestReserveBytes, LogUse::kSynced, vault_);
  Status status = log.ok() ? AppendEdit(**log, Snapshot()) : log.status();
  if (status.ok()) status = env_.Files().SyncDirectory(directory_);
  if (!status.ok()) return status;
  return log;
}

Status VersionSet::Rewrite() {
  const uint64_t number = NewNumber();
  auto log = WriteSnapshot(number);
  Status status = log.ok() ? PrepareCurrent(number) : log.status();
  if (!status.ok()) {
    // Nobody knows it yet; what cannot be removed is an orphan that the next open removes.
    static_cast<void>(env_.Files().Remove(JoinPath(directory_, ManifestName(number))));
    return status;
  }
  manifest_ = std::move(*log);
  manifest_number_ = number;
  rewrite_at_ = std::max(manifest_bytes_, manifest_->end() * kManifestGrowth);
  return doubt_ = SwitchCurrent();
}

Status VersionSet::PrepareCurrent(uint64_t number) {
  auto file = env_.Files().Open(JoinPath(directory_, kCurrentTemporaryName), FileMode::kTruncate);
  if (!file.ok()) return file.status();
  LSM_RETURN_IF_ERROR((*file)->WriteAt(0, AsBytes(CurrentText(Format(), ManifestName(number)))));
  return (*file)->Sync();
}

Status VersionSet::SwitchCurrent() {
  const std::string temporary = JoinPath(directory_, kCurrentTemporaryName);
  LSM_RETURN_IF_ERROR(env_.Files().Rename(temporary, JoinPath(directory_, kCurrentName)));
  return env_.Files().SyncDirectory(directory_);
}

Status VersionSet::Apply(VersionEdit edit, std::vector<TablePointer> fresh) {
  LSM_RETURN_IF_ERROR(doubt_);
  LSM_RETURN_IF_ERROR(manifest_->failure());
  LSM_RETURN_IF_ERROR(CheckEdit(edit));
  auto next = ApplyEdit(*current_, edit, fresh);
  if (!next.ok()) return next.status();
  edit.next_number = next_number();
  const Status appended = AppendEdit(*manifest_, edit);
  if (manifest_->torn()) doubt_ = appended;
  LSM_RETURN_IF_ERROR(appended);
  for (const auto& [level, number] : edit.removed) {
    for (const TablePointer& table : current_->levels[level]) {
      if (table->info.number == number) table->obsolete.store(true, std::memory_order_release);
    }
  }
  // A moved table is removed from one level and added to another: it is the same object.
  for (const TablePointer& table : fresh) table->obsolete.store(false, std::memory_order_release);
  current_ = std::move(*next);
  if (edit.wal_min) wal_min_ = *edit.wal_min;
  if (edit.last_sequence) last_sequence_ = *edit.last_sequence;
  if (manifest_->end() < rewrite_at_) return Status::Ok();
  const uint64_t old = manifest_number_;
  if (Rewrite().ok()) {
    static_cast<void>(env_.Files().Remove(JoinPath(directory_, ManifestName(old))));
  } else {
    rewrite_at_ = manifest_->end() * 2;  // the old one serves on; not again at every edit
  }
  return doubt_;
}

Result<VersionPointer> ApplyEdit(const Version& base, const VersionEdit& edit,
                                 const std::vector<TablePointer>& fresh) {
  auto next = std::make_shared<Version>(base);
  for (const auto& [level, number] : edit.removed) {
    const uint64_t gone = number;
    if (std::erase_if(next->levels[level],
                      [&](const TablePointer& t) { return t->info.number == gone; }) != 1) {
      return Status::Error(Code::kInternal, "an edit drops a table that is not there");
    }
  }
  for (const auto& [level, info] : edit.added) {
    const uint64_t number = info.number;
    auto table = std::find_if(fresh.begin(), fresh.end(),
                              [&](const TablePointer& t) { return t->info.number == number; });
    if (table == fresh.end()) {
      return Status::Error(Code::kInternal, "an edit adds a table that is not open");
    }
    next->levels[level].push_back(*table);
  }
  for (int level = 0; level < kLevels; ++level) SortLevel(level, next->levels[level]);
  LSM_RETURN_IF_ERROR(next->Check());
  return VersionPointer(std::move(next));
}

}  // namespace nexadb::lsm
