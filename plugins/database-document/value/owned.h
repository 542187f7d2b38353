// A value that keeps its bytes alive: small ones inline, large ones in a shared Buffer, or borrowed
// from a document that the holder promises to keep. Copying is cheap. Not thread-safe per object.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "nexadb/bson.h"

namespace nexadb::query {

class OwnedValue {
 public:
  OwnedValue() noexcept = default;  // missing
  static OwnedValue Missing() noexcept { return {}; }
  static OwnedValue Null() noexcept { return Inline(bson::Type::kNull, nullptr, 0); }
  static OwnedValue MinKey() noexcept { return Inline(bson::Type::kMinKey, nullptr, 0); }
  static OwnedValue MaxKey() noexcept { return Inline(bson::Type::kMaxKey, nullptr, 0); }
  static OwnedValue Int32(int32_t v) noexcept { return Inline(bson::Type::kInt32, &v, sizeof(v)); }
  static OwnedValue Int64(int64_t v) noexcept { return Inline(bson::Type::kInt64, &v, sizeof(v)); }
  static OwnedValue Double(double v) noexcept { return Inline(bson::Type::kDouble, &v, sizeof(v)); }
  static OwnedValue Date(int64_t v) noexcept { return Inline(bson::Type::kDate, &v, sizeof(v)); }
  static OwnedValue Timestamp(uint64_t v) noexcept {
    return Inline(bson::Type::kTimestamp, &v, sizeof(v));
  }
  static OwnedValue Bool(bool v) noexcept {
    const uint8_t byte = v ? 1 : 0;
    return Inline(bson::Type::kBool, &byte, 1);
  }
  // REQUIRES: 16 and 12 bytes.
  static OwnedValue Decimal128(const void* bytes) noexcept {
    return Inline(bson::Type::kDecimal128, bytes, 16);
  }
  static OwnedValue ObjectId(const void* bytes) noexcept {
    return Inline(bson::Type::kObjectId, bytes, 12);
  }
  static OwnedValue Text(std::string_view text, bson::Type type = bson::Type::kString);
  static OwnedValue Binary(uint8_t subtype, std::string_view bytes);
  static OwnedValue Regex(std::string_view pattern, std::string_view flags);
  // Finished documents.
  static OwnedValue Object(std::string bytes) { return Own(bson::Type::kObject, std::move(bytes)); }
  static OwnedValue Array(std::string bytes) { return Own(bson::Type::kArray, std::move(bytes)); }
  // What an expression may make: four of the largest documents. An expression can double its value
  // in each step of a loop, so without a limit one short query takes all memory.
  static constexpr size_t kValueBytesMax = 64u << 20;
  // Fails, as all of the query language does, when a value of so many bytes is over the limit.
  static void CheckSize(size_t bytes);
  // Encoded bytes of a value of `type`. Over kValueBytesMax it fails, and so it does when the
  // meter in force says that the query's time or memory is used up.
  static OwnedValue Own(bson::Type type, std::string bytes);
  // REQUIRES: the bytes outlive every copy of the result and all that is taken from it.
  static OwnedValue Borrow(const bson::Value& value) noexcept;
  static OwnedValue Copy(const bson::Value& value);
  // A value inside this one's bytes, keeping them alive.
  OwnedValue Inside(const bson::Value& part) const;
  // The same value, not borrowing.
  OwnedValue Keep() const { return borrowed_ ? Copy(view()) : *this; }

  bson::Value view() const noexcept {
    return {type_, data_ != nullptr ? data_ : inline_.data(), size_};
  }
  bson::Type type() const noexcept { return type_; }
  size_t size() const noexcept { return size_; }  // encoded bytes
  bool IsMissing() const noexcept { return type_ == bson::Type::kEnd; }
  bool IsNullish() const noexcept { return view().IsNullish(); }

 private:
  static OwnedValue Inline(bson::Type type, const void* bytes, size_t size) noexcept {
    OwnedValue v;
    v.type_ = type;
    v.size_ = static_cast<uint32_t>(size);
    if (size != 0) std::memcpy(v.inline_.data(), bytes, size);
    return v;
  }
  std::array<uint8_t, 16> inline_{};
  const uint8_t* data_ = nullptr;  // null: inline
  Buffer hold_;
  uint32_t size_ = 0;
  bson::Type type_ = bson::Type::kEnd;
  bool borrowed_ = false;
};

// A document in a batch: borrowed until the source's next call, or owned.
class BatchDocument {
 public:
  BatchDocument() noexcept = default;
  static BatchDocument Borrow(bson::Document doc) noexcept {
    BatchDocument d;
    d.view_ = doc;
    d.borrowed_ = true;
    return d;
  }
  static BatchDocument Own(std::string bytes) { return Share(Buffer::Own(std::move(bytes))); }
  static BatchDocument Share(Buffer bytes) noexcept {
    BatchDocument d;
    d.hold_ = std::move(bytes);
    d.view_ = bson::Document(d.hold_.bytes());
    return d;
  }
  bson::Document view() const noexcept { return view_; }
  // Owned bytes, copied only when borrowed.
  Buffer Keep() const { return borrowed_ ? Buffer::Copy(view_.bytes()) : hold_; }

 private:
  bson::Document view_;
  Buffer hold_;
  bool borrowed_ = false;
};

}  // namespace nexadb::query
