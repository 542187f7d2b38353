#include "plugins/database-document/session/read_scope.h"

namespace nexadb::database {

Result<ReadScopePtr> ReadScope::Open(SessionImpl& session) {
  if (session.transaction() != nullptr) return Within(*session.transaction());
  auto scope = std::make_shared<ReadScope>();
  Environment& environment = session.environment();
  const auto lock = environment.catalog->Share(session.waiting());
  if (!lock.owns_lock()) return Status::Error(Code::kWouldBlock, "the catalog changes just now");
  auto snapshot = environment.store().OpenSnapshot();
  if (!snapshot.ok()) return snapshot.status();
  scope->snapshot_ = std::move(*snapshot);
  scope->catalog_ = environment.catalog->current();
  return scope;
}

ReadScopePtr ReadScope::Within(WriteSet& set) {
  auto scope = std::make_shared<ReadScope>();
  scope->set_ = &set;
  scope->catalog_ = set.catalog();
  return scope;
}

}  // namespace nexadb::database
