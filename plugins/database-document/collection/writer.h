// CollectionWriter: the one place that changes documents. It keeps together what must change
// together: the document, its vector, index entries, the count and the change log. All goes to a
// WriteSet, so all of it commits or none. One thread at a time, within one statement.
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "plugins/database-document/changes/options.h"
#include "plugins/database-document/changes/record.h"
#include "plugins/database-document/collection/prepare.h"
#include "plugins/database-document/collection/scan.h"
#include "plugins/database-document/index/index_keys.h"
#include "plugins/database-document/session/session.h"

namespace nexadb::database {

enum class Validation { kCheck, kBypass };

class CollectionWriter {
 public:
  // `entry` as `set` sees it. The commit will fail if the entry changes meanwhile.
  static Result<std::unique_ptr<CollectionWriter>> Open(SessionImpl& session, WriteSet& set,
                                                        EntryPtr entry, Validation validation);

  // duplicate_key when _id, or the key of a unique index, is taken; then nothing was added.
  Status Insert(const PreparedDocument& document);
  // `after` has the same _id as `before`.
  Status Replace(const CurrentDocument& before, const PreparedDocument& after);
  Status Remove(const CurrentDocument& before);
  // Gives what is still held back to the write set. Without it nothing is written.
  Status Flush();

  const CollectionEntry& entry() const { return *entry_; }
  const EntryPtr& entry_ptr() const { return entry_; }
  Stamps stamps() const;

 private:
  CollectionWriter(SessionImpl& session, WriteSet& set, EntryPtr entry)
      : session_(session), set_(set), entry_(std::move(entry)) {}
  // `before` is what stood there, for an update.
  Status CheckValidator(bson::Document document, bson::Document before) const;
  Status CheckIdFree(bson::Document document, const std::string& key);
  // Index entries: `before` and `after` may be empty.
  Status ChangeIndexes(std::string_view document_key, bson::Document before, bson::Document after);
  struct IndexDifference {
    std::vector<std::string> removed, added;  // storage keys
    std::string types;                        // of what is added
    ArrayMasks arrays;
  };
  Status CompareEntries(const IndexKeys& keys, std::string_view document_key, bson::Document before,
                        bson::Document after, IndexDifference* out);
  Result<bool> OwnsEntry(const IndexKeys& keys, std::string_view values,
                         std::string_view document_key);
  // The document that a key of a unique index belongs to, as this statement has it; empty: none.
  Result<std::string> OwnerOf(const std::string& unique_key);
  Status NoteArrays(const std::vector<IndexDifference>& differences);
  Status CheckUniqueFree(const IndexKeys& keys, std::string_view values,
                         std::string_view document_key, bson::Document document);
  // The document number after the edit.
  Result<std::optional<uint64_t>> ChangeVector(const VectorEdit& edit, std::optional<uint64_t> row,
                                               std::string_view document_key);
  Status BecomeVectorCollection(size_t dimensions);
  // Notes the change for the change log, where the collection has one.
  void Record(ChangeOperation operation, bson::Document before, bson::Document after);
  void Add(Mutation::Op op, std::string key, std::string value);
  void AddDocument(std::string key, bson::Document body, std::optional<uint64_t> row);

  SessionImpl& session_;
  WriteSet& set_;
  EntryPtr entry_;
  std::unique_ptr<query::Matcher> validator_;
  bool moderate_ = false;           // an update may leave wrong what was wrong before
  bool only_warns_ = false;         // in the log
  std::vector<IndexKeys> indexes_;  // in the entry's order
  std::optional<ChangeOptions> changes_;
  std::deque<std::string> bytes_;  // what batch_ points to
  std::vector<Mutation> batch_;
  std::unordered_set<std::string> pending_keys_;  // of documents in batch_
  // Whom batch_ gives the keys of unique indexes to; empty: to nobody any more.
  std::unordered_map<std::string, std::string> pending_owners_;
  size_t batch_bytes_ = 0;
  int64_t count_delta_ = 0;
};

// The entry of a collection that is about to be written; makes the collection when it is missing.
// Checks names and access; 166 for a view. `needs`: what the caller must be allowed to do there.
Result<EntryPtr> FindOrCreate(SessionImpl& session, WriteSet& set, std::string_view database,
                              std::string_view name, Action needs = Action::kWrite);
// The same without making it: null when it is missing.
Result<EntryPtr> FindForWrite(SessionImpl& session, WriteSet& set, std::string_view database,
                              std::string_view name, Action needs = Action::kWrite);
// A collection that a document route makes keeps to the routes' own rule for names (core/document/
// limits.h), which is narrower than MongoDB's. Existing ones are reached whatever their name.
Status CheckNewName(const SessionImpl& session, std::string_view name);
// 11000, with keyPattern and keyValue.
Status DuplicateKey(const CollectionEntry& entry, std::string_view index, bson::Document pattern,
                    bson::Document value);
// A new entry of its own id and uuid.
Result<std::shared_ptr<CollectionEntry>> NewEntry(Environment& environment, WriteSet& set,
                                                  EntryKind kind, std::string_view database,
                                                  std::string_view name);

}  // namespace nexadb::database
