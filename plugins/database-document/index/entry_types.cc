#include "plugins/database-document/index/entry_types.h"

#include <algorithm>
#include <bit>

#include "plugins/database-document/index/wildcard.h"

namespace nexadb::database {

namespace {

constexpr unsigned kLossBits = 2;

// Of a number up to `part`: so many parts come before it in the key.
unsigned BehindBits(size_t part) { return static_cast<unsigned>(std::bit_width(part)); }

constexpr unsigned BitsOf(size_t parts) {
  unsigned bits = kLossBits;
  for (size_t i = 0; i < parts; ++i) bits += kLossBits + static_cast<unsigned>(std::bit_width(i));
  return bits;
}
static_assert(BitsOf(EntryTypes::kPartsMax) <= 8 * (kOwnerTagMin - 1));

}  // namespace

bool EntryTypes::Fit(const IndexEntry& index) {
  return index.collation == nullptr && index.key().CountElements() <= kPartsMax &&
         !Wildcard::Of(index);
}

void EntryTypes::Add(const bson::Value& value) {
  // What is missing counts as behind all so far.
  const uint8_t* place = value ? value.bytes().data() : last_place_;
  uint8_t behind = 0;
  if (place < last_place_) {
    behind = static_cast<uint8_t>(
        std::count_if(places_.begin(), places_.begin() + static_cast<ptrdiff_t>(parts_),
                      [&](const uint8_t* other) { return other > place; }));
  }
  last_place_ = std::max(last_place_, place);
  places_[parts_] = place;
  behind_[parts_] = behind;
  losses_[parts_++] = query::KeyLossOf(value);
}

void EntryTypes::AppendTo(bson::Document document, std::string* out) const {
  const bson::Element id = *document.begin();
  if (id.name() != "_id") {
    // Given first by whoever makes a document of the entry.
    out->push_back('\0');
    return;
  }
  auto bits = static_cast<uint64_t>(query::KeyLossOf(id.value()));
  unsigned at = kLossBits;
  for (size_t i = 0; i < parts_; ++i) {
    bits |= static_cast<uint64_t>(losses_[i]) << at;
    at += kLossBits;
    bits |= static_cast<uint64_t>(behind_[i]) << at;
    at += BehindBits(i);
  }
  if (bits == 0) return;
  const auto bytes = static_cast<size_t>(std::bit_width(bits) + 7) / 8;
  out->push_back(static_cast<char>(bytes));
  for (size_t i = 0; i < bytes; ++i) out->push_back(static_cast<char>(bits >> (8 * i)));
}

bool EntryTypes::Decode(std::string_view value, size_t parts) {
  *this = EntryTypes();
  parts_ = parts;
  const std::string_view types = EntryTypesIn(value);
  if (types.empty()) return true;
  if (types.size() == 1) return false;
  uint64_t bits = 0;
  for (size_t i = types.size() - 1; i >= 1; --i) bits = bits << 8 | static_cast<uint8_t>(types[i]);
  const auto take = [&](unsigned count) {
    const uint64_t taken = bits & ((uint64_t{1} << count) - 1);
    bits >>= count;
    return static_cast<uint8_t>(taken);
  };
  id_ = static_cast<query::KeyLoss>(take(kLossBits));
  for (size_t i = 0; i < parts; ++i) {
    losses_[i] = static_cast<query::KeyLoss>(take(kLossBits));
    behind_[i] = take(BehindBits(i));
    if (behind_[i] > i) return false;
  }
  return true;
}

}  // namespace nexadb::database
