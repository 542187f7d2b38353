#include "core/document/limits.h"

#include <algorithm>
#include <string>

#include "core/document/error.h"

namespace nexadb {
namespace {

struct Shape {
  int64_t fields = 0;
  int64_t nesting = 0;
};

// The recursion is bounded: a document that is too deep stops it one level past the limit.
void Measure(bson::Document document, bool counts_fields, int64_t level, Shape& shape) {
  shape.nesting = std::max(shape.nesting, level);
  if (level > kDocumentNestingMax) return;
  for (const bson::Element& e : document) {
    if (counts_fields) ++shape.fields;
    if (e.type() == bson::Type::kObject) Measure(e.value().Doc(), true, level + 1, shape);
    if (e.type() == bson::Type::kArray) Measure(e.value().Doc(), false, level + 1, shape);
  }
}

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

Status CheckDocumentLimits(bson::Document document) {
  const auto size = static_cast<int64_t>(document.bytes().size());
  if (size > kDocumentBytesMax) {
    return LimitError(ErrorId::kDocumentTooLarge, "document_bytes", kDocumentBytesMax, size);
  }
  Shape shape;
  Measure(document, true, 1, shape);
  if (shape.nesting > kDocumentNestingMax) {
    return LimitError(ErrorId::kTooDeep, "document_nesting", kDocumentNestingMax, shape.nesting);
  }
  if (shape.fields > kDocumentFieldsMax) {
    return LimitError(ErrorId::kTooManyFields, "document_fields", kDocumentFieldsMax, shape.fields);
  }
  return Status::Ok();
}

Status CheckCollectionName(std::string_view name) {
  bool good = !name.empty() && static_cast<int64_t>(name.size()) <= kCollectionNameMax &&
              IsLetter(name.front());
  for (char c : name) {
    good = good && (IsLetter(c) || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-');
  }
  if (good) return Status::Ok();
  const std::string shown(name.substr(0, static_cast<size_t>(kCollectionNameMax)));
  return MakeError(ErrorId::kInvalidName,
                   "'" + shown + "' is not a name: 1 to 120 characters, a letter first, then " +
                       "letters, digits, '_', '.' and '-'",
                   ErrorDetail().Text("name", shown).Finish());
}

}  // namespace nexadb
