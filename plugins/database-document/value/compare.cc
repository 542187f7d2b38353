#include "plugins/database-document/value/compare.h"

#include <cmath>
#include <cstring>

#include "plugins/database-document/value/collation.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

template <class T>
int Order(T a, T b) {
  return a < b ? -1 : (a > b ? 1 : 0);
}

int CompareBytes(BytesView a, BytesView b) {
  const size_t common = a.size() < b.size() ? a.size() : b.size();
  const int order = common == 0 ? 0 : std::memcmp(a.data(), b.data(), common);
  return order != 0 ? order : Order(a.size(), b.size());
}

int CompareText(std::string_view a, std::string_view b) { return a.compare(b); }

int CompareBinary(const bson::Value& a, const bson::Value& b) {
  if (const int order = Order(a.Binary().size(), b.Binary().size())) return order;
  if (const int order = Order(a.BinarySubtype(), b.BinarySubtype())) return order;
  return CompareBytes(a.Binary(), b.Binary());
}

uint64_t Mix(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * 0x9E3779B97F4A7C15ull;
  return hash ^ (hash >> 29);
}

uint64_t HashBytes(uint64_t hash, BytesView bytes) {
  size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) hash = Mix(hash, bson::Load<uint64_t>(bytes.data() + at));
  uint64_t tail = bytes.size();
  for (; at < bytes.size(); ++at) tail = tail << 8 | bytes[at];
  return Mix(hash, tail);
}

enum class Names { kCount, kIgnored };

uint64_t HashText(uint64_t hash, std::string_view text, const Collation* collation) {
  if (collation == nullptr) return HashBytes(hash, AsBytes(text));
  std::string key;
  collation->AppendSortKey(text, &key);
  return HashBytes(hash, AsBytes(key));
}

uint64_t HashDocument(uint64_t hash, bson::Document doc, Names names, const Collation* collation) {
  for (const bson::Element& e : doc) {
    if (names == Names::kCount) hash = HashBytes(hash, AsBytes(e.name()));
    hash = Mix(hash, HashValue(e.value(), collation));
  }
  return Mix(hash, 0x5bd1e995);
}

int CompareArrays(bson::Document a, bson::Document b, const Collation* collation) {
  auto x = a.begin();
  auto y = b.begin();
  for (; x != a.end() && y != b.end(); ++x, ++y) {
    if (const int order = CompareValues(x->value(), y->value(), collation)) return order;
  }
  return Order(static_cast<int>(x != a.end()), static_cast<int>(y != b.end()));
}

}  // namespace

int TypeRank(bson::Type type) noexcept {
  switch (type) {
    case bson::Type::kMinKey: return -1;
    case bson::Type::kEnd: return 0;
    case bson::Type::kUndefined: return 1;
    case bson::Type::kNull: return 5;
    case bson::Type::kInt32:
    case bson::Type::kInt64:
    case bson::Type::kDouble:
    case bson::Type::kDecimal128: return 10;
    case bson::Type::kString:
    case bson::Type::kSymbol: return 15;
    case bson::Type::kObject: return 20;
    case bson::Type::kArray: return 25;
    case bson::Type::kBinary: return 30;
    case bson::Type::kObjectId: return 35;
    case bson::Type::kBool: return 40;
    case bson::Type::kDate: return 45;
    case bson::Type::kTimestamp: return 47;
    case bson::Type::kRegex: return 50;
    case bson::Type::kDbPointer: return 55;
    case bson::Type::kCode: return 60;
    case bson::Type::kCodeWithScope: return 65;
    case bson::Type::kMaxKey: return 127;
  }
  return 126;
}

int CompareValues(const bson::Value& a, const bson::Value& b, const Collation* collation) noexcept {
  const int rank = TypeRank(a.type());
  if (const int order = Order(rank, TypeRank(b.type()))) return order;
  switch (a.type()) {
    case bson::Type::kInt32:
    case bson::Type::kInt64:
    case bson::Type::kDouble:
    case bson::Type::kDecimal128: return CompareNumbers(a, b);
    case bson::Type::kString:
    case bson::Type::kSymbol:
      if (collation != nullptr) return collation->Compare(a.Text(), b.Text());
      return CompareText(a.Text(), b.Text());
    case bson::Type::kCode: return CompareText(a.Text(), b.Text());
    case bson::Type::kObject: return CompareDocuments(a.Doc(), b.Doc(), collation);
    case bson::Type::kArray: return CompareArrays(a.Doc(), b.Doc(), collation);
    case bson::Type::kBinary: return CompareBinary(a, b);
    case bson::Type::kObjectId: return CompareBytes(a.ObjectId(), b.ObjectId());
    case bson::Type::kBool: return Order(a.Bool(), b.Bool());
    case bson::Type::kDate: return Order(a.DateMs(), b.DateMs());
    case bson::Type::kTimestamp: return Order(a.Timestamp(), b.Timestamp());
    case bson::Type::kRegex:
      if (const int order = CompareText(a.RegexPattern(), b.RegexPattern())) return order;
      return CompareText(a.RegexFlags(), b.RegexFlags());
    case bson::Type::kDbPointer:
    case bson::Type::kCodeWithScope: return CompareBytes(a.bytes(), b.bytes());
    default: return 0;
  }
}

int CompareDocuments(bson::Document a, bson::Document b, const Collation* collation) noexcept {
  auto x = a.begin();
  auto y = b.begin();
  for (; x != a.end() && y != b.end(); ++x, ++y) {
    if (const int order = Order(TypeRank(x->type()), TypeRank(y->type()))) return order;
    if (const int order = CompareText(x->name(), y->name())) return order;
    if (const int order = CompareValues(x->value(), y->value(), collation)) return order;
  }
  return Order(static_cast<int>(x != a.end()), static_cast<int>(y != b.end()));
}

uint64_t HashValue(const bson::Value& v, const Collation* collation) {
  const uint64_t seed = Mix(0x27d4eb2f, static_cast<uint64_t>(TypeRank(v.type()) + 2));
  switch (v.type()) {
    case bson::Type::kInt32:
    case bson::Type::kInt64:
    case bson::Type::kDouble:
    case bson::Type::kDecimal128: {
      // Equal numbers truncate to equal doubles; unequal ones may collide, which is allowed.
      double d = TruncateToDouble(v);
      if (d == 0) d = 0;  // -0
      if (std::isnan(d)) return Mix(seed, 1);
      return Mix(seed, std::bit_cast<uint64_t>(d));
    }
    case bson::Type::kString:
    case bson::Type::kSymbol: return HashText(seed, v.Text(), collation);
    case bson::Type::kCode: return HashBytes(seed, AsBytes(v.Text()));
    case bson::Type::kObject: return HashDocument(seed, v.Doc(), Names::kCount, collation);
    case bson::Type::kArray: return HashDocument(seed, v.Doc(), Names::kIgnored, collation);
    default: return HashBytes(seed, v.bytes());
  }
}

}  // namespace nexadb::query
