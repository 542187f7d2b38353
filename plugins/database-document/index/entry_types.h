// EntryTypes: what the key of an index's entry does not tell of its document, so that what the
// index holds can be given without reading the document (index/entry_reader.h): which of the types
// that have equal keys its values and its _id have, and in which order they stand. It stands
// before the document's key in the entry's value, and most often it is empty: every number has the
// narrowest type that holds it, and the fields come in the order of the index. FORMAT.md has the
// bits. Only indexes that say so in the catalog (IndexEntry::types) have it.
//
// For one entry, by one thread.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "nexadb/bson.h"
#include "plugins/database-document/catalog/entry.h"
#include "plugins/database-document/value/key_decoding.h"

namespace nexadb::database {

class EntryTypes {
 public:
  // The bits of more parts than this do not fit.
  static constexpr size_t kPartsMax = 10;
  // Whether entries of such an index can tell what they hold: not those of wildcards, nor of
  // collations, which keep no strings.
  static bool Fit(const IndexEntry& index);

  // The value of each part, in the key's order. They borrow from one document. REQUIRES: there are
  // no more than kPartsMax, and none is or lies in an array.
  void Add(const bson::Value& value);
  // Appends what comes before the document's key.
  void AppendTo(bson::Document document, std::string* out) const;

  // The way back. False: the entry alone does not tell, the document has to be read. `value` is an
  // entry's.
  bool Decode(std::string_view value, size_t parts);
  query::KeyLoss id() const { return id_; }
  query::KeyLoss of(size_t part) const { return losses_[part]; }
  // How many of the parts before it in the key come behind it in the document.
  uint8_t behind(size_t part) const { return behind_[part]; }

 private:
  query::KeyLoss id_ = query::KeyLoss::kNothing;
  std::array<query::KeyLoss, kPartsMax> losses_{};
  std::array<uint8_t, kPartsMax> behind_{};
  std::array<const uint8_t*, kPartsMax> places_;  // in the document; as many as parts_
  const uint8_t* last_place_ = nullptr;
  size_t parts_ = 0;
};

// No encoding of an _id begins with a byte below this one: there a value's types are counted.
constexpr uint8_t kOwnerTagMin = 0x08;
// Of an entry's value: the key of the document that it belongs to, behind the collection's prefix.
inline std::string_view EntryOwner(std::string_view value) {
  const size_t first = value.empty() ? 0 : static_cast<uint8_t>(value[0]);
  if (value.empty() || first >= kOwnerTagMin) return value;
  return value.substr(std::min(1 + first, value.size()));
}
// What comes before it.
inline std::string_view EntryTypesIn(std::string_view value) {
  return value.substr(0, value.size() - EntryOwner(value).size());
}

}  // namespace nexadb::database
