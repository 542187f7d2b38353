// Client: writes batches to one engine and knows what they amount to. Its keys are its own.
#pragma once
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/prng.h"
#include "core/base/sim_env.h"
#include "plugins/storage-lsm/engine/engine.h"

namespace nexadb::crash {

using State = std::map<std::string, std::string>;

class Client {
 public:
  // `env` tells the time and when the power went.
  Client(uint32_t id, uint64_t seed, base::SimEnv& env);

  // Writes one batch of a random shape. False once the engine has failed: the history of this
  // client ends there until the next Settle.
  bool WriteOne(lsm::Engine& engine);
  // The same by an ingest of sorted rows, which is durable once it is acknowledged.
  bool IngestOne(lsm::Engine& engine);
  // Everything acknowledged so far is durable: Flush said so.
  void NoteFlushed() { disk_floor_ = acknowledged_; }

  // What a crash may have left. A killed process loses only what was buffered.
  enum class Loss { kPowerCut, kKilled };
  // Compares the store with what was acknowledged and takes the store's state as the new truth.
  // Empty, or what is wrong.
  std::string Settle(lsm::Engine& engine, Loss loss);
  // Reads while the engine runs: exactly what was acknowledged is visible. Empty, or what is wrong.
  std::string CheckVisible(lsm::Engine& engine) const;

  // The power was still on at this moment. Called often: what `interval` promises is measured from
  // the last call before the cut.
  void NotePowerOn(uint64_t interval_ns);

  uint32_t acknowledged() const { return acknowledged_; }

 private:
  struct Step {
    enum class Op { kPut, kDelete, kDeleteRange, kAdd } op;
    std::string key;
    std::string value;
  };
  using Batch = std::vector<Step>;

  uint32_t NextNumber() const {
    return settled_number_ + static_cast<uint32_t>(batches_.size()) + 1;
  }
  Batch MakeBatch(uint32_t number);
  Batch MakeRun(uint32_t number);  // puts alone, in key order
  std::string RandomKey();
  static void Apply(const Batch& batch, State& state);
  State StateAfter(uint32_t batches) const;
  std::optional<std::string> ReadState(lsm::Engine& engine, State* state) const;
  std::string Difference(const State& expected, const State& found) const;

  // Batches acknowledged with durability interval, that a power cut may still take.
  struct Promise {
    uint64_t acknowledged_ns;
    uint32_t number;
  };

  base::SimEnv& env_;
  const std::string prefix_;
  base::Prng prng_;
  State settled_;                // before batches_[0]
  uint32_t settled_number_ = 0;  // of the last batch in settled_
  std::vector<Batch> batches_;   // attempted since
  uint32_t acknowledged_ = 0;    // numbers, not indexes
  uint32_t disk_floor_ = 0;
  uint32_t kill_floor_ = 0;
  std::deque<Promise> promises_;
  uint64_t last_write_ns_ = 0;   // when the last write that was acknowledged began
  uint64_t faults_settled_ = 0;  // that had struck when the client last settled
};

}  // namespace nexadb::crash
