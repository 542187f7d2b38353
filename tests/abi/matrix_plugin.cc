// A storage engine of a std::map, built by every compiler and standard library of the load matrix.
//
// It uses on purpose what differs between them: std::string, std::map, std::function, shared_ptr
// and exceptions. A key that begins with "throw" makes a write throw inside.
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "nexadb/plugin.h"
#include "nexadb/sdk/guard.h"
#include "nexadb/storage_engine.h"

namespace nexadb {
namespace {

using Rows = std::map<std::string, std::string>;

class MapCursor final : public Cursor {
 public:
  MapCursor(std::shared_ptr<const Rows> rows, const ScanOptions& options)
      : rows_(std::move(rows)), end_(AsText(options.end)) {
    at_ = rows_->lower_bound(std::string(AsText(options.begin)));
  }
  Result<uint64_t> Next(Span<Row> out) noexcept override {
    return sdk::Guard([&]() -> Result<uint64_t> {
      uint64_t count = 0;
      while (count < out.size() && at_ != rows_->end() && (end_.empty() || at_->first < end_)) {
        out[count++] = {AsBytes(at_->first), AsBytes(at_->second)};
        ++at_;
      }
      return count;
    });
  }
  Status Seek(BytesView key) noexcept override {
    return sdk::Guard([&]() -> Status {
      at_ = rows_->lower_bound(std::string(AsText(key)));
      return {};
    });
  }
  void Release() noexcept override { delete this; }

 private:
  std::shared_ptr<const Rows> rows_;
  std::string end_;
  Rows::const_iterator at_;
};

class MapSnapshot final : public Snapshot {
 public:
  MapSnapshot(std::shared_ptr<const Rows> rows, uint64_t sequence)
      : rows_(std::move(rows)), sequence_(sequence) {}
  Result<Buffer> Get(BytesView key, const ReadOptions&) noexcept override {
    return sdk::Guard([&]() -> Result<Buffer> {
      auto it = rows_->find(std::string(AsText(key)));
      if (it == rows_->end()) return Status::Error(Code::kNotFound, "no such key");
      return Buffer::Own(std::string(it->second));
    });
  }
  Status GetMany(Span<const BytesView> keys, const ReadOptions& options,
                 Span<Lookup> out) noexcept override {
    for (size_t i = 0; i < keys.size(); ++i) {
      auto value = Get(keys[i], options);
      out[i].found = value.ok() ? 1 : 0;
      if (value.ok()) out[i].value = std::move(*value);
    }
    return {};
  }
  Result<Handle<Cursor>> Scan(const ScanOptions& options) noexcept override {
    return sdk::Guard(
        [&]() -> Result<Handle<Cursor>> { return Handle<Cursor>(new MapCursor(rows_, options)); });
  }
  uint64_t Sequence() noexcept override { return sequence_; }
  void Release() noexcept override { delete this; }

 private:
  std::shared_ptr<const Rows> rows_;
  const uint64_t sequence_;
};

class MapStore final : public Plugin, public StorageEngine {
 public:
  Status Configure(PluginContext& context) noexcept override {
    context_ = &context;
    return context.Provide<StorageEngine>(*this);
  }
  Status Start() noexcept override { return {}; }
  void Drain(uint64_t) noexcept override {}
  void Stop() noexcept override {}
  Status Reconfigure(const ConfigView&) noexcept override {
    return Status::Error(Code::kUnsupported, "nothing to configure");
  }
  void Release() noexcept override { delete this; }

  Result<uint64_t> Write(Span<const Mutation> batch, const WriteOptions&) noexcept override {
    return sdk::Guard([&]() -> Result<uint64_t> {
      std::lock_guard<std::mutex> lock(mutex_);
      Rows next = *rows_;
      const std::function<void(const Mutation&)> apply = [&next](const Mutation& m) {
        const std::string key(AsText(m.key));
        if (key.substr(0, 5) == "throw") throw std::runtime_error("thrown inside: " + key);
        if (key.substr(0, 4) == "odd!") throw 42;
        if (m.op == Mutation::Op::kPut) next[key] = AsText(m.value);
        if (m.op == Mutation::Op::kDelete) next.erase(key);
      };
      for (const Mutation& mutation : batch) apply(mutation);
      rows_ = std::make_shared<const Rows>(std::move(next));
      return ++sequence_;
    });
  }
  Result<Handle<Snapshot>> OpenSnapshot() noexcept override {
    return sdk::Guard([&]() -> Result<Handle<Snapshot>> {
      std::lock_guard<std::mutex> lock(mutex_);
      return Handle<Snapshot>(new MapSnapshot(rows_, sequence_));
    });
  }
  Result<Handle<Transaction>> Begin(const TransactionOptions&) noexcept override {
    return Status::Error(Code::kUnsupported, "no transactions here");
  }
  Result<RangeEstimate> EstimateRange(BytesView, BytesView) noexcept override {
    return RangeEstimate{rows_->size(), 0};
  }
  Status Flush() noexcept override { return {}; }
  StorageCapabilities Capabilities() noexcept override { return {}; }
  void* Facet(const InterfaceId&) noexcept override { return nullptr; }

 private:
  PluginContext* context_ = nullptr;
  std::mutex mutex_;
  std::shared_ptr<const Rows> rows_ = std::make_shared<const Rows>();
  uint64_t sequence_ = 0;
};

}  // namespace
}  // namespace nexadb

NEXADB_PLUGIN("test.matrix-store", nexadb::MapStore)
