// BSON, read and written in place: https://bsonspec.org, version 1.1. Header-only, no state.
//
//   bson::Document doc(bytes);                       // borrows; check it once with Validate
//   for (bson::Element e : doc) Use(e.name(), e.value());
//   if (bson::Element e = doc["age"]) …              // false when absent
//
//   bson::Builder b;                                 // writes into a std::string of its own
//   b.Int32("age", 7).Text("name", "Ada");
//   b.OpenArray("tags").Text("0", "x").Close();
//   std::string bytes = b.Finish();
//
// Bytes from outside go through Validate first. After it, iteration needs no checks but keeps
// cheap ones all the same: on malformed bytes it ends early, and never reads past the range.
#pragma once
#include <bit>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "nexadb/abi.h"

namespace nexadb::bson {

static_assert(std::endian::native == std::endian::little, "BSON is read in place");

enum class Type : uint8_t {
  kEnd = 0x00,  // no element
  kDouble = 0x01,
  kString = 0x02,
  kObject = 0x03,
  kArray = 0x04,
  kBinary = 0x05,
  kUndefined = 0x06,
  kObjectId = 0x07,
  kBool = 0x08,
  kDate = 0x09,
  kNull = 0x0A,
  kRegex = 0x0B,
  kDbPointer = 0x0C,
  kCode = 0x0D,
  kSymbol = 0x0E,
  kCodeWithScope = 0x0F,
  kInt32 = 0x10,
  kTimestamp = 0x11,
  kInt64 = 0x12,
  kDecimal128 = 0x13,
  kMaxKey = 0x7F,
  kMinKey = 0xFF,
};

// The deepest nesting that Validate lets through; JSON's limit in rest-api.md plus its envelope.
constexpr uint32_t kNestingMax = 220;
constexpr size_t kDocumentBytesMin = 5;

template <class T>
inline T Load(const uint8_t* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

class Document;

// A typed value within somebody's bytes. Type kEnd is "no value".
class Value {
 public:
  constexpr Value() noexcept = default;
  constexpr Value(Type type, const uint8_t* data, size_t size) noexcept
      : data_(data), size_(static_cast<uint32_t>(size)), type_(type) {}
  Type type() const noexcept { return type_; }
  explicit operator bool() const noexcept { return type_ != Type::kEnd; }
  // The encoded bytes, without type and name.
  BytesView bytes() const noexcept { return {data_, size_}; }

  // REQUIRES, for each: the value has that type.
  double Double() const noexcept { return Load<double>(data_); }
  int32_t Int32() const noexcept { return Load<int32_t>(data_); }
  int64_t Int64() const noexcept { return Load<int64_t>(data_); }
  bool Bool() const noexcept { return data_[0] != 0; }
  int64_t DateMs() const noexcept { return Load<int64_t>(data_); }
  uint64_t Timestamp() const noexcept { return Load<uint64_t>(data_); }  // seconds << 32 | ordinal
  std::string_view Text() const noexcept {                               // kString, kCode, kSymbol
    return {reinterpret_cast<const char*>(data_) + 4, size_ - 5};
  }
  BytesView ObjectId() const noexcept { return {data_, 12}; }
  BytesView Decimal128() const noexcept { return {data_, 16}; }
  uint8_t BinarySubtype() const noexcept { return data_[4]; }
  BytesView Binary() const noexcept { return {data_ + 5, size_ - 5}; }
  std::string_view RegexPattern() const noexcept { return reinterpret_cast<const char*>(data_); }
  std::string_view RegexFlags() const noexcept {
    return reinterpret_cast<const char*>(data_) + RegexPattern().size() + 1;
  }
  inline Document Doc() const noexcept;  // kObject, kArray

  bool IsNumber() const noexcept {
    return type_ == Type::kInt32 || type_ == Type::kInt64 || type_ == Type::kDouble ||
           type_ == Type::kDecimal128;
  }
  bool IsNullish() const noexcept {  // null, undefined or missing
    return type_ == Type::kNull || type_ == Type::kUndefined || type_ == Type::kEnd;
  }

 private:
  const uint8_t* data_ = nullptr;
  uint32_t size_ = 0;
  Type type_ = Type::kEnd;
};

// A named value of a document, or "none".
class Element {
 public:
  constexpr Element() noexcept = default;
  Element(std::string_view name, Value value) noexcept : name_(name), value_(value) {}
  std::string_view name() const noexcept { return name_; }
  // By value, as are all answers here: a reference into `doc.begin()->value()` would dangle.
  Value value() const noexcept { return value_; }
  Type type() const noexcept { return value_.type(); }
  explicit operator bool() const noexcept { return static_cast<bool>(value_); }
  // Type byte, name and value as they stand in the document. REQUIRES: *this.
  BytesView raw() const noexcept {
    const auto* start = reinterpret_cast<const uint8_t*>(name_.data()) - 1;
    return {start, 2 + name_.size() + value_.bytes().size()};
  }

 private:
  std::string_view name_;
  Value value_;
};

// Size of an encoded value at [at, end), or SIZE_MAX when it does not fit.
inline size_t ValueSize(Type type, const uint8_t* at, const uint8_t* end) noexcept {
  const size_t left = static_cast<size_t>(end - at);
  constexpr size_t kBad = ~size_t{0};
  auto fixed = [&](size_t n) { return left >= n ? n : kBad; };
  auto sized = [&](size_t extra, size_t least) -> size_t {
    if (left < 4) return kBad;
    const int32_t n = Load<int32_t>(at);
    if (n < 0) return kBad;
    const size_t total = static_cast<size_t>(n) + extra;
    return total >= least && total <= left ? total : kBad;
  };
  switch (type) {
    case Type::kDouble:
    case Type::kDate:
    case Type::kTimestamp:
    case Type::kInt64: return fixed(8);
    case Type::kInt32: return fixed(4);
    case Type::kBool: return fixed(1);
    case Type::kObjectId: return fixed(12);
    case Type::kDecimal128: return fixed(16);
    case Type::kNull:
    case Type::kUndefined:
    case Type::kMinKey:
    case Type::kMaxKey: return 0;
    case Type::kString:
    case Type::kCode:
    case Type::kSymbol: return sized(4, 5);
    case Type::kObject:
    case Type::kArray: return sized(0, 5);
    case Type::kCodeWithScope: return sized(0, 14);
    case Type::kBinary: return sized(5, 5);
    case Type::kDbPointer: return sized(16, 17);
    case Type::kRegex: {
      const void* pattern_end = std::memchr(at, 0, left);
      if (pattern_end == nullptr) return kBad;
      const auto* flags = static_cast<const uint8_t*>(pattern_end) + 1;
      const void* flags_end = std::memchr(flags, 0, static_cast<size_t>(end - flags));
      if (flags_end == nullptr) return kBad;
      return static_cast<size_t>(static_cast<const uint8_t*>(flags_end) + 1 - at);
    }
    case Type::kEnd: break;
  }
  return kBad;
}

// A borrowed document or array. An empty range reads as the empty document.
class Document {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Element;
    using difference_type = ptrdiff_t;
    using pointer = const Element*;
    using reference = Element;

    Iterator() noexcept = default;
    Iterator(const uint8_t* at, const uint8_t* end) noexcept : next_(at), end_(end) { Advance(); }
    Element operator*() const noexcept { return current_; }
    const Element* operator->() const noexcept { return &current_; }
    Iterator& operator++() noexcept {
      Advance();
      return *this;
    }
    Iterator operator++(int) noexcept {
      Iterator before = *this;
      Advance();
      return before;
    }
    // Only the comparison with end() means anything.
    bool operator!=(const Iterator&) const noexcept { return static_cast<bool>(current_); }
    bool operator==(const Iterator& o) const noexcept { return !(*this != o); }

   private:
    void Advance() noexcept {
      current_ = Element();
      if (next_ == nullptr || next_ >= end_) return;
      const Type type = static_cast<Type>(*next_);
      const uint8_t* name = next_ + 1;
      const void* name_end = std::memchr(name, 0, static_cast<size_t>(end_ - name));
      next_ = nullptr;
      if (type == Type::kEnd || name_end == nullptr) return;
      const auto* value = static_cast<const uint8_t*>(name_end) + 1;
      const size_t size = ValueSize(type, value, end_);
      if (size == ~size_t{0}) return;
      current_ =
          Element({reinterpret_cast<const char*>(name), static_cast<size_t>(value - 1 - name)},
                  Value(type, value, size));
      next_ = value + size;
    }
    const uint8_t* next_ = nullptr;
    const uint8_t* end_ = nullptr;
    Element current_;
  };

  Document() noexcept = default;
  explicit Document(BytesView bytes) noexcept : bytes_(bytes) {}
  BytesView bytes() const noexcept { return bytes_.empty() ? Empty() : bytes_; }
  Iterator begin() const noexcept {
    if (bytes_.size() < kDocumentBytesMin) return {};
    return {bytes_.data() + 4, bytes_.data() + bytes_.size() - 1};
  }
  Iterator end() const noexcept { return {}; }
  bool empty() const noexcept { return bytes_.size() <= kDocumentBytesMin; }
  Element operator[](std::string_view name) const noexcept {
    for (const Element& e : *this) {
      if (e.name() == name) return e;
    }
    return {};
  }
  size_t CountElements() const noexcept {
    size_t n = 0;
    for ([[maybe_unused]] const Element& e : *this) ++n;
    return n;
  }
  // The document's elements as a Value of type kObject or kArray.
  Value AsValue(Type type) const noexcept { return {type, bytes().data(), bytes().size()}; }

 private:
  static BytesView Empty() noexcept {
    static constexpr uint8_t kEmpty[kDocumentBytesMin] = {5, 0, 0, 0, 0};
    return {kEmpty, sizeof(kEmpty)};
  }
  BytesView bytes_;
};

inline Document Value::Doc() const noexcept { return Document(bytes()); }

namespace internal {
inline bool ValidUtf8(std::string_view text) noexcept {
  const auto* p = reinterpret_cast<const uint8_t*>(text.data());
  const uint8_t* end = p + text.size();
  while (p < end) {
    if (end - p >= 8 && (Load<uint64_t>(p) & 0x8080808080808080u) == 0) {
      p += 8;
      continue;
    }
    const uint8_t c = *p;
    if (c < 0x80) {
      ++p;
      continue;
    }
    const int n = c >= 0xC2 && c <= 0xDF   ? 1
                  : (c & 0xF0) == 0xE0     ? 2
                  : c >= 0xF0 && c <= 0xF4 ? 3
                                           : 0;
    if (n == 0 || end - p <= n) return false;
    for (int i = 1; i <= n; ++i) {
      if ((p[i] & 0xC0) != 0x80) return false;
    }
    if (c == 0xE0 && p[1] < 0xA0) return false;  // overlong
    if (c == 0xED && p[1] > 0x9F) return false;  // surrogate
    if ((c == 0xF0 && p[1] < 0x90) || (c == 0xF4 && p[1] > 0x8F)) return false;
    p += n + 1;
  }
  return true;
}
}  // namespace internal

// Null when `bytes` are one well-formed document: exact lengths, known types, terminators, valid
// UTF-8, booleans of 0 or 1, at most `depth_max` levels. Otherwise a constant that says what is
// wrong. Recursion is bounded by depth_max.
inline const char* Validate(BytesView bytes, uint32_t depth_max = kNestingMax) noexcept {
  if (depth_max == 0) return "nested too deeply";
  if (bytes.size() < kDocumentBytesMin) return "shorter than a document";
  if (Load<uint32_t>(bytes.data()) != bytes.size()) return "length prefix differs from the length";
  const uint8_t* end = bytes.data() + bytes.size() - 1;
  if (*end != 0) return "no terminator";
  const uint8_t* at = bytes.data() + 4;
  while (at < end) {
    const Type type = static_cast<Type>(*at++);
    const void* name_end = std::memchr(at, 0, static_cast<size_t>(end - at));
    if (name_end == nullptr) return "unterminated name";
    const auto* value = static_cast<const uint8_t*>(name_end) + 1;
    if (!internal::ValidUtf8(
            {reinterpret_cast<const char*>(at), static_cast<size_t>(value - 1 - at)})) {
      return "name is not UTF-8";
    }
    const size_t size = ValueSize(type, value, end);
    if (size == ~size_t{0}) return "unknown type or value past the end";
    const Value v(type, value, size);
    switch (type) {
      case Type::kString:
      case Type::kCode:
      case Type::kSymbol:
        if (value[size - 1] != 0) return "string without terminator";
        if (!internal::ValidUtf8(v.Text())) return "string is not UTF-8";
        break;
      case Type::kDbPointer:
        if (value[size - 13] != 0) return "string without terminator";
        break;
      case Type::kRegex:
        if (!internal::ValidUtf8(v.RegexPattern())) return "pattern is not UTF-8";
        break;
      case Type::kBool:
        if (value[0] > 1) return "boolean is neither 0 nor 1";
        break;
      case Type::kObject:
      case Type::kArray:
        if (const char* error = Validate(v.bytes(), depth_max - 1)) return error;
        break;
      case Type::kCodeWithScope: {
        const uint32_t text = Load<uint32_t>(value + 4);
        if (text == 0 || text > size - 8 - kDocumentBytesMin) return "code past the end";
        if (value[8 + text - 1] != 0) return "string without terminator";
        const BytesView scope{value + 8 + text, size - 8 - text};
        if (const char* error = Validate(scope, depth_max - 1)) return error;
        break;
      }
      default: break;
    }
    at = value + size;
  }
  return at == end ? nullptr : "elements past the end";
}

// Appends to a string of its own. Nested documents are opened and closed on the same builder.
// Throws std::bad_alloc only.
class Builder {
 public:
  Builder() { out_.assign(4, '\0'); }
  Builder& Double(std::string_view name, double v) { return Fixed(Type::kDouble, name, v); }
  Builder& Int32(std::string_view name, int32_t v) { return Fixed(Type::kInt32, name, v); }
  Builder& Int64(std::string_view name, int64_t v) { return Fixed(Type::kInt64, name, v); }
  Builder& DateMs(std::string_view name, int64_t v) { return Fixed(Type::kDate, name, v); }
  Builder& Timestamp(std::string_view name, uint64_t v) { return Fixed(Type::kTimestamp, name, v); }
  Builder& Bool(std::string_view name, bool v) {
    return Fixed(Type::kBool, name, static_cast<uint8_t>(v ? 1 : 0));
  }
  Builder& Null(std::string_view name) { return Key(Type::kNull, name); }
  Builder& MinKey(std::string_view name) { return Key(Type::kMinKey, name); }
  Builder& MaxKey(std::string_view name) { return Key(Type::kMaxKey, name); }
  Builder& Text(std::string_view name, std::string_view v) {
    Key(Type::kString, name);
    Put(static_cast<uint32_t>(v.size() + 1));
    out_.append(v).push_back('\0');
    return *this;
  }
  Builder& ObjectId(std::string_view name, BytesView twelve_bytes) {
    Key(Type::kObjectId, name);
    out_.append(AsText(twelve_bytes));
    return *this;
  }
  Builder& Decimal128(std::string_view name, BytesView sixteen_bytes) {
    Key(Type::kDecimal128, name);
    out_.append(AsText(sixteen_bytes));
    return *this;
  }
  Builder& Binary(std::string_view name, uint8_t subtype, BytesView v) {
    Key(Type::kBinary, name);
    Put(static_cast<uint32_t>(v.size()));
    out_.push_back(static_cast<char>(subtype));
    out_.append(AsText(v));
    return *this;
  }
  // REQUIRES: neither text holds a NUL.
  Builder& Regex(std::string_view name, std::string_view pattern, std::string_view flags) {
    Key(Type::kRegex, name);
    out_.append(pattern).push_back('\0');
    out_.append(flags).push_back('\0');
    return *this;
  }
  // Any value, under a new name.
  Builder& Value(std::string_view name, const bson::Value& v) {
    Key(v.type(), name);
    out_.append(AsText(v.bytes()));
    return *this;
  }
  Builder& Object(std::string_view name, Document v) {
    return Value(name, v.AsValue(Type::kObject));
  }
  Builder& Array(std::string_view name, Document v) { return Value(name, v.AsValue(Type::kArray)); }
  // An element as it is.
  Builder& Element(const bson::Element& e) {
    out_.append(AsText(e.raw()));
    return *this;
  }
  // All elements of a document.
  Builder& Elements(Document v) {
    BytesView b = v.bytes();
    out_.append(AsText(b.Sub(4, b.size() - kDocumentBytesMin)));
    return *this;
  }
  Builder& OpenObject(std::string_view name) { return Open(Type::kObject, name); }
  Builder& OpenArray(std::string_view name) { return Open(Type::kArray, name); }
  // Ends the innermost open object or array. REQUIRES: one is open.
  Builder& Close() {
    const size_t start = open_.back();
    open_.pop_back();
    Seal(start);
    return *this;
  }
  size_t size() const { return out_.size(); }
  // The document. The builder is empty and ready again afterwards. REQUIRES: nothing is open.
  std::string Finish() {
    Seal(0);
    std::string done = std::move(out_);
    out_.assign(4, '\0');
    return done;
  }

 private:
  template <class T>
  void Put(T v) {
    out_.append(reinterpret_cast<const char*>(&v), sizeof(T));
  }
  template <class T>
  Builder& Fixed(Type type, std::string_view name, T v) {
    Key(type, name);
    Put(v);
    return *this;
  }
  Builder& Key(Type type, std::string_view name) {
    out_.push_back(static_cast<char>(type));
    out_.append(name).push_back('\0');
    return *this;
  }
  Builder& Open(Type type, std::string_view name) {
    Key(type, name);
    open_.push_back(out_.size());
    out_.append(4, '\0');
    return *this;
  }
  void Seal(size_t start) {
    out_.push_back('\0');
    const auto size = static_cast<uint32_t>(out_.size() - start);
    std::memcpy(out_.data() + start, &size, sizeof(size));
  }

  std::string out_;
  std::vector<size_t> open_;
};

}  // namespace nexadb::bson
