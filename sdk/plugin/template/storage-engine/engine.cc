#include "engine.h"

#include "core/base/mutex_lock.h"
#include "nexadb/sdk/guard.h"
#include "readers.h"

namespace storage_example {

using namespace nexadb;

namespace {

class TableTransaction final : public Transaction {
 public:
  TableTransaction(Engine& engine, Version version, uint64_t sequence, Isolation isolation)
      : engine_(engine), serializable_(isolation == Isolation::kSerializable), view_(version) {
    set_.snapshot = sequence;
  }

  uint64_t Sequence() noexcept override { return set_.snapshot; }
  Result<Buffer> Get(BytesView key, const ReadOptions&) noexcept override {
    return sdk::Guard([&]() -> Result<Buffer> {
      if (serializable_) set_.validated.push_back(RangeOf(AsText(key)));
      return Find(*view_, key);
    });
  }
  Status GetMany(Span<const BytesView> keys, const ReadOptions& options,
                 Span<Lookup> out) noexcept override {
    for (size_t i = 0; i < keys.size(); ++i) {
      auto value = Get(keys[i], options);
      if (!value.ok() && value.status().code() != Code::kNotFound) return value.status();
      out[i] = {value.ok() ? *value : Buffer(), value.ok() ? 1u : 0u, 0};
    }
    return {};
  }
  Result<Handle<Cursor>> Scan(const ScanOptions& options) noexcept override {
    return OpenCursor(view_, options, serializable_ ? &set_.validated : nullptr);
  }

  // The transaction's own view is the snapshot with its mutations applied, a version like any.
  Status Write(Span<const Mutation> mutations) noexcept override {
    return sdk::Guard([&]() -> Status {
      if (over_) return Status::Error(Code::kInvalidArgument, "the transaction is over");
      auto view = std::make_shared<Rows>(*view_);
      if (Status applied = Apply(mutations, std::nullopt, *view); !applied.ok()) return applied;
      set_.mutations.reserve(set_.mutations.size() + mutations.size());
      for (const Mutation& m : mutations) set_.mutations.emplace_back(m);
      view_ = std::move(view);
      return {};
    });
  }
  Status Guard(BytesView key) noexcept override {
    return sdk::Guard([&]() -> Status {
      set_.validated.push_back(RangeOf(AsText(key)));
      return {};
    });
  }
  Result<uint64_t> Savepoint() noexcept override {
    return sdk::Guard([&]() -> Result<uint64_t> {
      savepoints_.push_back({view_, set_.mutations.size()});
      return uint64_t{savepoints_.size() - 1};
    });
  }
  Status RollbackTo(uint64_t savepoint) noexcept override {
    return sdk::Guard([&]() -> Status {
      if (savepoint >= savepoints_.size()) {
        return Status::Error(Code::kInvalidArgument, "no such savepoint");
      }
      const auto at = static_cast<ptrdiff_t>(savepoint);
      view_ = savepoints_[savepoint].view;
      const auto kept = static_cast<ptrdiff_t>(savepoints_[savepoint].mutations);
      set_.mutations.erase(set_.mutations.begin() + kept, set_.mutations.end());
      savepoints_.erase(savepoints_.begin() + at + 1, savepoints_.end());
      return {};
    });
  }
  Result<uint64_t> Commit(const WriteOptions&) noexcept override {
    return sdk::Guard([&]() -> Result<uint64_t> {
      if (over_) return Status::Error(Code::kInvalidArgument, "the transaction is over");
      over_ = true;
      if (set_.mutations.empty()) return set_.snapshot;
      return engine_.Commit(set_);
    });
  }
  void Release() noexcept override {
    engine_.End(set_.snapshot);
    delete this;
  }

 private:
  struct Mark {
    Version view;
    size_t mutations;
  };
  Engine& engine_;
  const bool serializable_;
  Version view_;
  WriteSet set_;
  std::vector<Mark> savepoints_;
  bool over_ = false;
};

}  // namespace

Engine::Engine(Env& env, uint64_t rows_max) : rows_max_(rows_max), mutex_(env.NewMutex()) {}

Result<uint64_t> Engine::Write(Span<const Mutation> batch, const WriteOptions&) noexcept {
  return sdk::Guard([&]() -> Result<uint64_t> {
    base::MutexLock hold(mutex_);
    return Install(batch);
  });
}

// REQUIRES: mutex_ held. Nothing has changed when it fails.
Result<uint64_t> Engine::Install(Span<const Mutation> batch) {
  auto next = std::make_shared<Rows>(*version_);
  if (Status applied = Apply(batch, sequence_ + 1, *next); !applied.ok()) return applied;
  if (next->size() > rows_max_ && next->size() > version_->size()) {
    return Status::Error(Code::kResourceExhausted,
                         "the store holds rows_max rows (" + std::to_string(rows_max_) + ")");
  }
  if (!open_.empty()) {
    Commits commit{sequence_ + 1, {}};
    for (const Mutation& m : batch) {
      if (auto range = ChangedBy(m)) {
        commit.changes.push_back({std::move(*range), m.op == Mutation::Op::kAdd});
      }
    }
    recent_.push_back(std::move(commit));
  }
  version_ = std::move(next);
  return ++sequence_;
}

bool Engine::Conflicts(const WriteSet& set) const {
  for (const Commits& commit : recent_) {
    if (commit.sequence <= set.snapshot) continue;
    for (const Change& change : commit.changes) {
      for (const KeyRange& range : set.validated) {
        if (range.Overlaps(change.range)) return true;
      }
      for (const OwnedMutation& m : set.mutations) {
        const auto range = ChangedBy(m.View());
        const bool two_adds = change.is_add && m.op == Mutation::Op::kAdd;
        if (range && !two_adds && range->Overlaps(change.range)) return true;
      }
    }
  }
  return false;
}

Result<uint64_t> Engine::Commit(const WriteSet& set) {
  std::vector<Mutation> batch;
  for (const OwnedMutation& m : set.mutations) batch.push_back(m.View());
  base::MutexLock hold(mutex_);
  if (Conflicts(set)) {
    return Status::Error(Code::kConflict, "another transaction was first: run it again");
  }
  return Install(batch);
}

void Engine::End(uint64_t snapshot) noexcept {
  base::MutexLock hold(mutex_);
  open_.erase(open_.find(snapshot));
  while (!recent_.empty() && (open_.empty() || recent_.front().sequence <= *open_.begin())) {
    recent_.pop_front();
  }
}

Result<Handle<Snapshot>> Engine::OpenSnapshot() noexcept {
  return sdk::Guard([&]() -> Result<Handle<Snapshot>> {
    base::MutexLock hold(mutex_);
    return MakeSnapshot(version_, sequence_);
  });
}

Result<Handle<Transaction>> Engine::Begin(const TransactionOptions& options) noexcept {
  return sdk::Guard([&]() -> Result<Handle<Transaction>> {
    base::MutexLock hold(mutex_);
    const auto noted = open_.insert(sequence_);
    auto* made = new (std::nothrow) TableTransaction(*this, version_, sequence_, options.isolation);
    if (made != nullptr) return Handle<Transaction>(made);
    open_.erase(noted);
    return Status::Error(Code::kResourceExhausted, "out of memory");
  });
}

Result<RangeEstimate> Engine::EstimateRange(BytesView begin, BytesView end) noexcept {
  return sdk::Guard([&]() -> Result<RangeEstimate> {
    Version version;
    {
      base::MutexLock hold(mutex_);
      version = version_;
    }
    RangeEstimate estimate;
    for (auto row = version->lower_bound(AsText(begin)); row != version->end(); ++row) {
      if (!end.empty() && row->first >= AsText(end)) break;
      estimate.rows += 1;
      estimate.bytes += row->first.size() + row->second.size();
    }
    return estimate;
  });
}

}  // namespace storage_example
