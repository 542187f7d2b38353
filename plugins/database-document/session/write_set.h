// WriteSet: what a storage transaction carries besides its mutations until it commits: changes of
// the catalog, changes of vector indexes, events of change logs, and how much it has written. One
// thread at a time.
#pragma once
#include <cstdint>
#include <set>
#include <vector>

#include "nexadb/storage_engine.h"
#include "plugins/database-document/catalog/catalog.h"
#include "plugins/database-document/changes/pending.h"
#include "plugins/database-document/session/waiting.h"

namespace nexadb::database {

struct Environment;

// The order within a batch has 2 bytes; its last values are kept for FallbackVersion.
constexpr uint32_t kStampsMax = 65'000;

struct PendingVector {
  EntryPtr entry;
  uint64_t row = 0;
  std::vector<float> vector;  // empty: the row goes
};

class WriteSet {
 public:
  // Takes a snapshot of the store with the catalog that belongs to it. Where waiting is forbidden,
  // whatever would wait is kWouldBlock, from here to the commit.
  static Result<std::unique_ptr<WriteSet>> Begin(Environment& environment, Isolation isolation,
                                                 Waiting waiting);
  WriteSet(Environment& environment, Waiting waiting)
      : environment_(environment), waiting_(waiting) {}

  // Everything or nothing. kConflict: somebody else was first. Only destruction is legal after.
  Status Commit();

  // Where a statement of a longer transaction can go back to.
  struct Mark {
    uint64_t savepoint = 0;
    CatalogChanges catalog_changes;
    size_t vectors = 0;
    size_t changes = 0;
    uint64_t bytes = 0;
  };
  Result<Mark> MarkHere();
  Status RollbackTo(Mark mark);

  Transaction& transaction() { return *transaction_; }
  // Through the changes of this transaction. Null when absent.
  EntryPtr Find(std::string_view database, std::string_view name) const;
  CatalogPtr catalog() const;

  // Makes the commit fail when the entry changes meanwhile.
  Status Guard(std::string_view entry_name);
  Status Write(Span<const Mutation> mutations);
  Status PutEntry(EntryPtr entry);
  Status RemoveEntry(const CollectionEntry& entry);
  void AddVector(PendingVector change) { vectors_.push_back(std::move(change)); }
  // An event for the change log, which is written with the commit.
  void AddChange(uint32_t collection_id, std::string event) {
    bytes_ += event.size();
    changes_.Add(collection_id, std::move(event));
  }

  // A storage batch holds so many versionstamps and no more. False once they are used up: the value
  // then carries FallbackVersion() instead, which no other write of the same key can have.
  bool TakeStamp();
  std::string FallbackVersion() const;

  const std::vector<PendingVector>& vectors() const { return vectors_; }
  uint64_t bytes() const { return bytes_; }
  uint64_t sequence() const { return sequence_; }  // of the commit

 private:
  Status CommitCatalog();
  void ForgetVectors();
  void TellWatchers();
  Environment& environment_;
  const Waiting waiting_;
  Handle<Transaction> transaction_;
  CatalogPtr catalog_;
  CatalogChanges catalog_changes_;
  std::vector<PendingVector> vectors_;
  PendingChanges changes_;
  std::set<std::string, std::less<>> guarded_;
  uint64_t bytes_ = 0;
  uint32_t stamps_ = 0;
  uint64_t sequence_ = 0;
};

}  // namespace nexadb::database
