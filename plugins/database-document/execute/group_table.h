// GroupTable: numbers for distinct values, given in the order that they first come. Values that
// MongoDB's $group holds equal (1 and 1.0, null and missing) have one number. An open-addressed
// table over short canonical keys: the text of a string, 8 bytes of an integer, for anything else
// the order-preserving encoding. One thread at a time; throws bad_alloc only.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nexadb/bson.h"

namespace nexadb::query {

class Collation;

// The canonical key of a value. Borrows from the value, or from `scratch`.
struct GroupKey {
  // Values of different kinds are never equal, but for numbers: an integer is always kInteger.
  enum class Kind : uint8_t { kText, kInteger, kEncoded };
  Kind kind = Kind::kEncoded;
  std::string_view bytes;
  uint64_t hash = 0;

  // REQUIRES: both outlive the key. `integer` and `scratch` hold what is not the value's own.
  static GroupKey Of(const bson::Value& value, const Collation* collation, int64_t* integer,
                     std::string* scratch);
};

class GroupTable {
 public:
  static constexpr uint32_t kNone = ~uint32_t{0};

  uint32_t size() const { return static_cast<uint32_t>(keys_.size()); }
  // About what the table takes in memory for each key, beside its bytes.
  static constexpr size_t kKeyOverhead = 48;

  // The value's number, or kNone.
  uint32_t Find(const GroupKey& key) const;
  // Gives the value the next number. REQUIRES: Find gave kNone.
  uint32_t Add(const GroupKey& key);
  uint64_t HashOf(uint32_t number) const { return keys_[number].hash; }
  // Borrowed until the next Add.
  GroupKey KeyOf(uint32_t number) const;

 private:
  struct Key {
    uint64_t hash;
    uint64_t offset;  // of its bytes
    uint32_t size;
    GroupKey::Kind kind;
  };
  struct Slot {
    uint32_t tag = 0;  // high bits of the hash
    uint32_t number = kNone;
  };
  void Grow();
  void Place(uint64_t hash, uint32_t number);

  std::vector<Slot> slots_;  // a power of two of them, half full at most
  std::vector<Key> keys_;
  std::string bytes_;
};

}  // namespace nexadb::query
