#include "plugins/database-document/tasks/retention.h"

#include <algorithm>

#include "core/document/json.h"

namespace nexadb::database {

Result<RetentionRule> RetentionRule::Read(const ConfigView& config) noexcept {
  RetentionRule rule;
  auto kept = config.Integer("backups_kept");
  if (!kept.ok()) return kept.status();
  rule.kept_max = static_cast<uint64_t>(*kept);
  auto age_ms = config.Milliseconds("backup_age_max");
  if (!age_ms.ok()) return age_ms.status();
  rule.age_max_ms = *age_ms;
  return rule;
}

std::string BackupNameOf(int64_t unix_ms) {
  std::string name;
  AppendRfc3339(name, unix_ms);
  name.erase(std::remove_if(name.begin(), name.end(),
                            [](char c) { return c == '-' || c == ':' || c == '.'; }),
             name.end());
  return name;
}

bool IsBackupNameOfTime(std::string_view id) {
  constexpr std::string_view kForm = "ddddddddTdddddddddZ";
  return id.size() == kForm.size() &&
         std::equal(id.begin(), id.end(), kForm.begin(), [](char c, char form) {
           return form == 'd' ? c >= '0' && c <= '9' : c == form;
         });
}

std::vector<std::string> SurplusBackups(std::vector<DatedBackup> all, std::string_view verified,
                                        const RetentionRule& rule, int64_t now_ms) {
  std::erase_if(all, [](const DatedBackup& backup) { return !IsBackupNameOfTime(backup.id); });
  std::sort(all.begin(), all.end(), [](const DatedBackup& a, const DatedBackup& b) {
    return a.created_ms != b.created_ms ? a.created_ms > b.created_ms : a.id > b.id;
  });
  std::vector<std::string> surplus;
  for (size_t newer = 0; newer < all.size(); ++newer) {
    const DatedBackup& backup = all[newer];
    const bool too_many = rule.kept_max != 0 && newer >= rule.kept_max;
    const bool too_old =
        rule.age_max_ms != 0 && now_ms - backup.created_ms > static_cast<int64_t>(rule.age_max_ms);
    if ((too_many || too_old) && backup.id != verified) surplus.push_back(backup.id);
  }
  std::reverse(surplus.begin(), surplus.end());
  return surplus;
}

Status RemoveSurplusBackups(StorageBackup& storage, const std::string& folder,
                            std::string_view verified, const RetentionRule& rule, int64_t now_ms,
                            bson::Builder& out) {
  std::vector<DatedBackup> all;
  // A damaged backup has no time, and is its owner's to look at.
  const BackupSink sink{
      [](void* state, StringView name, const BackupInfo& info, const Status& status) noexcept {
        if (!status.ok()) return;
        static_cast<std::vector<DatedBackup>*>(state)->push_back(
            {std::string(std::string_view(name)), info.created_ms});
      },
      &all};
  if (Status listed = storage.List(folder, sink); !listed.ok()) return listed;
  std::vector<std::pair<std::string, std::string>> failures;
  size_t removed = 0;
  out.OpenArray("removed");
  for (const std::string& id : SurplusBackups(std::move(all), verified, rule, now_ms)) {
    const Status status = storage.Remove(folder + "/" + id);
    if (status.ok()) {
      out.Text(std::to_string(removed++), id);
    } else {
      failures.emplace_back(id, std::string(status.message()));
    }
  }
  out.Close();
  if (failures.empty()) return {};
  out.OpenArray("not_removed");
  for (size_t i = 0; i < failures.size(); ++i) {
    out.OpenObject(std::to_string(i)).Text("id", failures[i].first);
    out.Text("error", failures[i].second).Close();
  }
  out.Close();
  return {};
}

}  // namespace nexadb::database
