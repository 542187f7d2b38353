#include "plugins/api-rest/members.h"

#include <algorithm>
#include <cmath>

namespace nexadb::rest {
namespace {

// Doubles beyond it do not tell neighbouring integers apart.
constexpr double kExactIntegerMax = 9007199254740992.0;

std::string Quoted(std::string_view name) { return "'" + std::string(name) + "'"; }

Status Mistyped(std::string_view name, std::string_view expected) {
  return FailAt(ErrorId::kTypeMismatch, Quoted(name) + " takes " + std::string(expected) + ".",
                "/" + std::string(name));
}

}  // namespace

Status FailAt(ErrorId id, std::string_view message, std::string_view pointer) {
  bson::Builder detail;
  detail.Text("pointer", pointer);
  const std::string bytes = detail.Finish();
  return MakeError(id, message, AsBytes(bytes));
}

bool AsInteger(const bson::Value& value, int64_t& out) {
  switch (value.type()) {
    case bson::Type::kInt32: out = value.Int32(); return true;
    case bson::Type::kInt64: out = value.Int64(); return true;
    case bson::Type::kDouble: {
      const double number = value.Double();
      if (!(std::abs(number) <= kExactIntegerMax) || number != std::trunc(number)) return false;
      out = static_cast<int64_t>(number);
      return true;
    }
    default: return false;
  }
}

bool AppendFloats(const bson::Value& value, std::vector<float>& out) {
  if (value.type() != bson::Type::kArray) return false;
  for (const bson::Element& element : value.Doc()) {
    switch (element.type()) {
      case bson::Type::kInt32: out.push_back(static_cast<float>(element.value().Int32())); break;
      case bson::Type::kInt64: out.push_back(static_cast<float>(element.value().Int64())); break;
      case bson::Type::kDouble: out.push_back(static_cast<float>(element.value().Double())); break;
      default: return false;
    }
  }
  return true;
}

Status Members::Only(std::initializer_list<std::string_view> names) const {
  for (const bson::Element& element : body_) {
    if (std::find(names.begin(), names.end(), element.name()) != names.end()) continue;
    return FailAt(ErrorId::kUnknownOption,
                  Quoted(element.name()) + " is not a member of this request." +
                      DidYouMean(element.name(), {names.begin(), names.size()}),
                  "/" + std::string(element.name()));
  }
  return {};
}

Result<int64_t> Members::Integer(std::string_view name, int64_t absent, int64_t least,
                                 int64_t most) const {
  const bson::Value value = Get(name);
  if (value.IsNullish()) return absent;
  int64_t number = 0;
  if (!AsInteger(value, number)) return Mistyped(name, "an integer");
  if (number < least || number > most) {
    return FailAt(ErrorId::kBadValue,
                  Quoted(name) + " takes an integer from " + std::to_string(least) + " to " +
                      std::to_string(most) + ", not " + std::to_string(number) + ".",
                  "/" + std::string(name));
  }
  return number;
}

Result<double> Members::Number(std::string_view name, double absent) const {
  const bson::Value value = Get(name);
  if (value.IsNullish()) return absent;
  switch (value.type()) {
    case bson::Type::kInt32: return static_cast<double>(value.Int32());
    case bson::Type::kInt64: return static_cast<double>(value.Int64());
    case bson::Type::kDouble: return value.Double();
    default: return Mistyped(name, "a number");
  }
}

Result<bool> Members::Flag(std::string_view name, bool absent) const {
  const bson::Value value = Get(name);
  if (value.IsNullish()) return absent;
  if (value.type() != bson::Type::kBool) return Mistyped(name, "true or false");
  return value.Bool();
}

Result<std::string_view> Members::Text(std::string_view name, std::string_view absent) const {
  const bson::Value value = Get(name);
  if (value.IsNullish()) return absent;
  if (value.type() != bson::Type::kString) return Mistyped(name, "a string");
  return value.Text();
}

Result<bson::Document> Members::Object(std::string_view name) const {
  const bson::Value value = Get(name);
  if (value.IsNullish()) return bson::Document();
  if (value.type() != bson::Type::kObject) return Mistyped(name, "an object");
  return value.Doc();
}

Result<bson::Document> Members::Array(std::string_view name) const {
  const bson::Value value = Get(name);
  if (!value) {
    return FailAt(ErrorId::kMissingOption, Quoted(name) + " is missing.", "/" + std::string(name));
  }
  if (value.type() != bson::Type::kArray) return Mistyped(name, "an array");
  return value.Doc();
}

Result<std::vector<float>> Members::Vector(std::string_view name) const {
  const bson::Value value = Get(name);
  if (!value) {
    return FailAt(ErrorId::kMissingOption, Quoted(name) + " is missing.", "/" + std::string(name));
  }
  std::vector<float> floats;
  if (!AppendFloats(value, floats)) {
    return FailAt(ErrorId::kInvalidVector, Quoted(name) + " takes an array of numbers.",
                  "/" + std::string(name));
  }
  return floats;
}

}  // namespace nexadb::rest
