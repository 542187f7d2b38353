#include "plugins/database-document/value/owned.h"

#include "core/document/error.h"
#include "plugins/database-document/value/failure.h"
#include "plugins/database-document/value/meter.h"

namespace nexadb::query {
namespace {

// Bytes that count against the memory of the evaluation that made them.
struct ChargedBytes {
  std::string bytes;
  Charge charge;
  const char* data() const noexcept { return bytes.data(); }
  size_t size() const noexcept { return bytes.size(); }
};

}  // namespace

void OwnedValue::CheckSize(size_t bytes) {
  if (bytes <= kValueBytesMax) return;
  Require(MakeError(ErrorId::kMemoryLimit,
                    "an expression's value of " + std::to_string(bytes) + " bytes is over the " +
                        std::to_string(kValueBytesMax) + " that are allowed",
                    ErrorDetail()
                        .Text("limit", "value_bytes")
                        .Int64("max", static_cast<int64_t>(kValueBytesMax))
                        .Finish()));
}

OwnedValue OwnedValue::Own(bson::Type type, std::string bytes) {
  CheckSize(bytes.size());
  OwnedValue v;
  v.type_ = type;
  v.size_ = static_cast<uint32_t>(bytes.size());
  if (bytes.size() <= v.inline_.size()) {
    if (!bytes.empty()) std::memcpy(v.inline_.data(), bytes.data(), bytes.size());
    return v;
  }
  Meter::WorkBytes(bytes.size());
  if (bytes.size() < Meter::kChargedBytesMin) {
    v.hold_ = Buffer::Own(std::move(bytes));
  } else {
    Charge charge(bytes.size());
    v.hold_ = Buffer::Own(ChargedBytes{std::move(bytes), std::move(charge)});
  }
  v.data_ = v.hold_.bytes().data();
  return v;
}

OwnedValue OwnedValue::Text(std::string_view text, bson::Type type) {
  std::string bytes;
  bytes.reserve(text.size() + 5);
  const auto size = static_cast<uint32_t>(text.size() + 1);
  bytes.append(reinterpret_cast<const char*>(&size), sizeof(size));
  bytes.append(text).push_back('\0');
  return Own(type, std::move(bytes));
}

OwnedValue OwnedValue::Binary(uint8_t subtype, std::string_view content) {
  std::string bytes;
  const auto size = static_cast<uint32_t>(content.size());
  bytes.append(reinterpret_cast<const char*>(&size), sizeof(size));
  bytes.push_back(static_cast<char>(subtype));
  bytes.append(content);
  return Own(bson::Type::kBinary, std::move(bytes));
}

OwnedValue OwnedValue::Regex(std::string_view pattern, std::string_view flags) {
  std::string bytes(pattern);
  bytes.push_back('\0');
  bytes.append(flags).push_back('\0');
  return Own(bson::Type::kRegex, std::move(bytes));
}

OwnedValue OwnedValue::Borrow(const bson::Value& value) noexcept {
  const BytesView bytes = value.bytes();
  OwnedValue v;
  if (bytes.size() <= v.inline_.size()) return Inline(value.type(), bytes.data(), bytes.size());
  v.type_ = value.type();
  v.size_ = static_cast<uint32_t>(bytes.size());
  v.data_ = bytes.data();
  v.borrowed_ = true;
  return v;
}

OwnedValue OwnedValue::Copy(const bson::Value& value) {
  return Own(value.type(), std::string(AsText(value.bytes())));
}

OwnedValue OwnedValue::Inside(const bson::Value& part) const {
  OwnedValue v = Borrow(part);
  if (!v.borrowed_ || borrowed_) return v;
  if (data_ == nullptr) return Copy(part);  // inline bytes move with their value
  v.hold_ = hold_;
  v.borrowed_ = false;
  return v;
}

}  // namespace nexadb::query
