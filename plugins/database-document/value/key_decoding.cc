#include "plugins/database-document/value/key_decoding.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "plugins/database-document/value/key_tags.h"

namespace nexadb::query {
namespace {

constexpr double kInt64End = 9223372036854775808.0;  // 2^63

bool IsInteger(double d) { return d >= -kInt64End && d < kInt64End && d == std::trunc(d); }
bool FitsInt32(int64_t i) {
  return i >= std::numeric_limits<int32_t>::min() && i <= std::numeric_limits<int32_t>::max();
}

template <class T>
void Put(T v, std::string* out) {
  out->append(reinterpret_cast<const char*>(&v), sizeof(v));
}

// The bytes of one encoding, as if it were ascending. Behind the end it gives zeros and says so.
class KeyBytes {
 public:
  KeyBytes(BytesView encoded, KeyOrder order)
      : at_(encoded.data()),
        end_(encoded.data() + encoded.size()),
        flip_(order == KeyOrder::kDescending ? 0xFF : 0) {}
  bool ok() const { return ok_; }
  size_t left() const { return static_cast<size_t>(end_ - at_); }
  // Inverts what follows, as in a negative number.
  void Invert() { flip_ = static_cast<uint8_t>(~flip_); }
  uint8_t Byte() {
    if (at_ == end_) {
      ok_ = false;
      return 0;
    }
    return static_cast<uint8_t>(*at_++ ^ flip_);
  }
  uint8_t Peek() const { return at_ == end_ ? 0 : static_cast<uint8_t>(*at_ ^ flip_); }
  template <class T>
  T BigEndian() {
    T v = 0;
    for (size_t i = 0; i < sizeof(T); ++i) v = static_cast<T>(v << 8 | Byte());
    return v;
  }
  void Append(size_t size, std::string* out) {
    if (size > left()) {
      ok_ = false;
      return;
    }
    const size_t begin = out->size();
    out->append(reinterpret_cast<const char*>(at_), size);
    at_ += size;
    if (flip_ == 0) return;
    for (size_t i = begin; i < out->size(); ++i) (*out)[i] = static_cast<char>(~(*out)[i]);
  }
  // 00 FF is a zero byte, 00 00 the end. Most often no byte before the end is a zero.
  void AppendEscaped(std::string* out) {
    while (ok_) {
      const void* zero = std::memchr(at_, flip_, left());
      if (zero == nullptr) {
        ok_ = false;
        return;
      }
      Append(static_cast<size_t>(static_cast<const uint8_t*>(zero) - at_), out);
      Byte();
      if (Byte() != 0xFF) return;
      out->push_back('\0');
    }
  }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
  uint8_t flip_;
  bool ok_ = true;
};

// The decimal digits of an integer that no double is. False when they are none of an int64.
bool DecodeDigits(KeyBytes& bytes, bool negative, int64_t* out) {
  int integer_digits = bytes.BigEndian<uint16_t>() - kExponentBias;
  if (integer_digits < 1 || integer_digits > std::numeric_limits<int64_t>::digits10 + 1)
    return false;
  uint64_t magnitude = 0;  // of 19 digits at most, which 64 bits hold
  while (const uint8_t pair = bytes.Byte()) {
    const int digits[] = {(pair - 1) / 10, (pair - 1) % 10};
    for (const int digit : digits) {
      if (integer_digits-- > 0) {
        magnitude = magnitude * 10 + static_cast<uint64_t>(digit);
      } else if (digit != 0) {
        return false;
      }
    }
  }
  while (integer_digits-- > 0) magnitude *= 10;
  const uint64_t most = uint64_t{1} << 63;
  if (magnitude > (negative ? most : most - 1)) return false;
  *out = static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
  return bytes.ok();
}

// The narrowest type, unless `loss` says another.
bson::Type PutExact(double d, KeyLoss loss, std::string* out) {
  if (loss == KeyLoss::kDouble || !IsInteger(d)) {
    Put(d, out);
    return bson::Type::kDouble;
  }
  const auto integer = static_cast<int64_t>(d);
  if (loss == KeyLoss::kInt64 || !FitsInt32(integer)) {
    Put(integer, out);
    return bson::Type::kInt64;
  }
  Put(static_cast<int32_t>(integer), out);
  return bson::Type::kInt32;
}

Decoded DecodeNumber(KeyBytes& bytes, KeyLoss loss, bson::Type* type, std::string* out) {
  const bool negative = (bytes.Peek() & 0x80) == 0;
  if (negative) bytes.Invert();
  const double magnitude =
      std::bit_cast<double>(bytes.BigEndian<uint64_t>() & ~(uint64_t{1} << 63));
  const uint8_t rest = bytes.Byte();
  if (!bytes.ok() || std::isnan(magnitude)) return Decoded::kUnknown;
  if (negative && magnitude == 0) return Decoded::kUnknown;  // zero is positive
  if (rest == kNoRemainder) {
    *type = PutExact(negative ? -magnitude : magnitude, loss, out);
    return Decoded::kValue;
  }
  int64_t integer = 0;
  if (rest != kRemainder || loss != KeyLoss::kNothing || !DecodeDigits(bytes, negative, &integer)) {
    return Decoded::kUnknown;
  }
  Put(integer, out);
  *type = bson::Type::kInt64;
  return Decoded::kValue;
}

Decoded DecodeText(KeyBytes& bytes, bson::Type* type, std::string* out) {
  const size_t begin = out->size();
  out->append(sizeof(uint32_t), '\0');
  bytes.AppendEscaped(out);
  out->push_back('\0');
  const auto size = static_cast<uint32_t>(out->size() - begin - sizeof(uint32_t));
  std::memcpy(out->data() + begin, &size, sizeof(size));
  *type = bson::Type::kString;
  return Decoded::kValue;
}

Decoded DecodeFixed(uint8_t tag, KeyBytes& bytes, bson::Type* type, std::string* out) {
  switch (tag) {
    case kMinKeyTag: *type = bson::Type::kMinKey; return Decoded::kValue;
    case kMaxKeyTag: *type = bson::Type::kMaxKey; return Decoded::kValue;
    case kFalseTag:
    case kTrueTag:
      *type = bson::Type::kBool;
      out->push_back(tag == kTrueTag ? 1 : 0);
      return Decoded::kValue;
    case kObjectIdTag:
      *type = bson::Type::kObjectId;
      bytes.Append(12, out);
      return Decoded::kValue;
    case kDateTag:
      *type = bson::Type::kDate;
      Put(bytes.BigEndian<uint64_t>() ^ (uint64_t{1} << 63), out);
      return Decoded::kValue;
    case kTimestampTag:
      *type = bson::Type::kTimestamp;
      Put(bytes.BigEndian<uint64_t>(), out);
      return Decoded::kValue;
    case kBinaryTag: {
      *type = bson::Type::kBinary;
      const auto size = bytes.BigEndian<uint32_t>();
      Put(size, out);
      bytes.Append(size_t{1} + size, out);
      return Decoded::kValue;
    }
    default: return Decoded::kUnknown;
  }
}

}  // namespace

KeyLoss KeyLossOf(const bson::Value& value) {
  switch (value.type()) {
    case bson::Type::kInt64: return FitsInt32(value.Int64()) ? KeyLoss::kInt64 : KeyLoss::kNothing;
    case bson::Type::kDouble: {
      const double d = value.Double();
      if (d == 0 && std::signbit(d)) return KeyLoss::kMore;
      return IsInteger(d) ? KeyLoss::kDouble : KeyLoss::kNothing;
    }
    case bson::Type::kDecimal128:
    case bson::Type::kSymbol: return KeyLoss::kMore;
    default: return KeyLoss::kNothing;
  }
}

Decoded DecodeKey(BytesView* encoded, KeyOrder order, KeyLoss loss, bson::Type* type,
                  std::string* out) {
  if (loss == KeyLoss::kMore) return Decoded::kUnknown;
  KeyBytes bytes(*encoded, order);
  const size_t begin = out->size();
  const uint8_t tag = bytes.Byte();
  Decoded decoded = Decoded::kNullish;
  switch (tag) {
    case kNullTag: break;
    case kNumberTag: decoded = DecodeNumber(bytes, loss, type, out); break;
    case kStringTag: decoded = DecodeText(bytes, type, out); break;
    default: decoded = DecodeFixed(tag, bytes, type, out); break;
  }
  if (!bytes.ok() || decoded == Decoded::kUnknown) {
    out->resize(begin);
    return Decoded::kUnknown;
  }
  *encoded = encoded->Sub(encoded->size() - bytes.left(), bytes.left());
  return decoded;
}

}  // namespace nexadb::query
