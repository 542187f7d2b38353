// ReadScope: what one query reads: a reader of the store and the catalog as of the same moment.
// Within a transaction it is the transaction's; otherwise a snapshot of its own, which a cursor may
// keep after its call. One thread at a time.
#pragma once
#include "plugins/database-document/session/session.h"

namespace nexadb::database {

class ReadScope {
 public:
  static Result<std::shared_ptr<ReadScope>> Open(SessionImpl& session);
  // Reads what `set` has written so far.
  static std::shared_ptr<ReadScope> Within(WriteSet& set);

  Reader& reader() {
    return set_ != nullptr ? static_cast<Reader&>(set_->transaction()) : *snapshot_;
  }
  uint64_t sequence() {
    return set_ != nullptr ? set_->transaction().Sequence() : snapshot_->Sequence();
  }
  const CatalogState& catalog() const { return *catalog_; }
  EntryPtr Find(std::string_view database, std::string_view name) const {
    return catalog_->Find(database, name);
  }
  WriteSet* write_set() const { return set_; }

 private:
  WriteSet* set_ = nullptr;
  Handle<Snapshot> snapshot_;
  CatalogPtr catalog_;
};
using ReadScopePtr = std::shared_ptr<ReadScope>;

}  // namespace nexadb::database
