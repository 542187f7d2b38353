#include "plugins/database-document/value/failure.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/base/suggest.h"
#include "core/document/error.h"

namespace nexadb::query {
namespace {

struct NamedType {
  std::string_view name;
  bson::Type type;
};
constexpr NamedType kTypeNames[] = {
    {"missing", bson::Type::kEnd},         {"double", bson::Type::kDouble},
    {"string", bson::Type::kString},       {"object", bson::Type::kObject},
    {"array", bson::Type::kArray},         {"binData", bson::Type::kBinary},
    {"undefined", bson::Type::kUndefined}, {"objectId", bson::Type::kObjectId},
    {"bool", bson::Type::kBool},           {"date", bson::Type::kDate},
    {"null", bson::Type::kNull},           {"regex", bson::Type::kRegex},
    {"dbPointer", bson::Type::kDbPointer}, {"javascript", bson::Type::kCode},
    {"symbol", bson::Type::kSymbol},       {"javascriptWithScope", bson::Type::kCodeWithScope},
    {"int", bson::Type::kInt32},           {"timestamp", bson::Type::kTimestamp},
    {"long", bson::Type::kInt64},          {"decimal", bson::Type::kDecimal128},
    {"maxKey", bson::Type::kMaxKey},       {"minKey", bson::Type::kMinKey},
};

}  // namespace

void Fail(int number, std::string_view message) { throw QueryError{MongoError(number, message)}; }

void FailUnknown(int number, std::string_view message, std::string_view name,
                 const std::string_view* known, size_t known_count, std::string_view pointer) {
  constexpr size_t kDistanceMax = 2;
  std::string text(message);
  const std::string_view best = base::Nearest(name, {known, known + known_count}, kDistanceMax);
  if (!best.empty()) text.append(". Did you mean '").append(best).append("'?");
  bson::Builder detail;
  detail.Text("pointer", pointer).Text("got", name);
  if (!best.empty()) detail.Text("suggestion", best);
  if (number == code::kFailedToParse) detail.Int32("mongodb_code", number);
  const std::string bytes = detail.Finish();
  if (number == code::kBadValue || number == code::kFailedToParse) {
    throw QueryError{MakeError(ErrorId::kUnknownOperator, text, AsBytes(bytes))};
  }
  throw QueryError{MongoError(number, text, AsBytes(bytes))};
}

std::string_view TypeName(bson::Type type) {
  for (const NamedType& t : kTypeNames) {
    if (t.type == type) return t.name;
  }
  return "unknown";
}

bson::Type TypeNamed(std::string_view name) {
  for (const NamedType& t : kTypeNames) {
    if (t.name == name) return t.type;
  }
  return bson::Type::kEnd;
}

}  // namespace nexadb::query
