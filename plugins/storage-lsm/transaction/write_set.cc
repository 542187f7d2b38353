#include "plugins/storage-lsm/transaction/write_set.h"

#include <algorithm>
#include <cstring>

namespace nexadb::lsm {
namespace {

constexpr uint64_t kMutationOverheadBytes = 128;

// Rows of a write set in order, as they were when the cursor opened.
class OwnRows final : public RowSource {
 public:
  struct Own {
    std::string_view key;
    std::optional<std::string_view> value;
  };
  explicit OwnRows(std::vector<Own> rows) : rows_(std::move(rows)) {}
  Status Seek(std::string_view key, Sequence) override { return Take(LowerBound(key)); }
  Status SeekBack(std::string_view end) override {
    return Take((end.empty() ? rows_.size() : LowerBound(end)) - 1);
  }
  Status Next() override { return Take(at_ + 1); }
  Status Previous() override { return Take(at_ - 1); }
  Sequence sequence_max() const override { return kOwnWriteSequence; }

 private:
  size_t LowerBound(std::string_view key) const {
    auto at = std::partition_point(rows_.begin(), rows_.end(),
                                   [&](const Own& row) { return row.key < key; });
    return static_cast<size_t>(at - rows_.begin());
  }
  // Wraps below zero to past the end.
  Status Take(size_t row) {
    at_ = row;
    if (row >= rows_.size()) {
      SetInvalid();
      return Status::Ok();
    }
    const Own& own = rows_[row];
    SetRow(own.key, kOwnWriteSequence, own.value ? Kind::kPut : Kind::kDelete,
           own.value.value_or(std::string_view()));
    return Status::Ok();
  }

  const std::vector<Own> rows_;
  size_t at_ = 0;
};

// The bytes with the hole for the versionstamp zeroed: what the transaction itself reads.
std::string ZeroStamped(std::string_view bytes, uint32_t offset) {
  std::string out(bytes);
  std::fill_n(out.begin() + offset, kVersionstampBytes, '\0');
  return out;
}

}  // namespace

std::string_view WriteSet::Keep(std::string_view bytes) {
  if (bytes.empty()) return "";
  auto* copy = static_cast<char*>(kept_.allocate(bytes.size(), 1));
  std::memcpy(copy, bytes.data(), bytes.size());
  kept_bytes_ += bytes.size();
  return {copy, bytes.size()};
}

Status WriteSet::Add(const Mutation& mutation, std::string_view sum) {
  const uint64_t bytes = mutation.key.size() + mutation.value.size() + kMutationOverheadBytes;
  if (kept_bytes_ + bytes > kTransactionBytesMax) {
    return Status::Error(Code::kResourceExhausted,
                         "transaction larger than 256 MiB: split it into several");
  }
  kept_bytes_ += kMutationOverheadBytes;
  Mutation own = mutation;
  std::string_view key = AsText(mutation.key);
  std::string_view value = AsText(mutation.value);
  if (mutation.op == Mutation::Op::kPutStampedKey) {
    key = Keep(ZeroStamped(key, mutation.stamp_offset));
  } else {
    key = Keep(key);
  }
  if (mutation.op == Mutation::Op::kPutStampedValue) {
    value = Keep(ZeroStamped(value, mutation.stamp_offset));
  } else {
    value = Keep(value);
  }
  own.key = AsBytes(key);
  own.value = AsBytes(value);
  mutations_.push_back(own);
  sums_.push_back(sum.empty() ? std::string_view() : Keep(sum));
  Effects(mutations_.size() - 1);
  return Status::Ok();
}

// Large sets mostly come in the order of their keys: then no place is searched for.
void WriteSet::Decide(std::string_view key, std::optional<std::string_view> value) {
  keys_.insert_or_assign(keys_.end(), key, value);
}

void WriteSet::Effects(size_t index) {
  const Mutation& m = mutations_[index];
  const std::string_view key = AsText(m.key);
  switch (m.op) {
    case Mutation::Op::kPut:
    case Mutation::Op::kPutStampedKey:
    case Mutation::Op::kPutStampedValue: Decide(key, AsText(m.value)); break;
    case Mutation::Op::kAdd: Decide(key, sums_[index]); break;
    case Mutation::Op::kDelete: Decide(key, std::nullopt); break;
    case Mutation::Op::kDeleteRange: {
      const std::string_view end = AsText(m.value);
      if (RangeEmpty(key, end)) break;
      auto first = keys_.lower_bound(key);
      auto last = end.empty() ? keys_.end() : keys_.lower_bound(end);
      keys_.erase(first, last);
      deleted_.Add(key, end);
      break;
    }
  }
}

WriteSet::Effect WriteSet::Find(std::string_view key) const {
  if (auto at = keys_.find(key); at != keys_.end()) return {true, at->second};
  return {deleted_.Contains(key), std::nullopt};
}

void WriteSet::Truncate(size_t size) {
  mutations_.resize(size);
  sums_.resize(size);
  keys_.clear();
  nodes_.release();
  deleted_.Clear();
  for (size_t i = 0; i < size; ++i) Effects(i);
}

std::unique_ptr<RowSource> WriteSet::Rows(std::string_view begin, std::string_view end) const {
  if (keys_.empty()) return nullptr;
  std::vector<OwnRows::Own> rows;
  for (auto at = keys_.lower_bound(begin); at != keys_.end() && BeforeEnd(at->first, end); ++at) {
    rows.push_back({at->first, at->second});
  }
  if (rows.empty()) return nullptr;
  return std::make_unique<OwnRows>(std::move(rows));
}

std::vector<Tombstone> WriteSet::Deletes(std::string_view begin, std::string_view end) const {
  std::vector<Tombstone> deletes;
  for (const auto& [low, high] : deleted_) {
    if (!RangesOverlap(low, high, begin, end)) continue;
    deletes.push_back({low, high, kOwnDeleteSequence});
  }
  return deletes;
}

}  // namespace nexadb::lsm
