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

// U+0000 to U+001F, U+007F, and U+0080 to U+009F, which UTF-8 writes as C2 80 to C2 9F.
bool HoldsControl(std::string_view text) {
  uint8_t before = 0;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x20 || byte == 0x7F || (before == 0xC2 && byte >= 0x80 && byte <= 0x9F))
      return true;
    before = byte;
  }
  return false;
}

int64_t CountCharacters(std::string_view utf8) {
  return std::count_if(utf8.begin(), utf8.end(),
                       [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; });
}

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
  const bool utf8 = bson::internal::ValidUtf8(name);
  if (utf8 && !name.empty() && CountCharacters(name) <= kCollectionNameMax && name.front() != '_' &&
      name.front() != '.' && name.find_first_of("/$") == std::string_view::npos &&
      !HoldsControl(name)) {
    return Status::Ok();
  }
  // Cut at a byte, which may halve a character: then nothing of it is shown.
  std::string shown(name.substr(0, static_cast<size_t>(kCollectionNameMax)));
  if (!bson::internal::ValidUtf8(shown) || HoldsControl(shown)) shown.clear();
  return MakeError(ErrorId::kInvalidName,
                   "'" + shown +
                       "' cannot name a collection: 1 to 120 characters of UTF-8 without " +
                       "control characters, '/' and '$', beginning with neither '_' nor '.'",
                   ErrorDetail().Text("name", shown).Finish());
}

}  // namespace nexadb
