#include "plugins/storage-lsm/table/block.h"

#include <algorithm>
#include <cstring>

namespace nexadb::lsm {
namespace {

using base::LoadLittle;
using base::PutLittle;

constexpr uint8_t kHasKinds = 1;
constexpr size_t kCacheLineBytes = 64;
// Columns up to this length are fetched ahead of a lookup: those of a data block of the default
// size and rows of a hundred bytes. An index's are longer, and stay in the cache by themselves.
constexpr ptrdiff_t kPrefetchBytesMax = 1280;

uint8_t SequenceWidth(Sequence spread) {
  if (spread == 0) return 0;
  if (spread <= 0xff) return 1;
  if (spread <= 0xffff) return 2;
  return spread <= 0xffffffff ? 4 : 8;
}

uint8_t OffsetWidth(size_t size) { return size <= 0xffff ? 2 : 4; }

void PutWidth(std::string& out, uint64_t value, uint8_t width) {
  char bytes[8];
  base::StoreLittle<uint64_t>(reinterpret_cast<uint8_t*>(bytes), value);
  out.append(bytes, width);
}

}  // namespace

void BlockBuilder::Add(std::string_view key, Sequence sequence, Kind kind, std::string_view value) {
  keys_.append(key);
  values_.append(value);
  rows_.push_back(
      {static_cast<uint32_t>(keys_.size()), static_cast<uint32_t>(values_.size()), sequence, kind});
}

void BlockBuilder::Finish(std::string& out) {
  Sequence low = rows_[0].sequence;
  Sequence high = low;
  bool puts_only = true;
  for (const RowInfo& row : rows_) {
    low = std::min(low, row.sequence);
    high = std::max(high, row.sequence);
    puts_only = puts_only && row.kind == Kind::kPut;
  }
  // Keys are sorted, so what the outermost share all share.
  const size_t prefix = SharedPrefix(KeyAt(0), last_key());
  const uint8_t sequence_width = SequenceWidth(high - low);
  const uint8_t key_width = OffsetWidth(keys_.size());
  const uint8_t value_width = OffsetWidth(values_.size());
  PutLittle(out, static_cast<uint32_t>(rows_.size()));
  PutLittle(out, key_width);
  PutLittle(out, value_width);
  PutLittle(out, sequence_width);
  PutLittle(out, puts_only ? uint8_t{0} : kHasKinds);
  PutLittle(out, static_cast<uint32_t>(keys_.size()));
  PutLittle(out, static_cast<uint32_t>(values_.size()));
  PutLittle(out, low);
  PutLittle(out, static_cast<uint32_t>(prefix));
  PutLittle(out, uint32_t{0});
  for (size_t i = 0; i < rows_.size(); ++i) PutLittle(out, KeyHead(KeyAt(i), prefix));
  for (const RowInfo& row : rows_) PutWidth(out, row.sequence - low, sequence_width);
  for (const RowInfo& row : rows_) PutWidth(out, row.key_end, key_width);
  for (const RowInfo& row : rows_) PutWidth(out, row.value_end, value_width);
  if (!puts_only) {
    for (const RowInfo& row : rows_) out.push_back(static_cast<char>(row.kind));
  }
  out.append(keys_).append(values_);
  keys_.clear();
  values_.clear();
  rows_.clear();
}

Ref<Block> Block::Parse(std::unique_ptr<uint8_t[]> bytes, size_t size, SlabPool* pool) {
  void* chunk = pool == nullptr ? nullptr : pool->Allocate(sizeof(Block) + size);
  Ref<Block> block(chunk == nullptr ? new Block : new (chunk) Block);
  if (chunk == nullptr) {
    block->bytes_ = bytes.release();
  } else {
    auto* copy = reinterpret_cast<uint8_t*>(block.get() + 1);
    std::memcpy(copy, bytes.get(), size);
    block->bytes_ = copy;
    block->in_slab_ = true;
  }
  block->size_ = size;
  if (!block->ParseHeader() || !block->CheckRows()) return {};
  return block;
}

void Block::operator delete(Block* block, std::destroying_delete_t) noexcept {
  const bool in_slab = block->InSlab();
  if (!in_slab) delete[] block->bytes_;
  block->~Block();
  if (in_slab) {
    SlabPool::Free(block);
  } else {
    ::operator delete (block, std::align_val_t{alignof(Block)});
  }
}

bool Block::ParseHeader() {
  const uint8_t* p = bytes_;
  if (size_ < kBlockHeaderBytes) return false;
  rows_ = LoadLittle<uint32_t>(p);
  key_width_ = p[4];
  value_width_ = p[5];
  sequence_width_ = p[6];
  const uint8_t flags = p[7];
  keys_size_ = LoadLittle<uint32_t>(p + 8);
  values_size_ = LoadLittle<uint32_t>(p + 12);
  sequence_base_ = LoadLittle<uint64_t>(p + 16);
  prefix_ = LoadLittle<uint32_t>(p + 24);
  auto offset_width = [](uint8_t w) { return w == 2 || w == 4; };
  const uint8_t w = sequence_width_;
  if (rows_ == 0 || !offset_width(key_width_) || !offset_width(value_width_)) return false;
  if (w > 8 || (w & (w - 1)) != 0 || flags > kHasKinds) return false;
  const uint64_t row_bytes = uint64_t{8} + w + key_width_ + value_width_ + (flags & kHasKinds);
  if (size_ != kBlockHeaderBytes + rows_ * row_bytes + keys_size_ + values_size_) return false;
  heads_ = p + kBlockHeaderBytes;
  sequences_ = heads_ + size_t{rows_} * 8;
  key_ends_ = sequences_ + size_t{rows_} * w;
  value_ends_ = key_ends_ + size_t{rows_} * key_width_;
  const uint8_t* kinds = value_ends_ + size_t{rows_} * value_width_;
  kinds_ = (flags & kHasKinds) != 0 ? kinds : nullptr;
  keys_ = kinds + (kinds_ != nullptr ? rows_ : 0);
  values_ = keys_ + keys_size_;
  return true;
}

bool Block::CheckRows() const {
  uint32_t key_end = 0;
  uint32_t value_end = 0;
  for (uint32_t i = 0; i < rows_; ++i) {
    const uint32_t key_next = Offset(key_ends_, key_width_, i);
    const uint32_t value_next = Offset(value_ends_, value_width_, i);
    if (key_next < key_end || value_next < value_end) return false;
    if (key_next - key_end < prefix_) return false;
    key_end = key_next;
    value_end = value_next;
    if (kinds_ == nullptr) continue;
    const Kind kind = static_cast<Kind>(kinds_[i]);
    if (kind != Kind::kPut && kind != Kind::kDelete && kind != Kind::kSum) return false;
  }
  return key_end == keys_size_ && value_end == values_size_;
}

Sequence Block::SequenceAt(uint32_t row) const {
  const uint8_t* p = sequences_ + size_t{row} * sequence_width_;
  switch (sequence_width_) {
    case 0: return sequence_base_;
    case 1: return sequence_base_ + *p;
    case 2: return sequence_base_ + LoadLittle<uint16_t>(p);
    case 4: return sequence_base_ + LoadLittle<uint32_t>(p);
    default: return sequence_base_ + LoadLittle<uint64_t>(p);
  }
}

// Without branches that depend on the data: the processor would mispredict every second one.
uint32_t Block::SeekHead(uint32_t low, uint64_t head) const {
  uint32_t left = rows_ - low;
  while (left > 0) {
    const uint32_t half = (left + 1) / 2;
    low += HeadAt(low + half - 1) < head ? half : 0;
    left -= half;
  }
  return low;
}

// They come all at once instead of one after the other.
void Block::PrefetchColumns() const {
  if (keys_ - heads_ > kPrefetchBytesMax) return;
  for (const uint8_t* p = heads_; p <= keys_; p += kCacheLineBytes) __builtin_prefetch(p);
}

uint32_t Block::Seek(std::string_view key, Sequence sequence) const {
  PrefetchColumns();
  const std::string_view prefix = KeyAt(0).substr(0, prefix_);
  const int order = key.substr(0, prefix_).compare(prefix);
  if (order != 0) return order < 0 ? 0 : rows_;
  const uint64_t head = KeyHead(key, prefix_);
  uint32_t low = SeekHead(0, head);
  if (low == rows_ || HeadAt(low) != head) return low;
  // Equal heads decide nothing: whole keys do, among those few.
  uint32_t high = head == ~uint64_t{0} ? rows_ : SeekHead(low, head + 1);
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    const int order_at = KeyAt(middle).compare(key);
    if (order_at < 0 || (order_at == 0 && SequenceAt(middle) > sequence)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace nexadb::lsm
