#include "tests/crash/client.h"

#include <algorithm>
#include <cstring>

#include "core/base/coding.h"
#include "plugins/storage-lsm/testing/row_cursor.h"

namespace nexadb::crash {
namespace {

constexpr uint32_t kKeys = 64;
constexpr uint32_t kStepsMax = 6;
constexpr uint32_t kBigValueBytes = 20000;
constexpr uint32_t kRunRowsMax = 40;  // of an ingest

std::string Number(uint64_t v) {
  std::string bytes(8, '\0');
  base::StoreLittle(reinterpret_cast<uint8_t*>(bytes.data()), v);
  return bytes;
}

std::string Show(std::string_view value) {
  return value.size() > 24
             ? std::string(value.substr(0, 24)) + "… (" + std::to_string(value.size()) + " bytes)"
             : std::string(value);
}

}  // namespace

Client::Client(uint32_t id, uint64_t seed, base::SimEnv& env)
    : env_(env), prefix_("c" + std::to_string(id) + "/"), prng_(seed * 1000003 + id) {}

std::string Client::RandomKey() { return prefix_ + "k" + std::to_string(100 + prng_.Below(kKeys)); }

Client::Batch Client::MakeBatch(uint32_t number) {
  Batch batch;
  batch.push_back({Step::Op::kPut, prefix_ + "marker", Number(number)});
  const uint64_t steps = 1 + prng_.Below(kStepsMax);
  for (uint64_t i = 0; i < steps; ++i) {
    const std::string key = RandomKey();
    switch (prng_.Below(12)) {
      case 0:
      case 1: batch.push_back({Step::Op::kDelete, key, {}}); break;
      case 2: batch.push_back({Step::Op::kDeleteRange, key, RandomKey()}); break;
      case 3: batch.push_back({Step::Op::kAdd, prefix_ + "sum", Number(prng_.Below(100))}); break;
      case 4:
        batch.push_back({Step::Op::kPut, key, std::string(prng_.Below(kBigValueBytes), 'b')});
        break;
      default:
        batch.push_back({Step::Op::kPut, key,
                         "v" + std::to_string(number) + "." + std::to_string(i) +
                             std::string(prng_.Below(200), 'x')});
    }
  }
  return batch;
}

Client::Batch Client::MakeRun(uint32_t number) {
  State rows{{prefix_ + "marker", Number(number)}};
  for (uint64_t i = 1 + prng_.Below(kRunRowsMax); i > 0; --i) {
    rows[RandomKey()] =
        "r" + std::to_string(number) + "." + std::to_string(i) + std::string(prng_.Below(600), 'r');
  }
  Batch run;
  for (auto& [key, value] : rows) run.push_back({Step::Op::kPut, key, value});
  return run;
}

void Client::Apply(const Batch& batch, State& state) {
  for (const Step& step : batch) {
    switch (step.op) {
      case Step::Op::kPut: state[step.key] = step.value; break;
      case Step::Op::kDelete: state.erase(step.key); break;
      case Step::Op::kDeleteRange:
        if (step.key < step.value) {
          state.erase(state.lower_bound(step.key), state.lower_bound(step.value));
        }
        break;
      case Step::Op::kAdd: {
        auto at = state.try_emplace(step.key, Number(0)).first;
        const auto* old = reinterpret_cast<const uint8_t*>(at->second.data());
        const auto* delta = reinterpret_cast<const uint8_t*>(step.value.data());
        at->second = Number(base::LoadLittle<uint64_t>(old) + base::LoadLittle<uint64_t>(delta));
        break;
      }
    }
  }
}

State Client::StateAfter(uint32_t number) const {
  State state = settled_;
  for (uint32_t n = settled_number_; n < number; ++n) Apply(batches_[n - settled_number_], state);
  return state;
}

bool Client::WriteOne(lsm::Engine& engine) {
  const uint32_t number = NextNumber();
  batches_.push_back(MakeBatch(number));
  std::vector<Mutation> mutations;
  for (const Step& step : batches_.back()) {
    static constexpr Mutation::Op kOps[] = {Mutation::Op::kPut, Mutation::Op::kDelete,
                                            Mutation::Op::kDeleteRange, Mutation::Op::kAdd};
    mutations.push_back(
        {kOps[static_cast<size_t>(step.op)], 0, AsBytes(step.key), AsBytes(step.value)});
  }
  static constexpr Durability kDurabilities[] = {Durability::kDisk, Durability::kInterval,
                                                 Durability::kOs, Durability::kProcess};
  WriteOptions options;
  options.durability = kDurabilities[prng_.Below(4)];
  const uint64_t begin_ns = env_.Clock().MonotonicNs();
  auto written = engine.Write({mutations.data(), mutations.size()}, options);
  if (!written.ok()) return false;
  last_write_ns_ = begin_ns;
  acknowledged_ = number;
  if (options.durability == Durability::kDisk) disk_floor_ = number;
  if (options.durability == Durability::kInterval) {
    promises_.push_back({env_.Clock().MonotonicNs(), number});
  }
  if (options.durability != Durability::kProcess) kill_floor_ = number;
  return true;
}

bool Client::IngestOne(lsm::Engine& engine) {
  const uint32_t number = NextNumber();
  batches_.push_back(MakeRun(number));
  lsm::testing::RowCursor::Rows rows;
  for (const Step& step : batches_.back()) rows.emplace_back(step.key, step.value);
  lsm::testing::RowCursor cursor(std::move(rows));
  const uint64_t begin_ns = env_.Clock().MonotonicNs();
  auto& ingest = *static_cast<StorageIngest*>(engine.Facet(StorageIngest::kInterface));
  if (!ingest.Ingest(cursor).ok()) return false;
  last_write_ns_ = begin_ns;
  acknowledged_ = number;
  NoteFlushed();
  kill_floor_ = number;
  return true;
}

void Client::NotePowerOn(uint64_t interval_ns) {
  if (env_.disk().cut()) return;
  // Within its interval a write is durable, or the sync that was to make it so has failed and the
  // log takes no more writes. After a fault, of whatever file, only a later write that was taken
  // tells which it was.
  const bool fault = env_.disk().faults_struck() != faults_settled_;
  const uint64_t now = fault ? last_write_ns_ : env_.Clock().MonotonicNs();
  while (!promises_.empty() && promises_.front().acknowledged_ns + interval_ns <= now) {
    disk_floor_ = std::max(disk_floor_, promises_.front().number);
    promises_.pop_front();
  }
}

std::optional<std::string> Client::ReadState(lsm::Engine& engine, State* state) const {
  auto snapshot = engine.OpenSnapshot();
  if (!snapshot.ok()) return "no snapshot: " + std::string(snapshot.status().message());
  ScanOptions options;
  const std::string end = prefix_.substr(0, prefix_.size() - 1) + "0";  // '0' follows '/'
  options.begin = AsBytes(prefix_);
  options.end = AsBytes(end);
  auto cursor = (*snapshot)->Scan(options);
  if (!cursor.ok()) return "no cursor: " + std::string(cursor.status().message());
  Row rows[16];
  for (;;) {
    auto count = (*cursor)->Next({rows, 16});
    if (!count.ok()) return "scan failed: " + std::string(count.status().message());
    if (*count == 0) return std::nullopt;
    for (uint64_t i = 0; i < *count; ++i) {
      (*state)[std::string(AsText(rows[i].key))] = AsText(rows[i].value);
    }
  }
}

std::string Client::Difference(const State& expected, const State& found) const {
  for (const auto& [key, value] : expected) {
    auto at = found.find(key);
    if (at == found.end()) return key + " is missing, should be " + Show(value);
    if (at->second != value) return key + " is " + Show(at->second) + ", should be " + Show(value);
  }
  for (const auto& [key, value] : found) {
    if (!expected.contains(key)) return key + " is there: " + Show(value);
  }
  return {};
}

std::string Client::CheckVisible(lsm::Engine& engine) const {
  State found;
  if (auto failure = ReadState(engine, &found)) return *failure;
  const std::string difference = Difference(StateAfter(acknowledged_), found);
  return difference.empty() ? difference : prefix_ + " as acknowledged: " + difference;
}

std::string Client::Settle(lsm::Engine& engine, Loss loss) {
  State found;
  if (auto failure = ReadState(engine, &found)) return prefix_ + ": " + *failure;
  const auto marker = found.find(prefix_ + "marker");
  const uint32_t number = marker == found.end()
                              ? 0
                              : static_cast<uint32_t>(base::LoadLittle<uint64_t>(
                                    reinterpret_cast<const uint8_t*>(marker->second.data())));
  const uint32_t floor = loss == Loss::kPowerCut ? disk_floor_ : std::max(disk_floor_, kill_floor_);
  const auto last = settled_number_ + static_cast<uint32_t>(batches_.size());
  if (number < floor || number < settled_number_ || number > last) {
    return prefix_ + ": the store holds batch " + std::to_string(number) + ", must hold " +
           std::to_string(std::max(floor, settled_number_)) + " to " + std::to_string(last);
  }
  State expected = StateAfter(number);
  const std::string difference = Difference(expected, found);
  if (!difference.empty()) {
    return prefix_ + ": after batch " + std::to_string(number) + " " + difference;
  }
  settled_ = std::move(expected);
  settled_number_ = number;
  acknowledged_ = number;
  // Recovery has written all of it into tables.
  disk_floor_ = number;
  kill_floor_ = number;
  batches_.clear();
  promises_.clear();
  faults_settled_ = env_.disk().faults_struck();
  return {};
}

}  // namespace nexadb::crash
