// KeyList: keys of documents as indexes name them, gathered in any order, given in order and each
// once. All of one collection, so they begin with the same bytes, which are kept once. The bytes
// lie one behind the other; sorting compares the first eight of each, which mostly decide. One
// thread at a time.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/database-document/plan/access_path.h"
#include "plugins/database-document/plan/key_batch.h"

namespace nexadb::database {

class KeyList {
 public:
  // `prefix`: what every key begins with.
  explicit KeyList(std::string prefix) : prefix_(std::move(prefix)) {}

  // Of bytes(); a place among them has 32 bits, and one batch of keys may still come.
  static constexpr size_t kBytesMax = size_t{1} << 31;

  // `rest`: the key behind the prefix. REQUIRES: bytes() was below kBytesMax a batch ago.
  void Add(std::string_view rest);
  // The same with what an entry knows of the document; nothing: the document has to be read.
  void AddWith(std::string_view rest, std::string_view document);
  // What was added with a key. REQUIRES: all were added so.
  std::string_view DocumentAt(size_t i) const;
  // Increasing from now on, and each once.
  void Sort();
  size_t size() const { return keys_.size(); }
  size_t bytes() const { return bytes_.size() + keys_.capacity() * sizeof(Key); }
  // The whole key.
  std::string At(size_t i) const { return prefix_ + std::string(RestOf(keys_[i])); }
  void CopyTo(KeyBatch* keys, size_t i) const { keys->Add(prefix_, RestOf(keys_[i])); }
  // How many keys are below `key`, a whole one. REQUIRES: sorted.
  size_t CountBelow(std::string_view key) const;
  // How many come up to `key`, and are it, in this direction. REQUIRES: sorted.
  size_t CountUpTo(std::string_view key, ScanDirection direction) const;

 private:
  struct Key {
    uint64_t head = 0;  // the first bytes, big-endian
    uint32_t begin = 0, size = 0;
  };
  std::string_view RestOf(const Key& key) const {
    return std::string_view(bytes_).substr(key.begin, key.size);
  }
  bool Less(const Key& a, const Key& b) const {
    return a.head != b.head ? a.head < b.head : RestOf(a) < RestOf(b);
  }

  std::string prefix_;
  std::string bytes_;
  std::vector<Key> keys_;
};

}  // namespace nexadb::database
