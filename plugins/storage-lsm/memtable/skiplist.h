// SkipList: entries in order, one writer, readers without locks (Pugh, 1990).
//
// Thread safety: one thread inserts at a time; any number read meanwhile, without waiting. Nodes
// are never moved or freed before the list.
// Invariants:
//  1. A node's fields but next[] never change once a reader can reach it.
//  2. next[] changes by release stores and is read by acquire loads, so a reader that sees a node
//     sees all of it.
//  3. Each node carries 8 bytes of its key as a number that never orders two keys wrongly: those
//     behind the prefix that the list was told to expect, for keys that have it. Keys of one
//     collection begin alike, so that without it most comparisons would need the keys themselves.
#pragma once
#include <atomic>
#include <string>
#include <string_view>

#include "core/base/prng.h"
#include "plugins/storage-lsm/format/key.h"
#include "plugins/storage-lsm/memtable/arena.h"

namespace nexadb::lsm {

// What keys between two others will begin with, short of a few bytes, so that it fits keys a little
// outside as well.
std::string_view ExpectedPrefix(std::string_view first, std::string_view last);

class SkipList {
 public:
  // A quarter of the nodes reach each next level; 4^12 nodes are more than a memtable holds.
  static constexpr int kHeightMax = 12;
  static constexpr uint64_t kBranching = 4;

  struct Node {
    uint64_t head;
    Sequence sequence;
    uint32_t key_size;
    uint32_t value_size;
    Kind kind;
    uint8_t height;
    // Then: next[height], the key, the value.
    std::atomic<Node*>* next() noexcept { return reinterpret_cast<std::atomic<Node*>*>(this + 1); }
    const std::atomic<Node*>* next() const noexcept {
      return reinterpret_cast<const std::atomic<Node*>*>(this + 1);
    }
    Node* Next(int level) const noexcept { return next()[level].load(std::memory_order_acquire); }
    std::string_view key() const noexcept {
      return {reinterpret_cast<const char*>(next() + height), key_size};
    }
    std::string_view value() const noexcept {
      return {reinterpret_cast<const char*>(next() + height) + key_size, value_size};
    }
  };

  // `prefix`: what most keys will begin with, as SharedPrefix of an earlier list tells.
  explicit SkipList(std::string prefix = {});
  SkipList(const SkipList&) = delete;
  SkipList& operator=(const SkipList&) = delete;

  // REQUIRES: no entry with this key and sequence yet.
  void Insert(std::string_view key, Sequence sequence, Kind kind, std::string_view value) {
    Node* node = Prepare(key, sequence, kind, value);
    Link({&node, 1});
  }
  // The same for several entries at once, which costs far less for each: an insertion is a row of
  // waits for memory, and those of several searches pass together. Prepare makes a node that no
  // reader sees yet; Link takes up to kLinkedMax of them.
  static constexpr size_t kLinkedMax = 16;
  Node* Prepare(std::string_view key, Sequence sequence, Kind kind, std::string_view value);
  void Link(Span<Node* const> nodes);

  // The first entry at or after (key, sequence): of this key not newer than `sequence`, or of a
  // later key. Null past the end.
  const Node* Seek(std::string_view key, Sequence sequence) const;
  // The last entry whose key is below `end` (empty: the last of all), or null.
  const Node* SeekBack(std::string_view end) const;
  // The entry before `node`, or null.
  const Node* Before(const Node* node) const;
  const Node* First() const { return root_->Next(0); }

  // How many entries lie in [begin, end), about: exact when they are few.
  uint64_t Estimate(std::string_view begin, std::string_view end) const;

  // ExpectedPrefix of the first key and the last. [writer]
  std::string SharedPrefix() const;

  size_t bytes() const { return arena_.bytes(); }

 private:
  struct Descent;

  uint64_t HeadOf(std::string_view key) const;
  // Puts `node` behind `before`, where its neighbours have been found.
  void Splice(Node* node, Node* const* before);
  Node* NewNode(int height, std::string_view key, std::string_view value);
  int RandomHeight();

  const std::string prefix_;
  Arena arena_;
  base::Prng prng_{0x5eed};
  std::atomic<int> height_{1};
  Node* root_;
  // The last node of each level: keys that arrive in order are appended without a search.
  Node* tails_[kHeightMax];
};

}  // namespace nexadb::lsm
