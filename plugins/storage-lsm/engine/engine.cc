#include "plugins/storage-lsm/engine/engine.h"

#include <string_view>

#include "nexadb/sdk/guard.h"
#include "plugins/storage-lsm/transaction/store_transaction.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

template <class I>
bool Is(const InterfaceId& id) {
  return std::string_view(id.name) == I::kInterface.name && id.major == I::kInterface.major &&
         id.minor == I::kInterface.minor;
}

}  // namespace

Status Engine::Open(Env& env, Logger* log, std::string directory,
                    const StoreOptions& options) noexcept {
  return sdk::Guard([&]() -> Status {
    auto store = Store::Open(env, log, std::move(directory), options);
    if (!store.ok()) return store.status();
    store_ = std::move(*store);
    return Status::Ok();
  });
}

Status Engine::Close() noexcept {
  return sdk::Guard([&]() -> Status {
    if (!store_) return Status::Ok();
    const Status status = store_->Close();
    store_.reset();
    return status;
  });
}

Status Engine::CheckOpen() const {
  return store_ ? Status::Ok() : Status::Error(Code::kUnavailable, "the store is not open");
}

Result<uint64_t> Engine::Write(Span<const Mutation> batch, const WriteOptions& options) noexcept {
  return sdk::Guard([&]() -> Result<uint64_t> {
    LSM_RETURN_IF_ERROR(CheckOpen());
    LSM_RETURN_IF_ERROR(CheckMutations(batch));
    CommitRequest request;
    request.mutations = batch;
    request.durability = store_->Resolve(options.durability);
    return store_->Commit(request);
  });
}

Result<Handle<Snapshot>> Engine::OpenSnapshot() noexcept {
  return sdk::Guard([&]() -> Result<Handle<Snapshot>> {
    LSM_RETURN_IF_ERROR(CheckOpen());
    return Handle<Snapshot>(new StoreSnapshot(*store_));
  });
}

Result<Handle<Transaction>> Engine::Begin(const TransactionOptions& options) noexcept {
  return sdk::Guard([&]() -> Result<Handle<Transaction>> {
    LSM_RETURN_IF_ERROR(CheckOpen());
    return Handle<Transaction>(new StoreTransaction(*store_, options, CommitMode::kMayWait));
  });
}

Result<Handle<Transaction>> Engine::BeginNonblocking(const TransactionOptions& options) noexcept {
  return sdk::Guard([&]() -> Result<Handle<Transaction>> {
    LSM_RETURN_IF_ERROR(CheckOpen());
    if (store_->Resolve(Durability::kDefault) == Durability::kDisk) {
      return Status::Error(Code::kWouldBlock, "every commit waits for the disk");
    }
    return Handle<Transaction>(new StoreTransaction(*store_, options, CommitMode::kNeverWaits));
  });
}

Result<RangeEstimate> Engine::EstimateRange(BytesView begin, BytesView end) noexcept {
  return sdk::Guard([&]() -> Result<RangeEstimate> {
    LSM_RETURN_IF_ERROR(CheckOpen());
    return store_->Estimate(AsText(begin), AsText(end));
  });
}

Status Engine::Flush() noexcept {
  return sdk::Guard([&]() -> Status {
    LSM_RETURN_IF_ERROR(CheckOpen());
    return store_->Flush();
  });
}

StorageCapabilities Engine::Capabilities() noexcept {
  StorageCapabilities capabilities;
  capabilities.durable = 1;
  if (store_) capabilities.durability = store_->options().durability;
  return capabilities;
}

void* Engine::Facet(const InterfaceId& id) noexcept {
  if (Is<StorageStatistics>(id)) return static_cast<StorageStatistics*>(this);
  if (Is<StorageCheckpoint>(id)) return static_cast<StorageCheckpoint*>(this);
  if (Is<StorageBackup>(id)) return static_cast<StorageBackup*>(this);
  if (Is<StorageChanges>(id)) return static_cast<StorageChanges*>(this);
  if (Is<StorageCompaction>(id)) return static_cast<StorageCompaction*>(this);
  if (Is<StorageIngest>(id)) return static_cast<StorageIngest*>(this);
  if (Is<StorageNonblocking>(id)) return static_cast<StorageNonblocking*>(this);
  return nullptr;
}

Result<Buffer> Engine::Statistics() noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    LSM_RETURN_IF_ERROR(CheckOpen());
    return Buffer::Own(store_->StatisticsBson());
  });
}

Result<Buffer> Engine::ExplainGet(BytesView key) noexcept {
  return sdk::Guard([&]() -> Result<Buffer> {
    LSM_RETURN_IF_ERROR(CheckOpen());
    return Buffer::Own(store_->ExplainBson(AsText(key)));
  });
}

Status Engine::Verify() noexcept {
  return sdk::Guard([&]() -> Status {
    LSM_RETURN_IF_ERROR(CheckOpen());
    return store_->Verify();
  });
}

Status Engine::Compact(BytesView begin, BytesView end) noexcept {
  return sdk::Guard([&]() -> Status {
    LSM_RETURN_IF_ERROR(CheckOpen());
    return store_->Compact(AsText(begin), AsText(end));
  });
}

Result<uint64_t> Engine::Ingest(Cursor& rows) noexcept {
  return sdk::Guard([&]() -> Result<uint64_t> {
    LSM_RETURN_IF_ERROR(CheckOpen());
    return store_->Ingest(rows);
  });
}

Status Engine::ChangesSince(uint64_t after, const ChangeSink& sink) noexcept {
  return sdk::Guard([&]() -> Status {
    LSM_RETURN_IF_ERROR(CheckOpen());
    return store_->ChangesSince(after, sink);
  });
}

}  // namespace nexadb::lsm
