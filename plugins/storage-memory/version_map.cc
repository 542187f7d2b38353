#include "plugins/storage-memory/version_map.h"

#include <algorithm>
#include <utility>

#include "core/base/coding.h"

namespace nexadb::memory {
namespace {

constexpr size_t kCounterBytes = 8;
// Estimates walk at most so many rows: the planner asks on every query.
constexpr uint64_t kEstimateRowsMax = 4096;

Status Invalid(std::string_view message) { return Status::Error(Code::kInvalidArgument, message); }

uint64_t BytesOf(std::string_view key, const Version& version) {
  return key.size() + version.value.size() + kVersionOverheadBytes;
}

bool StampFits(const Mutation& mutation, BytesView bytes) {
  return bytes.size() >= kVersionstampBytes &&
         mutation.stamp_offset <= bytes.size() - kVersionstampBytes;
}

}  // namespace

Status CheckMutation(const Mutation& mutation) {
  using Op = Mutation::Op;
  if (mutation.key.size() > kStorageKeyBytesMax) {
    return Invalid("key of " + std::to_string(mutation.key.size()) + " bytes: the limit is " +
                   std::to_string(kStorageKeyBytesMax));
  }
  if (mutation.value.size() > kStorageValueBytesMax) {
    return Invalid("value of " + std::to_string(mutation.value.size()) + " bytes: the limit is " +
                   std::to_string(kStorageValueBytesMax));
  }
  switch (mutation.op) {
    case Op::kPut:
    case Op::kDelete: return {};
    case Op::kDeleteRange:
      if (mutation.value.size() <= kStorageKeyBytesMax) return {};
      return Invalid("delete-range: its end is longer than a key can be");
    case Op::kAdd:
      if (mutation.value.size() == kCounterBytes) return {};
      return Invalid("add: the value must be 8 bytes long");
    case Op::kPutStampedKey:
      if (StampFits(mutation, mutation.key)) return {};
      return Invalid("stamped key: the stamp does not fit at its offset");
    case Op::kPutStampedValue:
      if (StampFits(mutation, mutation.value)) return {};
      return Invalid("stamped value: the stamp does not fit at its offset");
  }
  return Invalid("unknown mutation " + std::to_string(static_cast<uint32_t>(mutation.op)));
}

void FillStamp(std::string* bytes, uint32_t offset, uint64_t sequence, uint64_t order) {
  auto* at = reinterpret_cast<uint8_t*>(bytes->data()) + offset;
  base::StoreBig(at, sequence);
  base::StoreBig(at + sizeof(sequence), static_cast<uint16_t>(order));
}

Result<uint64_t> VersionMap::Commit(Span<const Mutation> mutations) {
  if (mutations.empty()) return last_sequence_;
  Batch batch;
  for (const Mutation& mutation : mutations) {
    Status status = CheckMutation(mutation);
    if (status.ok()) status = Stage(mutation, &batch);
    if (!status.ok()) return status;
  }
  Status status = CheckBudget(batch);
  if (!status.ok()) return status;
  Install(std::move(batch));
  CollectGarbage();
  return last_sequence_;
}

Status VersionMap::Stage(const Mutation& mutation, Batch* batch) const {
  using Op = Mutation::Op;
  std::string key(AsText(mutation.key));
  bool deletes = mutation.op == Op::kDelete || mutation.op == Op::kDeleteRange;
  batch->only_deletes = batch->only_deletes && deletes;
  if (mutation.op == Op::kPutStampedKey || mutation.op == Op::kPutStampedValue) {
    if (batch->stamps == kStampsPerBatchMax) return Invalid("more than 65536 stamps in a batch");
    std::string value(AsText(mutation.value));
    std::string* stamped = mutation.op == Op::kPutStampedKey ? &key : &value;
    FillStamp(stamped, mutation.stamp_offset, last_sequence_ + 1, batch->stamps++);
    batch->staged[std::move(key)] = {0, Buffer::Own(std::move(value)), true, false};
    return {};
  }
  switch (mutation.op) {
    case Op::kAdd: return StageAdd(mutation, batch);
    case Op::kDelete: batch->staged[std::move(key)] = {}; return {};
    case Op::kDeleteRange: StageDeleteRange(key, AsText(mutation.value), batch); return {};
    default:
      batch->staged[std::move(key)] = {0, Buffer::Copy(mutation.value), true, false};
      return {};
  }
}

Status VersionMap::StageAdd(const Mutation& mutation, Batch* batch) const {
  std::string_view key = AsText(mutation.key);
  auto own = batch->staged.find(key);
  const Version* old = nullptr;
  bool added = true;
  if (own == batch->staged.end()) {
    old = Find(key, last_sequence_);
  } else {
    if (own->second.exists) old = &own->second;
    added = own->second.added;
  }
  if (old != nullptr && old->value.size() != kCounterBytes) {
    return Invalid("add: the stored value is not 8 bytes long");
  }
  uint64_t sum = base::LoadLittle<uint64_t>(mutation.value.data());
  if (old != nullptr) sum += base::LoadLittle<uint64_t>(old->value.bytes().data());
  uint8_t bytes[kCounterBytes];
  base::StoreLittle(bytes, sum);
  batch->staged[std::string(key)] = {0, Buffer::Copy({bytes, kCounterBytes}), true, added};
  return {};
}

void VersionMap::StageDeleteRange(std::string_view begin, std::string_view end,
                                  Batch* batch) const {
  if (!BeforeEnd(begin, end)) return;
  auto own = batch->staged.lower_bound(begin);
  while (own != batch->staged.end() && BeforeEnd(own->first, end)) (own++)->second = {};
  for (auto at = map_.lower_bound(begin); at != map_.end() && BeforeEnd(at->first, end); ++at) {
    if (at->second.back().exists) batch->staged[at->first] = {};
  }
  batch->deleted_ranges.emplace_back(begin, end);
}

// Deletes always pass: they are the way out of a full store.
Status VersionMap::CheckBudget(const Batch& batch) const {
  if (batch.only_deletes) return {};
  uint64_t needed = used_bytes_;
  for (const auto& [key, version] : batch.staged) needed += BytesOf(key, version);
  if (needed <= budget_bytes_) return {};
  return Status::Error(Code::kResourceExhausted, "storage-memory: memory_budget of " +
                                                     std::to_string(budget_bytes_) +
                                                     " bytes is used up; delete data or raise it");
}

void VersionMap::Install(Batch batch) {
  uint64_t sequence = last_sequence_ + 1;
  for (auto& [key, version] : batch.staged) {
    version.sequence = sequence;
    used_bytes_ += BytesOf(key, version);
    auto [at, is_new] = map_.try_emplace(key);
    Versions& versions = at->second;
    if (!is_new && versions.back().exists) {
      --live_rows_;
      live_bytes_ -= key.size() + versions.back().value.size();
    }
    if (version.exists) {
      ++live_rows_;
      live_bytes_ += key.size() + version.value.size();
    }
    if (!is_new || !version.exists) garbage_.emplace_back(sequence, key);
    versions.push_back(std::move(version));
  }
  for (auto& [begin, end] : batch.deleted_ranges) {
    deleted_ranges_.push_back({sequence, std::move(begin), std::move(end)});
  }
  last_sequence_ = sequence;
}

const Version* VersionMap::Visible(const Versions& versions, uint64_t sequence) {
  for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
    if (version->sequence <= sequence) return version->exists ? &*version : nullptr;
  }
  return nullptr;
}

const Version* VersionMap::Find(std::string_view key, uint64_t sequence) const {
  auto found = map_.find(key);
  return found == map_.end() ? nullptr : Visible(found->second, sequence);
}

void VersionMap::Unpin(uint64_t sequence) {
  auto pin = pins_.find(sequence);
  if (--pin->second > 0) return;
  pins_.erase(pin);
  CollectGarbage();
}

bool VersionMap::ChangedSince(std::string_view key, uint64_t sequence, Changes which) const {
  auto found = map_.find(key);
  if (found == map_.end()) return false;
  for (auto version = found->second.rbegin(); version != found->second.rend(); ++version) {
    if (version->sequence <= sequence) return false;
    if (which == Changes::kAll || !version->added) return true;
  }
  return false;
}

bool VersionMap::RangeChangedSince(std::string_view begin, std::string_view end,
                                   uint64_t sequence) const {
  for (auto at = map_.lower_bound(begin); at != map_.end() && BeforeEnd(at->first, end); ++at) {
    if (at->second.back().sequence > sequence) return true;
  }
  return false;
}

bool VersionMap::RangeDeletedSince(std::string_view begin, std::string_view end,
                                   uint64_t sequence) const {
  for (auto range = deleted_ranges_.rbegin(); range != deleted_ranges_.rend(); ++range) {
    if (range->sequence <= sequence) return false;
    if (BeforeEnd(range->begin, end) && BeforeEnd(begin, range->end)) return true;
  }
  return false;
}

RangeEstimate VersionMap::Estimate(std::string_view begin, std::string_view end) const {
  if (begin.empty() && end.empty()) return {live_rows_, live_bytes_};
  RangeEstimate estimate;
  uint64_t walked = 0;
  for (auto at = map_.lower_bound(begin); at != map_.end() && BeforeEnd(at->first, end); ++at) {
    if (++walked > kEstimateRowsMax) {
      // A large range: half of the store is the guess that is never far off by orders.
      return {std::max(estimate.rows, live_rows_ / 2), std::max(estimate.bytes, live_bytes_ / 2)};
    }
    if (!at->second.back().exists) continue;
    ++estimate.rows;
    estimate.bytes += at->first.size() + at->second.back().value.size();
  }
  return estimate;
}

void VersionMap::CollectGarbage() {
  uint64_t oldest = pins_.empty() ? last_sequence_ : pins_.begin()->first;
  while (!garbage_.empty() && garbage_.front().first <= oldest) {
    std::string key = std::move(garbage_.front().second);
    garbage_.pop_front();
    Prune(key, oldest);
  }
  while (!deleted_ranges_.empty() && deleted_ranges_.front().sequence <= oldest) {
    deleted_ranges_.pop_front();
  }
}

// Drops the versions below the one that `oldest` sees, and that one too when it says "gone".
void VersionMap::Prune(const std::string& key, uint64_t oldest) {
  auto found = map_.find(key);
  if (found == map_.end()) return;
  Versions& versions = found->second;
  size_t drop = 0;
  while (drop + 1 < versions.size() && versions[drop + 1].sequence <= oldest) ++drop;
  if (versions[drop].sequence <= oldest && !versions[drop].exists) ++drop;
  for (size_t i = 0; i < drop; ++i) used_bytes_ -= BytesOf(key, versions[i]);
  versions.erase(versions.begin(), versions.begin() + static_cast<ptrdiff_t>(drop));
  if (versions.empty()) map_.erase(found);
}

}  // namespace nexadb::memory
