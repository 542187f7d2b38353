#include "core/config/json.h"

#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

#include <limits>

namespace nexadb::config {
namespace {

// Builds the tree from SAX events: nothing recurses, so depth is ours to limit.
class Builder : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Builder> {
 public:
  explicit Builder(std::string_view where) : where_(where) {}
  Value Take() { return std::move(root_); }
  const std::string& error() const { return error_; }

  bool Null() { return Place(Value()); }
  bool Bool(bool b) {
    Value value;
    value.kind = Value::Kind::kBool;
    value.boolean = b;
    return Place(std::move(value));
  }
  bool Int(int i) { return Int64(i); }
  bool Uint(unsigned i) { return Int64(i); }
  bool Int64(int64_t i) {
    Value value;
    value.kind = Value::Kind::kInteger;
    value.integer = i;
    return Place(std::move(value));
  }
  bool Uint64(uint64_t i) {
    if (i > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return Fail("integer too large");
    }
    return Int64(static_cast<int64_t>(i));
  }
  bool Double(double d) {
    Value value;
    value.kind = Value::Kind::kNumber;
    value.number = d;
    return Place(std::move(value));
  }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    return Place(Value::Text({text, size}, where_));
  }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    const std::string_view name(text, size);
    if (open_.back()->Find(name) != nullptr) {
      return Fail("name \"" + std::string(name) + "\" stands twice");
    }
    key_ = name;
    return true;
  }
  bool StartObject() { return Open(Value::Kind::kTable); }
  bool EndObject(rapidjson::SizeType) { return Close(); }
  bool StartArray() { return Open(Value::Kind::kArray); }
  bool EndArray(rapidjson::SizeType) { return Close(); }

 private:
  bool Fail(std::string message) {
    error_ = std::move(message);
    return false;
  }
  bool Open(Value::Kind kind) {
    if (open_.size() >= static_cast<size_t>(kJsonNestingMax)) return Fail("nested too deeply");
    Value value;
    value.kind = kind;
    Place(std::move(value));
    open_.push_back(last_);
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }
  // The parent's storage moves only while it is the innermost one, so pointers to it stay good.
  bool Place(Value value) {
    value.where = where_;
    if (open_.empty()) {
      root_ = std::move(value);
      last_ = &root_;
    } else if (open_.back()->kind == Value::Kind::kArray) {
      open_.back()->items.push_back(std::move(value));
      last_ = &open_.back()->items.back();
    } else {
      open_.back()->members.push_back({key_, where_, std::move(value)});
      last_ = &open_.back()->members.back().value;
    }
    return true;
  }

  std::string where_;
  std::string error_;
  std::string key_;
  Value root_;
  Value* last_ = nullptr;
  std::vector<Value*> open_;
};

}  // namespace

Result<Value> ParseJson(std::string_view text, std::string_view where) {
  // RapidJSON would take a NUL for the end and not see what follows.
  if (text.find('\0') != std::string_view::npos) {
    return Status::Error(Code::kInvalidArgument, std::string(where) + ": holds a NUL byte");
  }
  Builder builder(where);
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::Reader reader;
  constexpr unsigned kFlags = rapidjson::kParseIterativeFlag |
                              rapidjson::kParseValidateEncodingFlag |
                              rapidjson::kParseFullPrecisionFlag;
  const rapidjson::ParseResult result = reader.Parse<kFlags>(stream, builder);
  if (!result) {
    const std::string cause =
        builder.error().empty() ? rapidjson::GetParseError_En(result.Code()) : builder.error();
    return Status::Error(Code::kInvalidArgument, std::string(where) + ": " + cause + " at byte " +
                                                     std::to_string(result.Offset()));
  }
  return builder.Take();
}

}  // namespace nexadb::config
