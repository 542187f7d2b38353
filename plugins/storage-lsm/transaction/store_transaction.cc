#include "plugins/storage-lsm/transaction/store_transaction.h"

#include <algorithm>

#include "nexadb/sdk/guard.h"
#include "plugins/storage-lsm/read/batch_read.h"
#include "plugins/storage-lsm/read/point_read.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

ReadMode ModeOf(const ReadOptions& options) {
  return options.nonblocking != 0 ? ReadMode::kMemoryOnly : ReadMode::kBlocking;
}

Status NotFound() { return Status::Error(Code::kNotFound, "no such key"); }

}  // namespace

Result<Buffer> StoreSnapshot::Get(BytesView key, const ReadOptions& options) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    Buffer value;
    auto found = lsm::Get(*store_.View(), AsText(key), sequence_, ModeOf(options), &value);
    if (!found.ok()) return found.status();
    if (!*found) return NotFound();
    return value;
  });
}

Status StoreSnapshot::GetMany(Span<const BytesView> keys, const ReadOptions& options,
                              Span<Lookup> out) noexcept {
  return sdk::Guard([&]() -> Status {
    return lsm::GetMany(*store_.View(), keys, sequence_, ModeOf(options), out);
  });
}

Result<Handle<Cursor>> StoreSnapshot::Scan(const ScanOptions& options) noexcept {
  return sdk::Guard([&]() -> Result<Handle<Cursor>> {
    return Handle<Cursor>(
        new StoreCursor(store_.views(), sequence_, options, OwnWrites{}, nullptr));
  });
}

Status StoreTransaction::CheckOpen() const {
  return over_ ? Invalid("the transaction is over: only Release is legal") : Status::Ok();
}

Result<bool> StoreTransaction::Read(std::string_view key, ReadMode mode, Buffer* value) {
  const WriteSet::Effect own = writes_.Find(key);
  if (own.decided) {
    if (own.value) *value = Buffer::Copy(AsBytes(*own.value));
    return own.value.has_value();
  }
  return lsm::Get(*store_.View(), key, sequence_, mode, value);
}

ReadMode StoreTransaction::ModeOf(const ReadOptions& options) const {
  return mode_ == CommitMode::kNeverWaits ? ReadMode::kMemoryOnly : lsm::ModeOf(options);
}

Status StoreTransaction::NoteRead(std::string_view key) {
  if (!serializable_) return Status::Ok();
  if (read_keys_.size() + read_ranges_.size() >= kTransactionReadsMax) {
    return Status::Error(Code::kResourceExhausted,
                         "a serializable transaction has read more than a million keys and ranges");
  }
  if (!read_keys_.contains(key)) read_keys_.emplace(key);
  return Status::Ok();
}

void StoreTransaction::OnRead(std::string_view begin, std::string_view end) {
  read_ranges_.Add(begin, end);
}

Result<Buffer> StoreTransaction::Get(BytesView key, const ReadOptions& options) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    LSM_RETURN_IF_ERROR(CheckOpen());
    Buffer value;
    auto found = Read(AsText(key), ModeOf(options), &value);
    if (!found.ok()) return found.status();
    LSM_RETURN_IF_ERROR(NoteRead(AsText(key)));
    if (!*found) return NotFound();
    return value;
  });
}

Status StoreTransaction::GetMany(Span<const BytesView> keys, const ReadOptions& options,
                                 Span<Lookup> out) noexcept {
  return sdk::Guard([&]() -> Status {
    LSM_RETURN_IF_ERROR(CheckOpen());
    LSM_RETURN_IF_ERROR(lsm::GetMany(*store_.View(), keys, sequence_, ModeOf(options), out));
    for (size_t i = 0; i < keys.size(); ++i) {
      LSM_RETURN_IF_ERROR(NoteRead(AsText(keys[i])));
      const WriteSet::Effect own = writes_.Find(AsText(keys[i]));
      if (!own.decided) continue;
      out[i].value = own.value ? Buffer::Copy(AsBytes(*own.value)) : Buffer();
      out[i].found = own.value ? 1 : 0;
    }
    return Status::Ok();
  });
}

Result<Handle<Cursor>> StoreTransaction::Scan(const ScanOptions& options) noexcept {
  return sdk::Guard([&]() -> Result<Handle<Cursor>> {
    LSM_RETURN_IF_ERROR(CheckOpen());
    OwnWrites own;
    own.rows = writes_.Rows(AsText(options.begin), AsText(options.end));
    own.deletes = writes_.Deletes(AsText(options.begin), AsText(options.end));
    ScanOptions scan = options;
    if (mode_ == CommitMode::kNeverWaits) scan.nonblocking = 1;
    return Handle<Cursor>(new StoreCursor(store_.views(), sequence_, scan, std::move(own),
                                          serializable_ ? this : nullptr));
  });
}

// What an add makes of the value that this transaction sees. The commit adds again, to the value
// of then.
Status StoreTransaction::Sum(const Mutation& mutation, std::string* sum) {
  Buffer stored;
  auto found = Read(AsText(mutation.key), ModeOf({}), &stored);
  if (!found.ok()) return found.status();
  if (*found && stored.size() != 8) return Invalid("add to a key whose value is not 8 bytes long");
  uint64_t total = *found ? base::LoadLittle<uint64_t>(stored.bytes().data()) : 0;
  total += base::LoadLittle<uint64_t>(mutation.value.data());
  sum->resize(8);
  base::StoreLittle(reinterpret_cast<uint8_t*>(sum->data()), total);
  return Status::Ok();
}

Status StoreTransaction::Write(Span<const Mutation> mutations) noexcept {
  const size_t before = writes_.size();
  const Status status = sdk::Guard([&]() -> Status {
    LSM_RETURN_IF_ERROR(CheckOpen());
    LSM_RETURN_IF_ERROR(CheckMutations(mutations));
    for (const Mutation& mutation : mutations) {
      std::string sum;
      if (mutation.op == Mutation::Op::kAdd) LSM_RETURN_IF_ERROR(Sum(mutation, &sum));
      LSM_RETURN_IF_ERROR(writes_.Add(mutation, sum));
    }
    return Status::Ok();
  });
  if (!status.ok() && writes_.size() != before) {
    const Status undone = sdk::Guard([&]() -> Status {
      writes_.Truncate(before);
      return Status::Ok();
    });
    over_ = over_ || !undone.ok();  // out of memory twice: a half-written set must not commit
  }
  return status;
}

Status StoreTransaction::Guard(BytesView key) noexcept {
  return sdk::Guard([&]() -> Status {
    LSM_RETURN_IF_ERROR(CheckOpen());
    if (key.size() > kStorageKeyBytesMax) return Invalid("key longer than 65535 bytes");
    if (guards_.size() >= kTransactionReadsMax) {
      return Status::Error(Code::kResourceExhausted, "more than a million guarded keys");
    }
    guards_.emplace(AsText(key));
    return Status::Ok();
  });
}

Result<uint64_t> StoreTransaction::Savepoint() noexcept {
  return sdk::Guard([&]() -> Result<uint64_t> {
    LSM_RETURN_IF_ERROR(CheckOpen());
    return uint64_t{writes_.size()};
  });
}

Status StoreTransaction::RollbackTo(uint64_t savepoint) noexcept {
  return sdk::Guard([&]() -> Status {
    LSM_RETURN_IF_ERROR(CheckOpen());
    if (savepoint > writes_.size()) return Invalid("no such savepoint");
    writes_.Truncate(savepoint);
    return Status::Ok();
  });
}

void StoreTransaction::CollectValidation(Validation* validation) const {
  validation->since = sequence_;
  std::vector<Validation::Key>& keys = validation->keys;
  keys.reserve(writes_.size() + guards_.size() + read_keys_.size());
  for (const Mutation& m : writes_.mutations()) {
    const std::string_view key = AsText(m.key);
    if (m.op == Mutation::Op::kDeleteRange) {
      if (!RangeEmpty(key, AsText(m.value))) validation->ranges.push_back({key, AsText(m.value)});
    } else if (m.op != Mutation::Op::kPutStampedKey) {  // whose key nobody can have written
      keys.push_back({key, m.op == Mutation::Op::kAdd});
    }
  }
  // Each key once, and of what is said of it the strictest, which comes first.
  const auto before = [](const Validation::Key& a, const Validation::Key& b) {
    const int order = a.key.compare(b.key);
    return order != 0 ? order < 0 : !a.adds_only && b.adds_only;
  };
  if (!std::is_sorted(keys.begin(), keys.end(), before)) {
    std::sort(keys.begin(), keys.end(), before);
  }
  const auto same = [](const Validation::Key& a, const Validation::Key& b) {
    return a.key == b.key;
  };
  keys.erase(std::unique(keys.begin(), keys.end(), same), keys.end());
  // In an order of their own; a key that is among the others as well is looked at twice.
  for (const std::string& key : guards_) keys.push_back({key, false});
  for (const std::string& key : read_keys_) keys.push_back({key, false});
  for (const auto& [begin, end] : read_ranges_) validation->ranges.push_back({begin, end});
}

Result<uint64_t> StoreTransaction::Commit(const WriteOptions& options) noexcept {
  return sdk::Guard([&]() -> Result<uint64_t> {
    LSM_RETURN_IF_ERROR(CheckOpen());
    over_ = true;
    if (writes_.size() == 0) return uint64_t{sequence_};
    LSM_RETURN_IF_ERROR(CheckMutations(writes_.mutations()));
    Validation validation;
    CollectValidation(&validation);
    CommitRequest request;
    request.mutations = writes_.mutations();
    request.validation = &validation;
    request.durability = store_.Resolve(options.durability);
    request.mode = mode_;
    return store_.Commit(request);
  });
}

}  // namespace nexadb::lsm
