// TableReader: one open sorted table. Its index, filter and tombstones stay in memory; data blocks
// come through the block cache. Immutable, so any thread reads it. [any]
#pragma once
#include <memory>
#include <string>

#include "plugins/storage-lsm/table/block_cache.h"
#include "plugins/storage-lsm/table/table_format.h"
#include "plugins/storage-lsm/tombstones/range_tombstones.h"

namespace nexadb::lsm {

// Whether a read may go to the disk.
enum class ReadMode : uint8_t { kBlocking, kMemoryOnly };
// Whether blocks that a read brings in stay: a compaction's need not.
enum class CacheMode : uint8_t { kKeep, kPassThrough };

// One entry, and the block that keeps it.
struct FoundEntry {
  Ref<Block> block;
  std::string_view value;
  Sequence sequence = 0;
  Kind kind = Kind::kDelete;
};

class TableReader {
 public:
  // `cache` and `vault` outlive the reader; no vault: plain tables alone. kPermissionDenied: the
  // table's master key is not there.
  static Result<std::unique_ptr<TableReader>> Open(FileSystem& files, std::string path,
                                                   uint64_t number, uint64_t file_bytes,
                                                   BlockCache& cache, const Vault* vault = nullptr);
  // Stands for a table that cannot be opened: every read of it answers `damage`. `claimed`: what
  // the manifest says of it.
  static std::unique_ptr<TableReader> Damaged(std::string path, const Footer& claimed,
                                              BlockCache& cache, Status damage);
  ~TableReader();
  const Status& damage() const { return damage_; }

  // The newest entry of `key` at or below `snapshot`; false when the table has none.
  // `hash` is BloomHash(key). kWouldBlock in kMemoryOnly.
  Result<bool> Find(std::string_view key, uint64_t hash, Sequence snapshot, ReadMode mode,
                    FoundEntry* found) const;
  // Find in steps, so that for many keys the waits for memory fall together. MayHold: false only
  // when the table has no entry of the key. FindFrom goes on from `block`, FindBlock's answer,
  // which is loaded already.
  void PrefetchFilter(uint64_t hash) const;
  bool MayHold(uint64_t hash) const;
  void PrefetchSlot(uint32_t block) const {
    if (block < blocks() && index_) slots_[block].PrefetchSlot();
  }
  Result<bool> FindFrom(uint32_t block, Ref<Block> loaded, std::string_view key, Sequence snapshot,
                        ReadMode mode, FoundEntry* found) const;
  const RangeTombstones& tombstones() const { return tombstones_; }

  // A damaged table has one, which cannot be loaded: whoever looks into the table meets the damage.
  uint32_t blocks() const { return index_ ? index_->rows() : damage_.ok() ? 0 : 1; }
  // The first block that may hold `key` or a later one; blocks() for none.
  uint32_t FindBlock(std::string_view key) const {
    return index_ ? index_->Seek(key, kOwnWriteSequence) : 0;
  }
  BlockHandle HandleOf(uint32_t block) const;
  // At or behind the block's last key, before the next block's first.
  std::string_view IndexKeyOf(uint32_t block) const { return index_->KeyAt(block); }
  uint64_t RowsOf(uint32_t block) const;
  Status Load(uint32_t block, ReadMode mode, CacheMode cache, Ref<Block>* out) const;
  // The block as it stands in the file, checked, for another plain table. REQUIRES: !encrypted().
  Status LoadStored(uint32_t block, StoredBlock* out) const {
    return ReadStoredBlock(*file_, path_, number_, HandleOf(block), BlockKind::kData, out);
  }
  bool encrypted() const { return cipher_ != nullptr; }
  // `block` will be loaded soon: begins to bring it from memory, if it is cached.
  void Prefetch(uint32_t block) const {
    if (block < blocks() && index_) slots_[block].Prefetch();
  }
  // Reads every block from the disk and checks it.
  Status Verify() const;
  const Footer& footer() const { return footer_; }
  const std::string& path() const { return path_; }

 private:
  TableReader(Handle<File> file, std::string path, uint64_t number, BlockCache& cache,
              const Vault* vault)
      : file_(std::move(file)),
        path_(std::move(path)),
        number_(number),
        cache_(cache),
        vault_(vault) {}
  Status Load(uint64_t file_bytes);
  Status LoadIndex();
  Status CheckFooter() const;
  // The table's cipher from the envelope in front of its footer.
  Result<std::unique_ptr<FileCipher>> OpenEnvelope(BytesView footer, uint64_t footer_at) const;
  Status ReadSealed(const BlockHandle& handle, BlockKind kind,
                    std::unique_ptr<uint8_t[]>* out) const {
    return ReadBlock(*file_, path_, number_, handle, kind, out, cipher_.get());
  }
  Result<Ref<Block>> ReadData(const BlockHandle& handle, SlabPool* pool) const;
  std::string_view Filter() const {
    return {reinterpret_cast<const char*>(filter_.get()), footer_.filter.raw};
  }

  Handle<File> file_;
  const std::string path_;
  const uint64_t number_;
  BlockCache& cache_;
  const Vault* const vault_;
  std::unique_ptr<FileCipher> cipher_;  // null: plain
  Footer footer_;
  Status damage_;  // then there is no index
  Ref<Block> index_;
  std::unique_ptr<uint8_t[]> filter_;
  RangeTombstones tombstones_;
  std::unique_ptr<CacheSlot[]> slots_;  // one for each block
  int64_t charged_ = 0;
};

}  // namespace nexadb::lsm
