// LINK: nexadb_document
// Any bytes as BSON: iteration never reads past them; what Validate accepts can be written as JSON
// in every mode, checked against the limits, and that JSON is UTF-8.
#include <cstdlib>

#include "core/document/json.h"

using nexadb::BytesView;
using nexadb::JsonMode;

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

size_t Walk(nexadb::bson::Document document, int depth) {
  size_t seen = 0;
  for (const nexadb::bson::Element& e : document) {
    seen += e.name().size() + e.value().bytes().size();
    const bool nested =
        e.type() == nexadb::bson::Type::kObject || e.type() == nexadb::bson::Type::kArray;
    if (nested && depth < 50) seen += Walk(e.value().Doc(), depth + 1);
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const BytesView bytes{data, size};
  const nexadb::bson::Document document(bytes);
  (void)Walk(document, 0);  // unchecked bytes
  if (nexadb::bson::Validate(bytes) != nullptr) return 0;
  (void)nexadb::CheckDocumentLimits(document);
  for (JsonMode mode : {JsonMode::kRelaxed, JsonMode::kCanonical, JsonMode::kRest}) {
    Require(nexadb::bson::internal::ValidUtf8(nexadb::BsonToJson(document, mode)));
  }
  return 0;
}
