// JSON to Value, by RapidJSON.
#include "core/config/parse.h"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>

#include <stdexcept>

namespace nexadb::config {
namespace {

// Throws std::invalid_argument; recursion ends at the depth limit, however deep the text is.
Value Convert(const rapidjson::Value& from, std::string_view where, int depth) {
  if (depth > kNestingMax) throw std::invalid_argument("nested too deeply");
  if (from.IsString()) return Value::Text({from.GetString(), from.GetStringLength()}, where);
  Value value;
  value.where = where;
  if (from.IsBool()) {
    value.kind = Value::Kind::kBool;
    value.boolean = from.GetBool();
  } else if (from.IsInt64()) {
    value.kind = Value::Kind::kInteger;
    value.integer = from.GetInt64();
  } else if (from.IsUint64()) {
    throw std::invalid_argument("integer too large");
  } else if (from.IsNumber()) {
    value.kind = Value::Kind::kNumber;
    value.number = from.GetDouble();
  } else if (from.IsArray()) {
    value.kind = Value::Kind::kArray;
    for (const auto& item : from.GetArray()) value.items.push_back(Convert(item, where, depth + 1));
  } else if (from.IsObject()) {
    value.kind = Value::Kind::kTable;
    for (const auto& member : from.GetObject()) {
      const std::string name(member.name.GetString(), member.name.GetStringLength());
      if (value.Find(name) != nullptr) throw std::invalid_argument("\"" + name + "\" stands twice");
      value.At(name, where) = Convert(member.value, where, depth + 1);
    }
  }
  return value;
}

Status Bad(std::string_view where, const std::string& what) {
  return Status::Error(Code::kInvalidArgument, std::string(where) + ": " + what);
}

}  // namespace

Result<Value> ParseJson(std::string_view text, std::string_view where) {
  // RapidJSON would take a NUL for the end and not see what follows.
  if (text.find('\0') != std::string_view::npos) return Bad(where, "holds a NUL byte");
  rapidjson::Document document;
  // Iterative: the recursive parser overflows the stack on a deep text.
  // Not in full precision, which counts the leading zeros of zero for 0e100; limits need none.
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(
      text.data(), text.size());
  if (document.HasParseError()) {
    return Bad(where, rapidjson::GetParseError_En(document.GetParseError()) +
                          (" at byte " + std::to_string(document.GetErrorOffset())));
  }
  try {
    return Convert(document, where, 1);
  } catch (const std::invalid_argument& error) {
    return Bad(where, error.what());
  }
}

}  // namespace nexadb::config
