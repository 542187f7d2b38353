#include "plugins/storage-lsm/commit/batch_resolver.h"

#include <algorithm>

#include "plugins/storage-lsm/read/point_read.h"
#include "plugins/storage-lsm/util/error.h"

namespace nexadb::lsm {
namespace {

bool HasAdd(Span<const Mutation> mutations) {
  return std::any_of(mutations.begin(), mutations.end(),
                     [](const Mutation& m) { return m.op == Mutation::Op::kAdd; });
}

std::string Stamped(std::string_view bytes, uint32_t offset, Sequence sequence, uint16_t order) {
  std::string out(bytes);
  auto* hole = reinterpret_cast<uint8_t*>(out.data()) + offset;
  base::StoreBig<uint64_t>(hole, sequence);
  base::StoreBig<uint16_t>(hole + 8, order);
  return out;
}

Status Conflict() {
  return Status::Error(Code::kConflict,
                       "another transaction has written meanwhile what this one depends on: run "
                       "it again");
}

}  // namespace

bool BatchResolver::NeedsView(const CommitRequest& request) {
  return request.validation != nullptr || HasAdd(request.mutations);
}

std::string_view BatchResolver::Keep(std::string bytes) {
  kept_.push_back(std::move(bytes));
  return kept_.back();
}

Status BatchResolver::Validate(const Validation& validation) const {
  for (const Validation::Key& key : validation.keys) {
    if (overlay_.Touched(key.key, key.adds_only)) return Conflict();
    auto written = WrittenSince(*view_, key.key, validation.since,
                                key.adds_only ? SumRule::kIgnoreSums : SumRule::kCountSums);
    if (!written.ok()) return written.status();
    if (*written) return Conflict();
  }
  for (const Validation::Range& range : validation.ranges) {
    if (overlay_.RangeTouched(range.begin, range.end)) return Conflict();
    auto written = RangeWrittenSince(*view_, range.begin, range.end, validation.since);
    if (!written.ok()) return written.status();
    if (*written) return Conflict();
  }
  return Status::Ok();
}

Status BatchResolver::ResolveAdd(const Mutation& m, const GroupOverlay& batch, Entry* entry) {
  GroupOverlay::Lookup pending = batch.Find(AsText(m.key));
  if (!pending.decided) pending = overlay_.Find(AsText(m.key));
  Buffer stored;
  std::string_view value;
  bool found = pending.value.has_value();
  if (found) value = *pending.value;
  if (!pending.decided) {
    auto got = Get(*view_, AsText(m.key), kSequenceMax, ReadMode::kBlocking, &stored);
    if (!got.ok()) return got.status();
    found = *got;
    value = stored.text();
  }
  if (found && value.size() != 8) {
    return Invalid("add to a key whose value is not 8 bytes long");
  }
  uint64_t sum = found ? base::LoadLittle<uint64_t>(AsBytes(value).data()) : 0;
  sum += base::LoadLittle<uint64_t>(m.value.data());
  std::string bytes(8, '\0');
  base::StoreLittle(reinterpret_cast<uint8_t*>(bytes.data()), sum);
  *entry = {Kind::kSum, AsText(m.key), Keep(std::move(bytes))};
  return Status::Ok();
}

Status BatchResolver::Resolve(Span<const Mutation> mutations, Sequence first) {
  const size_t before = entries_.size();
  if (Status status = AppendEntries(mutations, first); !status.ok()) {
    entries_.resize(before);
    return status;
  }
  if (view_ == nullptr) return Status::Ok();
  for (size_t i = before; i < entries_.size(); ++i) overlay_.Apply(entries_[i]);
  return Status::Ok();
}

Status BatchResolver::AppendEntries(Span<const Mutation> mutations, Sequence first) {
  const Sequence last = first + mutations.size() - 1;
  uint16_t stamp = 0;
  // Adds of one batch build on each other, yet a batch that fails must leave no trace.
  GroupOverlay trial;
  const bool has_add = view_ != nullptr && HasAdd(mutations);
  for (const Mutation& m : mutations) {
    Entry entry{Kind::kPut, AsText(m.key), AsText(m.value)};
    switch (m.op) {
      case Mutation::Op::kPut: break;
      case Mutation::Op::kDelete: entry = {Kind::kDelete, entry.key, {}}; break;
      case Mutation::Op::kDeleteRange: entry.kind = Kind::kDeleteRange; break;
      case Mutation::Op::kAdd: LSM_RETURN_IF_ERROR(ResolveAdd(m, trial, &entry)); break;
      case Mutation::Op::kPutStampedKey:
        entry.key = Keep(Stamped(entry.key, m.stamp_offset, last, stamp++));
        break;
      case Mutation::Op::kPutStampedValue:
        entry.value = Keep(Stamped(entry.value, m.stamp_offset, last, stamp++));
        break;
    }
    if (has_add) trial.Apply(entry);
    entries_.push_back(entry);
  }
  return Status::Ok();
}

}  // namespace nexadb::lsm
