#include "plugins/database-document/tasks/task_service.h"

#include "core/document/error.h"
#include "nexadb/sdk/guard.h"
#include "plugins/database-document/collection/layout.h"
#include "plugins/database-document/session/read_scope.h"
#include "plugins/database-document/tasks/task_table.h"

namespace nexadb::database {

namespace {

Result<SessionImpl*> Administrator(Session& session) {
  auto& impl = static_cast<SessionImpl&>(session);
  impl.StartCall();
  if (Status status = impl.CheckAccess(Action::kAdmin, "", ""); !status.ok()) return status;
  return &impl;
}

// The keys of a collection, or of everything when none is named; and what to call them.
Result<KeySpan> SpanOf(SessionImpl& session, std::string_view database,
                       std::string_view collection) {
  if (collection.empty()) return KeySpan{};
  auto scope = ReadScope::Open(session);
  if (!scope.ok()) return scope.status();
  const EntryPtr entry = (*scope)->Find(database, collection);
  if (entry == nullptr) {
    return MakeError(ErrorId::kCollectionNotFound, "there is no such collection",
                     ErrorDetail().Text("collection", collection).Finish());
  }
  return IdSpan(entry->id);
}

}  // namespace

Result<Buffer> TaskService::List(Session& session) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    auto admin = Administrator(session);
    if (!admin.ok()) return admin.status();
    return Buffer::Own((*admin)->environment().tasks->List());
  });
}

Result<Buffer> TaskService::Get(Session& session, StringView id) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    auto admin = Administrator(session);
    if (!admin.ok()) return admin.status();
    auto task = (*admin)->environment().tasks->Get(id);
    if (!task.ok()) return task.status();
    return Buffer::Own(std::move(*task));
  });
}

Status TaskService::Cancel(Session& session, StringView id) noexcept {
  return sdk::Guard([&]() -> Status {
    auto admin = Administrator(session);
    if (!admin.ok()) return admin.status();
    return (*admin)->environment().tasks->Cancel(id);
  });
}

Result<Buffer> TaskService::Compact(Session& session, StringView name,
                                    StringView collection) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    auto admin = Administrator(session);
    if (!admin.ok()) return admin.status();
    Environment& environment = (*admin)->environment();
    auto* storage =
        static_cast<StorageCompaction*>(environment.store().Facet(StorageCompaction::kInterface));
    if (storage == nullptr) {
      return MakeError(ErrorId::kNotImplemented, "this storage compacts nothing on request");
    }
    auto span = SpanOf(**admin, name, collection);
    if (!span.ok()) return span.status();
    TaskSpec spec;
    spec.kind = "compact";
    spec.unit = "ranges";
    if (!std::string_view(collection).empty()) {
      spec.subject = bson::Builder().Text("database", name).Text("collection", collection).Finish();
    }
    spec.body = [storage, span = *span](TaskControl& control) -> Result<std::string> {
      if (Status status = control.Report(0, 1); !status.ok()) return status;
      Status status = storage->Compact(AsBytes(span.begin), AsBytes(span.end));
      if (!status.ok()) return status;
      static_cast<void>(control.Report(1, 1).ok());
      return std::string();
    };
    auto task = environment.tasks->Start(std::move(spec));
    if (!task.ok()) return task.status();
    return Buffer::Own(std::move(*task));
  });
}

}  // namespace nexadb::database
