#include "plugins/database-document/value/key_encoding.h"

#include <bit>
#include <cmath>

#include "plugins/database-document/value/collation.h"
#include "plugins/database-document/value/key_tags.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

void Put(uint8_t byte, std::string* out) { out->push_back(static_cast<char>(byte)); }

template <class T>
void PutBigEndian(T v, std::string* out) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
    Put(static_cast<uint8_t>(v >> shift), out);
  }
}

// 00 within becomes 00 FF, the end is 00 00: a prefix sorts before what it begins.
void PutEscaped(BytesView bytes, std::string* out) {
  for (const uint8_t byte : bytes) {
    Put(byte, out);
    if (byte == 0) Put(0xFF, out);
  }
  out->append(2, '\0');
}

// Exponent and digits of |value|: orders numbers that truncate to the same double.
void PutDigits(Uint128 coefficient, int exponent, std::string* out) {
  std::string digits = DecimalDigits(coefficient);
  exponent += static_cast<int>(digits.size());
  while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
  PutBigEndian(static_cast<uint16_t>(exponent + kExponentBias), out);
  for (size_t i = 0; i < digits.size(); i += 2) {
    const int high = digits[i] - '0';
    const int low = i + 1 < digits.size() ? digits[i + 1] - '0' : 0;
    Put(static_cast<uint8_t>(high * 10 + low + 1), out);  // never 0, the end
  }
  out->push_back('\0');
}

void PutNumber(const bson::Value& v, std::string* out) {
  const double d = TruncateToDouble(v);
  if (std::isnan(d)) return Put(kNanTag, out);
  Put(kNumberTag, out);
  const size_t start = out->size();
  const bson::Value truncated(bson::Type::kDouble, reinterpret_cast<const uint8_t*>(&d), sizeof(d));
  const bool exact = v.type() == bson::Type::kDouble || v.type() == bson::Type::kInt32 ||
                     CompareNumbers(truncated, v) == 0;
  const bool negative = exact ? d < 0 : std::signbit(d);
  PutBigEndian(std::bit_cast<uint64_t>(std::fabs(d)) | (uint64_t{1} << 63), out);
  if (exact) {
    out->push_back(kNoRemainder);
  } else {
    out->push_back(kRemainder);
    if (v.type() == bson::Type::kInt64) {
      const int64_t i = v.Int64();
      PutDigits(i < 0 ? 0 - static_cast<uint64_t>(i) : static_cast<uint64_t>(i), 0, out);
    } else {
      const DecimalParts parts = SplitDecimal(v.bytes().data());
      PutDigits(parts.coefficient, parts.exponent, out);
    }
  }
  if (negative) {
    for (size_t i = start; i < out->size(); ++i) (*out)[i] = static_cast<char>(~(*out)[i]);
  }
}

void PutValue(const bson::Value& v, const Collation* collation, std::string* out);

void PutText(std::string_view text, const Collation* collation, std::string* out) {
  if (collation == nullptr) return PutEscaped(AsBytes(text), out);
  std::string key;
  collation->AppendSortKey(text, &key);
  PutEscaped(AsBytes(key), out);
}

// Within objects a field is compared by type, name, value: the tag leads, and the value repeats it.
// Numbers share a tag with NaN there, for the name decides before the value does.
void PutObject(bson::Document doc, const Collation* collation, std::string* out) {
  for (const bson::Element& e : doc) {
    std::string value;
    PutValue(e.value(), collation, &value);
    uint8_t tag = static_cast<uint8_t>(value[0]);
    if (tag == kNanTag) tag = kNumberTag;
    if (tag == kTrueTag) tag = kFalseTag;
    Put(tag, out);
    PutEscaped(AsBytes(e.name()), out);
    out->append(value);
  }
  Put(0, out);
}

void PutValue(const bson::Value& v, const Collation* collation, std::string* out) {
  switch (v.type()) {
    case bson::Type::kMinKey: return Put(kMinKeyTag, out);
    case bson::Type::kUndefined: return Put(kUndefinedTag, out);
    case bson::Type::kEnd:
    case bson::Type::kNull: return Put(kNullTag, out);
    case bson::Type::kInt32:
    case bson::Type::kInt64:
    case bson::Type::kDouble:
    case bson::Type::kDecimal128: return PutNumber(v, out);
    case bson::Type::kString:
    case bson::Type::kSymbol: Put(kStringTag, out); return PutText(v.Text(), collation, out);
    case bson::Type::kObject: Put(kObjectTag, out); return PutObject(v.Doc(), collation, out);
    case bson::Type::kArray:
      Put(kArrayTag, out);
      for (const bson::Element& e : v.Doc()) PutValue(e.value(), collation, out);
      return Put(0, out);
    case bson::Type::kBinary:
      Put(kBinaryTag, out);
      PutBigEndian(static_cast<uint32_t>(v.Binary().size()), out);
      Put(v.BinarySubtype(), out);
      out->append(AsText(v.Binary()));
      return;
    case bson::Type::kObjectId:
      Put(kObjectIdTag, out);
      out->append(AsText(v.ObjectId()));
      return;
    case bson::Type::kBool: return Put(v.Bool() ? kTrueTag : kFalseTag, out);
    case bson::Type::kDate:
      Put(kDateTag, out);
      return PutBigEndian(static_cast<uint64_t>(v.DateMs()) ^ (uint64_t{1} << 63), out);
    case bson::Type::kTimestamp: Put(kTimestampTag, out); return PutBigEndian(v.Timestamp(), out);
    case bson::Type::kRegex:
      Put(kRegexTag, out);
      out->append(v.RegexPattern()).push_back('\0');
      out->append(v.RegexFlags()).push_back('\0');
      return;
    case bson::Type::kDbPointer: Put(kDbPointerTag, out); return PutEscaped(v.bytes(), out);
    case bson::Type::kCode: Put(kCodeTag, out); return PutEscaped(AsBytes(v.Text()), out);
    case bson::Type::kCodeWithScope: Put(kCodeWithScopeTag, out); return PutEscaped(v.bytes(), out);
    case bson::Type::kMaxKey: return Put(kMaxKeyTag, out);
  }
}

}  // namespace

void AppendKey(const bson::Value& value, KeyOrder order, const Collation* collation,
               std::string* out) {
  const size_t start = out->size();
  PutValue(value, collation, out);
  if (order == KeyOrder::kAscending) return;
  for (size_t i = start; i < out->size(); ++i) (*out)[i] = static_cast<char>(~(*out)[i]);
}

}  // namespace nexadb::query
