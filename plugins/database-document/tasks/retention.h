// Retention: which backups go once a new one has been made.
//
// Only backups whose names are made of the time are counted and removed; one that was given a name
// stays until somebody deletes it. Nothing is removed before the new backup has been read whole
// and found good, and that one stays whatever its age: there is always one that is known to work.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nexadb/bson.h"
#include "nexadb/config.h"
#include "nexadb/storage_engine.h"

namespace nexadb::database {

struct RetentionRule {
  uint64_t kept_max = 0;    // 0: all
  uint64_t age_max_ms = 0;  // 0: any

  bool removes() const { return kept_max != 0 || age_max_ms != 0; }
  // Of the plugin's settings backups_kept and backup_age_max.
  static Result<RetentionRule> Read(const ConfigView& config) noexcept;
};

struct DatedBackup {
  std::string id;
  int64_t created_ms = 0;
};

// A name that sorts by time: 20261122T184500123Z.
std::string BackupNameOf(int64_t unix_ms);
bool IsBackupNameOfTime(std::string_view id);

// Ids of those that go, oldest first. `verified` stays.
std::vector<std::string> SurplusBackups(std::vector<DatedBackup> all, std::string_view verified,
                                        const RetentionRule& rule, int64_t now_ms);

// What is removed from `folder`, given that `verified` is whole; appends {removed: [id, …]} and,
// when some could not be, {not_removed: [{id, error}, …]}. [worker]
Status RemoveSurplusBackups(StorageBackup& storage, const std::string& folder,
                            std::string_view verified, const RetentionRule& rule, int64_t now_ms,
                            bson::Builder& out);

}  // namespace nexadb::database
