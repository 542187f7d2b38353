// A good engine, spoilt in one place: nexadb-plugin-check must find it.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "nexadb/plugin.h"
#include "nexadb/sdk/guard.h"
#include "plugins/storage-memory/engine.h"

namespace nexadb::sabotaged {
namespace {

constexpr uint64_t kBudgetBytes = uint64_t{512} << 20;

// Reads what is newest, whatever it has shown before.
class MovingSnapshot final : public Snapshot {
 public:
  explicit MovingSnapshot(StorageEngine& engine) : engine_(engine) {}
  uint64_t Sequence() noexcept override { return (*engine_.OpenSnapshot())->Sequence(); }
  Result<Buffer> Get(BytesView key, const ReadOptions& options) noexcept override {
    return (*engine_.OpenSnapshot())->Get(key, options);
  }
  Status GetMany(Span<const BytesView> keys, const ReadOptions& options,
                 Span<Lookup> out) noexcept override {
    return (*engine_.OpenSnapshot())->GetMany(keys, options, out);
  }
  Result<Handle<Cursor>> Scan(const ScanOptions& options) noexcept override {
    // The cursor needs the snapshot it was opened on.
    held_ = std::move(*engine_.OpenSnapshot());
    return held_->Scan(options);
  }
  void Release() noexcept override { delete this; }

 private:
  StorageEngine& engine_;
  Handle<Snapshot> held_;
};

class SabotagedEngine final : public StorageEngine {
 public:
  SabotagedEngine(Env& env, std::string sabotage)
      : good_(env, kBudgetBytes), sabotage_(std::move(sabotage)) {}

  Result<uint64_t> Write(Span<const Mutation> batch,
                         const WriteOptions& options) noexcept override {
    constexpr uint64_t kGoodWrites = 100;
    const uint64_t count = ++writes_;
    const bool spoilt = sabotage_ == "writes" && count > kGoodWrites && !batch.empty();
    if (spoilt) batch = batch.Sub(0, batch.size() - 1);
    for (const Mutation& m : batch) {
      if (m.op < Mutation::Op::kPutStampedKey) continue;
      if (sabotage_ == "crash") *static_cast<volatile int*>(nullptr) = 1;
      while (sabotage_ == "hang") ::pause();
    }
    return good_.Write(batch, options);
  }
  Result<Handle<Snapshot>> OpenSnapshot() noexcept override {
    if (sabotage_ != "snapshots") return good_.OpenSnapshot();
    return Handle<Snapshot>(new MovingSnapshot(good_));
  }
  Result<Handle<Transaction>> Begin(const TransactionOptions& options) noexcept override {
    return good_.Begin(options);
  }
  Result<RangeEstimate> EstimateRange(BytesView begin, BytesView end) noexcept override {
    return good_.EstimateRange(begin, end);
  }
  Status Flush() noexcept override { return good_.Flush(); }
  StorageCapabilities Capabilities() noexcept override { return good_.Capabilities(); }
  void* Facet(const InterfaceId& id) noexcept override { return good_.Facet(id); }

 private:
  memory::MemoryEngine good_;
  const std::string sabotage_;
  std::atomic<uint64_t> writes_{0};
};

class SabotagedPlugin final : public Plugin {
 public:
  Status Configure(PluginContext& context) noexcept override {
    return sdk::Guard([&]() -> Status {
      context_ = &context;
      auto sabotage = context.Config().Text("sabotage");
      if (!sabotage.ok()) return sabotage.status();
      sabotage_ = std::string_view(*sabotage);
      engine_ = std::make_unique<SabotagedEngine>(context.Env(), sabotage_);
      return context.Provide<StorageEngine>(*engine_);
    });
  }
  Status Start() noexcept override {
    return sdk::Guard([&]() -> Status {
      if (sabotage_ == "thread") {
        std::thread([] {
          for (;;) ::pause();
        }).detach();
      }
      if (sabotage_ == "descriptor" && ::open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) {
        return Status::Error(Code::kIoError, "no /dev/null");
      }
      if (sabotage_ != "start") return {};
      const Status made = context_->Env().Files().CreateDirectories(context_->DataDirectory());
      if (made.ok()) started_ = std::make_unique<int>(1);
      return made;
    });
  }
  void Drain(uint64_t) noexcept override {}
  void Stop() noexcept override {
    if (sabotage_ == "start") *const_cast<volatile int*>(started_.get()) = 0;
  }
  Status Reconfigure(const ConfigView&) noexcept override {
    return Status::Error(Code::kUnsupported, "sabotage is for life");
  }
  void* Facet(const InterfaceId&) noexcept override { return nullptr; }
  void Release() noexcept override { delete this; }

 private:
  PluginContext* context_ = nullptr;
  std::string sabotage_;
  std::unique_ptr<SabotagedEngine> engine_;
  std::unique_ptr<int> started_;
};

}  // namespace
}  // namespace nexadb::sabotaged

NEXADB_PLUGIN("test.sabotaged-storage", nexadb::sabotaged::SabotagedPlugin)
