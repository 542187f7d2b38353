#include "plugins/database-document/value/failure.h"

#include <algorithm>
#include <array>
#include <vector>

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

// Edits that turn one word into the other; names are short, so the plain table will do.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

void Fail(int number, std::string_view message) { throw QueryError{MongoError(number, message)}; }

void FailUnknown(int number, std::string_view message, std::string_view name,
                 const std::string_view* known, size_t known_count, std::string_view pointer) {
  constexpr size_t kDistanceMax = 2;
  constexpr size_t kNameBytesMax = 64;
  std::string text(message);
  std::string_view best;
  size_t best_distance = kDistanceMax + 1;
  if (name.size() <= kNameBytesMax) {
    for (size_t i = 0; i < known_count; ++i) {
      const size_t distance = EditDistance(name, known[i]);
      if (distance < best_distance) {
        best_distance = distance;
        best = known[i];
      }
    }
  }
  if (!best.empty()) text.append(". Did you mean '").append(best).append("'?");
  bson::Builder detail;
  detail.Text("pointer", pointer).Text("got", name);
  if (!best.empty()) detail.Text("suggestion", best);
  const std::string bytes = detail.Finish();
  if (number == code::kBadValue) {
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
