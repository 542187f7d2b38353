// Block: a run of entries as columns, so that any row is found by its number.
//
//   header 32 B | heads u64[n] | sequence deltas | key ends | value ends | kinds | keys | values
//
// A head is the first 8 bytes behind the prefix that all keys share; a search compares heads and
// touches keys only among equal ones. Keys stand whole and together, so a row is two views into
// the block. Widths of the columns are chosen for each block. FORMAT.md has the offsets.
#pragma once
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/storage-lsm/format/key.h"
#include "plugins/storage-lsm/table/slab_pool.h"
#include "plugins/storage-lsm/util/pinned.h"

namespace nexadb::lsm {

constexpr size_t kBlockHeaderBytes = 32;

// Collects rows in entry order and lays the block out. [serial]
class BlockBuilder {
 public:
  void Add(std::string_view key, Sequence sequence, Kind kind, std::string_view value);
  // About the size that Finish would give.
  size_t EstimateBytes() const {
    return kBlockHeaderBytes + keys_.size() + values_.size() + rows_.size() * kRowBytes;
  }
  size_t rows() const { return rows_.size(); }
  bool empty() const { return rows_.empty(); }
  // The last key added. REQUIRES: !empty().
  std::string_view last_key() const { return KeyAt(rows_.size() - 1); }
  // Appends the block to `out` and starts the next one. REQUIRES: !empty().
  void Finish(std::string& out);

 private:
  static constexpr size_t kRowBytes = 20;
  struct RowInfo {
    uint32_t key_end;
    uint32_t value_end;
    Sequence sequence;
    Kind kind;
  };
  std::string_view KeyAt(size_t row) const {
    const size_t start = row == 0 ? 0 : rows_[row - 1].key_end;
    return std::string_view(keys_).substr(start, rows_[row].key_end - start);
  }

  std::string keys_;
  std::string values_;
  std::vector<RowInfo> rows_;
};

// A parsed block and its memory; shared, immutable.
// A lookup reads most of its members: they share a pair of cache lines, which come together.
class alignas(128) Block : public Pinned<Block> {
 public:
  // Takes the raw bytes over and checks their structure: afterwards no row leads outside of them,
  // whatever they hold. Null when they are malformed. With a pool that has room the block is a
  // chunk of it, its bytes copied behind it.
  static Ref<Block> Parse(std::unique_ptr<uint8_t[]> bytes, size_t size, SlabPool* pool = nullptr);
  static void operator delete(Block* block, std::destroying_delete_t) noexcept;

  uint32_t rows() const { return rows_; }
  size_t bytes() const { return size_; }
  // What it takes, with itself and what its memory's allocation rounds up.
  size_t memory_bytes() const {
    return InSlab() ? SlabPool::ChunkBytes(this) : size_ + sizeof(Block);
  }
  bool InSparseSlab() const { return InSlab() && SlabPool::IsSparse(this); }
  std::string_view KeyAt(uint32_t row) const {
    return Slice(keys_, row == 0 ? 0 : Offset(key_ends_, key_width_, row - 1),
                 Offset(key_ends_, key_width_, row));
  }
  std::string_view ValueAt(uint32_t row) const {
    return Slice(values_, row == 0 ? 0 : Offset(value_ends_, value_width_, row - 1),
                 Offset(value_ends_, value_width_, row));
  }
  Sequence SequenceAt(uint32_t row) const;
  Kind KindAt(uint32_t row) const {
    return kinds_ == nullptr ? Kind::kPut : static_cast<Kind>(kinds_[row]);
  }
  bool PutsOnly() const { return kinds_ == nullptr; }
  // The lowest sequence of all, and whether each row has it.
  Sequence sequence_min() const { return sequence_base_; }
  bool OneSequence() const { return sequence_width_ == 0; }
  // Asks for the columns that Seek goes through.
  void PrefetchColumns() const;
  // The first row at or after (key, sequence); rows() when there is none.
  uint32_t Seek(std::string_view key, Sequence sequence) const;

 private:
  Block() = default;
  ~Block() = default;
  // A slab's block has its bytes behind itself.
  bool InSlab() const { return in_slab_; }
  bool ParseHeader();
  bool CheckRows() const;
  uint64_t HeadAt(uint32_t row) const {
    return base::LoadLittle<uint64_t>(heads_ + row * size_t{8});
  }
  // The first row of [low, rows()) whose head is not below `head`.
  uint32_t SeekHead(uint32_t low, uint64_t head) const;
  static uint32_t Offset(const uint8_t* column, uint8_t width, uint32_t row) {
    if (width == 2) return base::LoadLittle<uint16_t>(column + size_t{row} * 2);
    return base::LoadLittle<uint32_t>(column + size_t{row} * 4);
  }
  static std::string_view Slice(const uint8_t* base, uint32_t begin, uint32_t end) {
    return {reinterpret_cast<const char*>(base) + begin, end - begin};
  }

  const uint8_t* bytes_ = nullptr;  // owned
  size_t size_ = 0;
  uint32_t rows_ = 0;
  uint32_t prefix_ = 0;
  uint8_t key_width_ = 0;
  uint8_t value_width_ = 0;
  uint8_t sequence_width_ = 0;
  bool in_slab_ = false;  // an allocator may put bytes of their own right behind the block too
  Sequence sequence_base_ = 0;
  uint32_t keys_size_ = 0;
  uint32_t values_size_ = 0;
  const uint8_t* heads_ = nullptr;
  const uint8_t* sequences_ = nullptr;
  const uint8_t* key_ends_ = nullptr;
  const uint8_t* value_ends_ = nullptr;
  const uint8_t* kinds_ = nullptr;
  const uint8_t* keys_ = nullptr;
  const uint8_t* values_ = nullptr;
};

}  // namespace nexadb::lsm
