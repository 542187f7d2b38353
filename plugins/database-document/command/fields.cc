#include "plugins/database-document/command/fields.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/document/decimal.h"
#include "core/document/error.h"
#include "plugins/database-document/expression/expression.h"

namespace nexadb::database {

namespace {

constexpr int32_t kTypeMismatch = 14;
constexpr int32_t kBadValue = 2;
constexpr int32_t kMissingField = 40414;
constexpr int32_t kUnknownField = 40415;
constexpr int32_t kDuplicateField = 40413;

// What any command may carry. None of it changes what an embedded server does, maxTimeMS aside.
constexpr FieldSpec kGenericFields[] = {
    {"$db", FieldKind::kText},
    {"lsid", FieldKind::kObject},
    {"$clusterTime", FieldKind::kObject},
    {"$readPreference", FieldKind::kObject},
    {"apiVersion", FieldKind::kText},
    {"apiStrict", FieldKind::kBool},
    {"apiDeprecationErrors", FieldKind::kBool},
    {"readConcern", FieldKind::kObject},
    {"writeConcern", FieldKind::kObject},
    {"comment", FieldKind::kAny},
    {"maxTimeMS", FieldKind::kCount},
    {"txnNumber", FieldKind::kNumber},
    {"autocommit", FieldKind::kBool},
    {"startTransaction", FieldKind::kBool},
    {"$audit", FieldKind::kAny},
    {"$client", FieldKind::kAny},
    {"$configServerState", FieldKind::kAny},
    {"maxTimeMSOpOnly", FieldKind::kNumber},
    {"rawData", FieldKind::kBool},
};

bool Fits(FieldKind kind, bson::Type type) {
  const bool number = type == bson::Type::kInt32 || type == bson::Type::kInt64 ||
                      type == bson::Type::kDouble || type == bson::Type::kDecimal128;
  switch (kind) {
    case FieldKind::kAny: return true;
    case FieldKind::kObject: return type == bson::Type::kObject;
    case FieldKind::kArray: return type == bson::Type::kArray;
    case FieldKind::kText: return type == bson::Type::kString;
    case FieldKind::kNumber:
    case FieldKind::kCount: return number;
    case FieldKind::kBool: return type == bson::Type::kBool;
    case FieldKind::kTimestamp: return type == bson::Type::kTimestamp;
    case FieldKind::kFlag: return number || type == bson::Type::kBool;
    case FieldKind::kObjectOrText:
      return type == bson::Type::kObject || type == bson::Type::kString;
    case FieldKind::kObjectOrArray:
      return type == bson::Type::kObject || type == bson::Type::kArray;
  }
  return false;
}

std::string_view Expected(FieldKind kind) {
  switch (kind) {
    case FieldKind::kObject: return "object";
    case FieldKind::kArray: return "array";
    case FieldKind::kText: return "string";
    case FieldKind::kNumber:
    case FieldKind::kCount: return "long', 'int', 'decimal', 'double";
    case FieldKind::kBool: return "bool";
    case FieldKind::kTimestamp: return "timestamp";
    case FieldKind::kFlag: return "bool', 'long', 'int', 'decimal', 'double";
    case FieldKind::kObjectOrText: return "object', 'string";
    case FieldKind::kObjectOrArray: return "object', 'array";
    case FieldKind::kAny: break;
  }
  return "any";
}

const FieldSpec* FindSpec(std::span<const FieldSpec> specs, std::string_view name) {
  const auto it = std::find_if(specs.begin(), specs.end(),
                               [name](const FieldSpec& spec) { return spec.name == name; });
  return it == specs.end() ? nullptr : &*it;
}

Status CheckOne(std::string_view owner, const bson::Element& e, const FieldSpec& spec) {
  if (e.value().IsNullish()) return {};
  if (!Fits(spec.kind, e.type())) {
    return WrongType(owner, e.name(), e.type(), Expected(spec.kind));
  }
  if (spec.kind == FieldKind::kCount && ToInteger(e.value()) < 0) {
    return MongoError(kBadValue, "BSON field '" + std::string(owner) + "." + std::string(e.name()) +
                                     "' value must be >= 0, actual value '" +
                                     std::to_string(ToInteger(e.value())) + "'");
  }
  return {};
}

Status CheckRequired(bson::Document document, std::string_view owner,
                     std::span<const FieldSpec> known) {
  for (const FieldSpec& spec : known) {
    if (spec.need == Need::kRequired && !Member(document, spec.name)) {
      return MissingField(owner, spec.name);
    }
  }
  return {};
}

Status CheckMembers(bson::Document document, std::string_view owner,
                    std::span<const FieldSpec> known, std::span<const FieldSpec> generic,
                    size_t skipped) {
  size_t at = 0;
  for (const bson::Element& e : document) {
    if (at++ < skipped) continue;
    const FieldSpec* spec = FindSpec(known, e.name());
    if (spec == nullptr) spec = FindSpec(generic, e.name());
    if (spec == nullptr) return UnknownField(owner, e.name());
    if (Status status = CheckOne(owner, e, *spec); !status.ok()) return status;
    if (document[e.name()].value().bytes().data() != e.value().bytes().data()) {
      return MongoError(kDuplicateField, "BSON field '" + std::string(owner) + "." +
                                             std::string(e.name()) + "' is a duplicate field");
    }
  }
  return CheckRequired(document, owner, known);
}

}  // namespace

Status UnknownField(std::string_view owner, std::string_view name) {
  return MongoError(kUnknownField, "BSON field '" + std::string(owner) + "." + std::string(name) +
                                       "' is an unknown field.");
}

Status MissingField(std::string_view owner, std::string_view name) {
  return MongoError(kMissingField, "BSON field '" + std::string(owner) + "." + std::string(name) +
                                       "' is missing but a required field");
}

Status WrongType(std::string_view owner, std::string_view name, bson::Type got,
                 std::string_view expected) {
  return MongoError(kTypeMismatch, "BSON field '" + std::string(owner) + "." + std::string(name) +
                                       "' is the wrong type '" + std::string(TypeName(got)) +
                                       "', expected type '" + std::string(expected) + "'");
}

Status Fields::Check(bson::Document document, std::string_view owner,
                     std::span<const FieldSpec> known) {
  return CheckMembers(document, owner, known, {}, 0);
}

Status Fields::CheckCommand(bson::Document command, std::span<const FieldSpec> known) {
  return CheckMembers(command, (*command.begin()).name(), known, kGenericFields, 1);
}

bson::Value Member(bson::Document document, std::string_view name) {
  const bson::Value value = document[name].value();
  return value.IsNullish() ? bson::Value() : value;
}

bson::Document ObjectMember(bson::Document document, std::string_view name) {
  const bson::Value value = Member(document, name);
  const bool holds = value.type() == bson::Type::kObject || value.type() == bson::Type::kArray;
  return holds ? value.Doc() : bson::Document();
}

std::string_view TextMember(bson::Document document, std::string_view name) {
  const bson::Value value = Member(document, name);
  return value.type() == bson::Type::kString ? value.Text() : std::string_view();
}

bool FlagMember(bson::Document document, std::string_view name, bool otherwise) {
  const bson::Value value = Member(document, name);
  if (value.type() == bson::Type::kBool) return value.Bool();
  return value.IsNumber() ? query::IsTruthy(value) : otherwise;
}

int64_t IntegerMember(bson::Document document, std::string_view name, int64_t otherwise) {
  const bson::Value value = Member(document, name);
  return value.IsNumber() ? ToInteger(value) : otherwise;
}

int64_t ToInteger(const bson::Value& number) {
  double value = 0;
  switch (number.type()) {
    case bson::Type::kInt32: return number.Int32();
    case bson::Type::kInt64: return number.Int64();
    case bson::Type::kDouble: value = number.Double(); break;
    case bson::Type::kDecimal128: value = Decimal::FromBytes(number.Decimal128()).ToDouble(); break;
    default: return 0;
  }
  if (std::isnan(value)) return 0;
  if (value >= 9223372036854775807.0) return std::numeric_limits<int64_t>::max();
  if (value <= -9223372036854775808.0) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(value);
}

std::string_view TypeName(bson::Type type) {
  switch (type) {
    case bson::Type::kDouble: return "double";
    case bson::Type::kString: return "string";
    case bson::Type::kObject: return "object";
    case bson::Type::kArray: return "array";
    case bson::Type::kBinary: return "binData";
    case bson::Type::kUndefined: return "undefined";
    case bson::Type::kObjectId: return "objectId";
    case bson::Type::kBool: return "bool";
    case bson::Type::kDate: return "date";
    case bson::Type::kNull: return "null";
    case bson::Type::kRegex: return "regex";
    case bson::Type::kDbPointer: return "dbPointer";
    case bson::Type::kCode: return "javascript";
    case bson::Type::kSymbol: return "symbol";
    case bson::Type::kCodeWithScope: return "javascriptWithScope";
    case bson::Type::kInt32: return "int";
    case bson::Type::kTimestamp: return "timestamp";
    case bson::Type::kInt64: return "long";
    case bson::Type::kDecimal128: return "decimal";
    case bson::Type::kMinKey: return "minKey";
    case bson::Type::kMaxKey: return "maxKey";
    case bson::Type::kEnd: return "missing";
  }
  return "unknown";
}

}  // namespace nexadb::database
