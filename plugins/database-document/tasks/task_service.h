// TaskService and BackupService: the facets Tasks and Backups. Both are for administrators alone:
// what they do concerns the server, not a collection. [any][worker]
#pragma once
#include "nexadb/database.h"
#include "plugins/database-document/tasks/retention.h"

namespace nexadb::database {

class TaskService final : public Tasks {
 public:
  Result<Buffer> List(Session& session) noexcept override;
  Result<Buffer> Get(Session& session, StringView id) noexcept override;
  Status Cancel(Session& session, StringView id) noexcept override;
  Result<Buffer> Compact(Session& session, StringView name,
                         StringView collection) noexcept override;
};

class BackupService final : public Backups {
 public:
  // Before the first call.
  void set_retention(const RetentionRule& rule) { retention_ = rule; }
  Result<Buffer> List(Session& session) noexcept override;
  Result<Buffer> Get(Session& session, StringView id) noexcept override;
  Status Remove(Session& session, StringView id) noexcept override;
  Result<Buffer> Create(Session& session, StringView id) noexcept override;
  Result<Buffer> Verify(Session& session, StringView id) noexcept override;
  Result<Buffer> Restore(Session& session, StringView id,
                         const RestoreOptions& options) noexcept override;

 private:
  RetentionRule retention_;
};

}  // namespace nexadb::database
