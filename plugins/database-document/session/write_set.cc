#include "plugins/database-document/session/write_set.h"

#include <algorithm>
#include <mutex>

#include "plugins/database-document/changes/hub.h"
#include "plugins/database-document/collection/layout.h"
#include "plugins/database-document/session/environment.h"
#include "plugins/database-document/vectors/registry.h"

namespace nexadb::database {

namespace {

Status WouldWait(std::string_view what) { return Status::Error(Code::kWouldBlock, what); }

Result<Handle<Transaction>> BeginTransaction(Environment& environment,
                                             const TransactionOptions& options, Waiting waiting) {
  if (waiting == Waiting::kAllowed) return environment.store().Begin(options);
  if (environment.nonblocking == nullptr) return WouldWait("storage may wait in every commit");
  return environment.nonblocking->BeginNonblocking(options);
}

}  // namespace

Result<std::unique_ptr<WriteSet>> WriteSet::Begin(Environment& environment, Isolation isolation,
                                                  Waiting waiting) {
  auto set = std::make_unique<WriteSet>(environment, waiting);
  TransactionOptions options;
  options.isolation = isolation;
  auto lock = environment.catalog->Share(waiting);
  if (!lock.owns_lock()) return WouldWait("the catalog changes just now");
  auto transaction = BeginTransaction(environment, options, waiting);
  if (!transaction.ok()) return transaction.status();
  set->transaction_ = std::move(*transaction);
  set->catalog_ = environment.catalog->current();
  return set;
}

EntryPtr WriteSet::Find(std::string_view database, std::string_view name) const {
  if (!catalog_changes_.empty()) {
    const auto it = catalog_changes_.find(EntryName(database, name));
    if (it != catalog_changes_.end()) return it->second;
  }
  return catalog_->Find(database, name);
}

CatalogPtr WriteSet::catalog() const {
  return catalog_changes_.empty() ? catalog_ : catalog_->With(catalog_changes_);
}

Status WriteSet::Guard(std::string_view entry_name) {
  if (guarded_.contains(entry_name)) return {};
  guarded_.emplace(entry_name);
  return transaction_->Guard(AsBytes(EntryKey(entry_name)));
}

Status WriteSet::Write(Span<const Mutation> mutations) {
  for (const Mutation& m : mutations) bytes_ += m.key.size() + m.value.size();
  return transaction_->Write(mutations);
}

Status WriteSet::PutEntry(EntryPtr entry) {
  const std::string name = EntryName(entry->database, entry->name);
  const std::string key = EntryKey(name);
  const std::string value = EncodeEntry(*entry);
  const Mutation put{Mutation::Op::kPut, 0, AsBytes(key), AsBytes(value)};
  if (Status status = Write(Span<const Mutation>(&put, 1)); !status.ok()) return status;
  catalog_changes_[name] = std::move(entry);
  return {};
}

Status WriteSet::RemoveEntry(const CollectionEntry& entry) {
  const std::string name = EntryName(entry.database, entry.name);
  const std::string key = EntryKey(name);
  const Mutation remove{Mutation::Op::kDelete, 0, AsBytes(key), {}};
  if (Status status = Write(Span<const Mutation>(&remove, 1)); !status.ok()) return status;
  catalog_changes_[name] = nullptr;
  return {};
}

bool WriteSet::TakeStamp() {
  if (stamps_ == kStampsMax) return false;
  ++stamps_;
  return true;
}

std::string WriteSet::FallbackVersion() const {
  // The snapshot's sequence, with an order that kStampsMax keeps stamps from reaching.
  std::string version;
  AppendBigEndian64(transaction_->Sequence(), &version);
  return version.append(2, '\xFF');
}

Result<WriteSet::Mark> WriteSet::MarkHere() {
  auto savepoint = transaction_->Savepoint();
  if (!savepoint.ok()) return savepoint.status();
  return Mark{*savepoint, catalog_changes_, vectors_.size(), changes_.size(), bytes_};
}

Status WriteSet::RollbackTo(Mark mark) {
  catalog_changes_ = std::move(mark.catalog_changes);
  vectors_.resize(mark.vectors);
  changes_.Truncate(mark.changes);
  bytes_ = mark.bytes;
  return transaction_->RollbackTo(mark.savepoint);
}

Status WriteSet::CommitCatalog() {
  if (!changes_.empty()) {
    Status status = changes_.WriteTo(*transaction_, environment_.NowMs());
    if (!status.ok()) return status;
  }
  // Readers that come now wait, so nobody sees the new store with the old catalog.
  std::unique_lock lock(environment_.catalog->gate(), std::defer_lock);
  if (!catalog_changes_.empty()) lock.lock();
  auto sequence = transaction_->Commit({});
  if (!sequence.ok()) return sequence.status();
  sequence_ = *sequence;
  if (!catalog_changes_.empty()) environment_.catalog->Install(catalog_changes_);
  return {};
}

// Indexes of collections that are gone, or hold vectors no longer.
void WriteSet::ForgetVectors() {
  for (const auto& [name, entry] : catalog_changes_) {
    const auto before = catalog_->entries().find(name);
    if (before == catalog_->entries().end() || !before->second->vector) continue;
    const uint32_t id = before->second->id;
    const auto after = std::find_if(
        catalog_changes_.begin(), catalog_changes_.end(),
        [id](const auto& change) { return change.second != nullptr && change.second->id == id; });
    if (after == catalog_changes_.end()) {
      environment_.vectors->Erase(id);
    } else if (!after->second->vector) {
      environment_.vectors->Reset(id);
    }
  }
}

// Of changes, and of what became of their collections.
void WriteSet::TellWatchers() {
  if (changes_.empty() && catalog_changes_.empty()) return;
  std::vector<uint32_t> ids = changes_.Collections();
  for (const auto& [name, entry] : catalog_changes_) {
    const auto before = catalog_->entries().find(name);
    if (before != catalog_->entries().end()) ids.push_back(before->second->id);
  }
  environment_.changes->Notify(ids);
}

Status WriteSet::Commit() {
  if (waiting_ == Waiting::kForbidden && (!catalog_changes_.empty() || !vectors_.empty())) {
    return WouldWait("commits of catalog and vector indexes take turns");
  }
  if (vectors_.empty()) {
    if (Status status = CommitCatalog(); !status.ok()) return status;
  } else {
    // Index changes must arrive in commit order, so commits of one vector collection take turns.
    VectorRegistry::CommitTurn turn(*environment_.vectors, vectors_);
    if (Status status = CommitCatalog(); !status.ok()) return status;
    turn.Apply(sequence_);
  }
  ForgetVectors();
  TellWatchers();
  return {};
}

}  // namespace nexadb::database
