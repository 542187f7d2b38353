#include "plugins/storage-memory/transaction.h"

#include <utility>

#include "core/base/mutex_lock.h"
#include "nexadb/sdk/guard.h"
#include "plugins/storage-memory/cursor.h"

namespace nexadb::memory {
namespace {

using Changes = VersionMap::Changes;

Status Conflict(std::string_view what) {
  std::string message("conflict: ");
  message.append(what).append(" changed after the transaction began; run it again");
  return Status::Error(Code::kConflict, message);
}
Status Over() {
  return Status::Error(Code::kInvalidArgument, "the transaction is over: begin a new one");
}

std::string After(std::string_view key) { return std::string(key) + '\0'; }

}  // namespace

MemoryTransaction::MemoryTransaction(Store& store, Isolation isolation)
    : store_(store), isolation_(isolation) {
  base::MutexLock hold(store_.mutex);
  sequence_ = store_.versions.last_sequence();
  store_.versions.Pin(sequence_);
}

MemoryTransaction::~MemoryTransaction() {
  base::MutexLock hold(store_.mutex);
  store_.versions.Unpin(sequence_);
}

void MemoryTransaction::Release() noexcept { delete this; }

Lookup MemoryTransaction::Read(std::string_view key) {
  auto own = overlay_->map().find(key);
  if (own != overlay_->map().end()) {
    return own->second.exists ? Lookup{own->second.value, 1, 0} : Lookup{};
  }
  if (overlay_->Hides(key)) return {};
  if (isolation_ == Isolation::kSerializable) reads_.AddKey(key);
  const Version* version = store_.versions.Find(key, sequence_);
  return version != nullptr ? Lookup{version->value, 1, 0} : Lookup{};
}

Result<Buffer> MemoryTransaction::Get(BytesView key, const ReadOptions&) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    if (over_) return Over();
    base::MutexLock hold(store_.mutex);
    Lookup found = Read(AsText(key));
    if (found.found == 0) return Status::Error(Code::kNotFound, "key not found");
    return std::move(found.value);
  });
}

Status MemoryTransaction::GetMany(Span<const BytesView> keys, const ReadOptions&,
                                  Span<Lookup> out) noexcept {
  return sdk::Guard([&]() -> Status {
    if (over_) return Over();
    base::MutexLock hold(store_.mutex);
    for (size_t i = 0; i < keys.size(); ++i) out[i] = Read(AsText(keys[i]));
    return {};
  });
}

Result<Handle<Cursor>> MemoryTransaction::Scan(const ScanOptions& options) noexcept {
  return sdk::Guard([&]() -> Result<Handle<Cursor>> {
    if (over_) return Over();
    ReadSet* reads = isolation_ == Isolation::kSerializable ? &reads_ : nullptr;
    return Handle<Cursor>(new MemoryCursor(store_, sequence_, options, overlay_, reads));
  });
}

Status MemoryTransaction::ApplyTo(Overlay* overlay, const Mutation& mutation) const {
  const Version* under = nullptr;
  if (mutation.op == Mutation::Op::kAdd) {
    under = store_.versions.Find(AsText(mutation.key), sequence_);
  }
  return overlay->Apply(mutation, under);
}

Status MemoryTransaction::Write(Span<const Mutation> mutations) noexcept {
  return sdk::Guard([&]() -> Status {
    if (over_) return Over();
    base::MutexLock hold(store_.mutex);
    bool may_fail = false;
    std::vector<Owned> added;
    for (const Mutation& mutation : mutations) {
      Status status = CheckMutation(mutation);
      if (!status.ok()) return status;
      may_fail = may_fail || mutation.op == Mutation::Op::kAdd;
      added.push_back({mutation.op, mutation.stamp_offset, std::string(AsText(mutation.key)),
                       Buffer::Copy(mutation.value)});
    }
    // A failing call must add nothing, and open cursors must not see this: then work on a copy.
    bool in_place = overlay_.use_count() == 1 && (!may_fail || mutations.size() == 1);
    auto next = in_place ? overlay_ : std::make_shared<Overlay>(*overlay_);
    for (const Mutation& mutation : mutations) {
      Status status = ApplyTo(next.get(), mutation);
      if (!status.ok()) return status;
    }
    overlay_ = std::move(next);
    for (Owned& write : added) writes_.push_back(std::move(write));
    return {};
  });
}

Status MemoryTransaction::Guard(BytesView key) noexcept {
  return sdk::Guard([&]() -> Status {
    if (over_) return Over();
    guards_.emplace(AsText(key));
    return {};
  });
}

Result<uint64_t> MemoryTransaction::Savepoint() noexcept {
  if (over_) return Over();
  return static_cast<uint64_t>(writes_.size());
}

Status MemoryTransaction::RollbackTo(uint64_t savepoint) noexcept {
  return sdk::Guard([&]() -> Status {
    if (over_) return Over();
    if (savepoint > writes_.size()) {
      return Status::Error(Code::kInvalidArgument, "no such savepoint, or rolled back past it");
    }
    base::MutexLock hold(store_.mutex);
    auto replayed = std::make_shared<Overlay>();
    for (size_t i = 0; i < savepoint; ++i) {
      Status status = ApplyTo(replayed.get(), writes_[i].View());
      if (!status.ok()) return status;
    }
    writes_.resize(savepoint);
    overlay_ = std::move(replayed);
    return {};
  });
}

Status MemoryTransaction::ValidateWrites() const {
  using Op = Mutation::Op;
  const VersionMap& versions = store_.versions;
  for (const Owned& write : writes_) {
    if (write.op == Op::kPutStampedKey) continue;  // no other commit can have its stamp
    if (write.op == Op::kDeleteRange) {
      std::string_view end = write.value.text();
      if (versions.RangeChangedSince(write.key, end, sequence_) ||
          versions.RangeDeletedSince(write.key, end, sequence_)) {
        return Conflict("a range it deletes");
      }
      continue;
    }
    Changes which = write.op == Op::kAdd ? Changes::kAllButAdds : Changes::kAll;
    if (versions.ChangedSince(write.key, sequence_, which) ||
        versions.RangeDeletedSince(write.key, After(write.key), sequence_)) {
      return Conflict("a key it writes");
    }
  }
  return {};
}

Status MemoryTransaction::Validate() const {
  const VersionMap& versions = store_.versions;
  Status status = ValidateWrites();
  if (!status.ok()) return status;
  for (const std::string& key : guards_) {
    if (versions.ChangedSince(key, sequence_, Changes::kAll) ||
        versions.RangeDeletedSince(key, After(key), sequence_)) {
      return Conflict("a key it guards");
    }
  }
  for (const std::string& key : reads_.keys()) {
    if (versions.ChangedSince(key, sequence_, Changes::kAll)) return Conflict("a key it has read");
  }
  for (const auto& [begin, end] : reads_.ranges()) {
    if (versions.RangeChangedSince(begin, end, sequence_)) return Conflict("a range it has read");
  }
  return {};
}

Result<uint64_t> MemoryTransaction::Commit(const WriteOptions&) noexcept {
  return sdk::Guard([&]() -> Result<uint64_t> {
    if (over_) return Over();
    over_ = true;
    if (writes_.empty()) return sequence_;
    std::vector<Mutation> batch;
    for (const Owned& write : writes_) batch.push_back(write.View());
    base::MutexLock hold(store_.mutex);
    Status status = Validate();
    if (!status.ok()) return status;
    return store_.versions.Commit(batch);
  });
}

}  // namespace nexadb::memory
