#include "plugins/database-document/execute/group_table.h"

#include <cstring>

#include "plugins/database-document/value/key_encoding.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

constexpr size_t kSlotsMin = 64;
constexpr int kTagShift = 32;

// Multiply and fold, as wyhash does (Wang Yi, https://github.com/wangyi-fudan/wyhash).
uint64_t Mix(uint64_t a, uint64_t b) {
  __extension__ typedef unsigned __int128 Wide;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// Where the program lies is chosen anew at each start, so nobody can prepare values that collide.
uint64_t Seed() {
  static const char kAnchor = 0;
  return reinterpret_cast<uintptr_t>(&kAnchor) * 0x9E3779B97F4A7C15ull;
}

uint64_t Hash(std::string_view bytes, uint64_t kind) {
  constexpr uint64_t kOdd = 0xA0761D6478BD642Full;
  constexpr uint64_t kOther = 0xE7037ED1A0B428DBull;
  uint64_t hash = Seed() ^ Mix(bytes.size() + kOdd, kind + kOther);
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= sizeof(uint64_t); at += sizeof(uint64_t), left -= sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, at, sizeof(word));
    hash = Mix(hash ^ word, kOdd);
  }
  uint64_t tail = 0;
  for (size_t i = 0; i < left; ++i) tail |= uint64_t{static_cast<uint8_t>(at[i])} << (8 * i);
  return Mix(hash ^ tail, kOther);
}

}  // namespace

GroupKey GroupKey::Of(const bson::Value& value, const Collation* collation, int64_t* integer,
                      std::string* scratch) {
  GroupKey key;
  const bool text = value.type() == bson::Type::kString || value.type() == bson::Type::kSymbol;
  if (text && collation == nullptr) {
    key.kind = Kind::kText;
    key.bytes = value.Text();
  } else if (const auto exact = value.IsNumber() ? ExactInt64(value) : std::nullopt) {
    *integer = *exact;
    key.kind = Kind::kInteger;
    key.bytes = {reinterpret_cast<const char*>(integer), sizeof(*integer)};
  } else {
    scratch->clear();
    AppendKey(value, collation, scratch);
    key.bytes = *scratch;
  }
  key.hash = Hash(key.bytes, static_cast<uint64_t>(key.kind));
  return key;
}

uint32_t GroupTable::Find(const GroupKey& key) const {
  if (slots_.empty()) return kNone;
  const size_t mask = slots_.size() - 1;
  const auto tag = static_cast<uint32_t>(key.hash >> kTagShift);
  for (size_t at = key.hash & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.number == kNone) return kNone;
    if (slot.tag != tag) continue;
    const Key& known = keys_[slot.number];
    if (known.kind != key.kind || known.size != key.bytes.size()) continue;
    if (std::memcmp(bytes_.data() + known.offset, key.bytes.data(), known.size) == 0) {
      return slot.number;
    }
  }
}

uint32_t GroupTable::Add(const GroupKey& key) {
  if ((keys_.size() + 1) * 2 > slots_.size()) Grow();
  const uint32_t number = size();
  keys_.push_back({key.hash, bytes_.size(), static_cast<uint32_t>(key.bytes.size()), key.kind});
  bytes_.append(key.bytes);
  Place(key.hash, number);
  return number;
}

GroupKey GroupTable::KeyOf(uint32_t number) const {
  const Key& key = keys_[number];
  return {key.kind, std::string_view(bytes_).substr(key.offset, key.size), key.hash};
}

void GroupTable::Place(uint64_t hash, uint32_t number) {
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  while (slots_[at].number != kNone) at = (at + 1) & mask;
  slots_[at] = {static_cast<uint32_t>(hash >> kTagShift), number};
}

void GroupTable::Grow() {
  slots_.assign(std::max(kSlotsMin, slots_.size() * 2), Slot());
  for (uint32_t number = 0; number < size(); ++number) Place(keys_[number].hash, number);
}

}  // namespace nexadb::query
