// DocumentDatabase: the service nexadb.database. Translates the boundary's calls to the parts
// behind it and keeps exceptions on this side; it decides nothing itself. [any]
#pragma once
#include <atomic>

#include "nexadb/database.h"
#include "plugins/database-document/changes/feed.h"
#include "plugins/database-document/keyvalue/bucket_list.h"
#include "plugins/database-document/keyvalue/key_value.h"
#include "plugins/database-document/schema/schema_service.h"
#include "plugins/database-document/session/environment.h"
#include "plugins/database-document/session/waiting.h"
#include "plugins/database-document/tasks/task_service.h"
#include "plugins/database-document/vectors/vector_service.h"

namespace nexadb::database {

struct InsertOutcome;

class DocumentDatabase final : public Database, private NonblockingSessions {
 public:
  explicit DocumentDatabase(Environment& environment) : environment_(environment) {}

  Result<Handle<Session>> OpenSession(const SessionOptions& options) noexcept override;
  Result<Buffer> Run(Session& session, StringView name, BytesView command) noexcept override;
  Result<Handle<DocumentCursor>> Query(Session& session, StringView name, BytesView command,
                                       const QueryOptions& options) noexcept override;
  Result<VersionedDocument> GetById(Session& session, StringView name, StringView collection,
                                    BytesView id, bool nonblocking) noexcept override;
  Result<Buffer> Insert(Session& session, StringView name, StringView collection,
                        Span<const BytesView> documents,
                        const InsertOptions& options) noexcept override;
  Result<VersionedDocument> UpdateById(Session& session, StringView name, StringView collection,
                                       BytesView id, BytesView update,
                                       const UpdateByIdOptions& options) noexcept override;
  Status DeleteById(Session& session, StringView name, StringView collection, BytesView id,
                    const DeleteByIdOptions& options) noexcept override;
  Result<Buffer> Statistics(Session& session) noexcept override;
  void* Facet(const InterfaceId& id) noexcept override;

  // New sessions are refused with `draining` from here on.
  void set_draining(bool draining) { draining_.store(draining, std::memory_order_relaxed); }
  // Before the first call.
  void set_retention(const RetentionRule& rule) { backups_.set_retention(rule); }

 private:
  Result<Handle<Session>> OpenNonblocking(const SessionOptions& options) noexcept override;
  Result<Handle<Session>> Open(const SessionOptions& options, Waiting waiting);

  Environment& environment_;
  std::atomic<bool> draining_{false};
  KeyValueService key_values_;
  BucketList buckets_;
  VectorService vectors_;
  ChangeFeedService changes_;
  SchemaService schema_;
  TaskService tasks_;
  BackupService backups_;
};

// {n, ids, writeErrors} of an insert, for the typed calls.
std::string InsertReply(const InsertOutcome& outcome);

}  // namespace nexadb::database
