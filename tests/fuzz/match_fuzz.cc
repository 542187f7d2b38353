// Two documents one after another: a filter and what it is tried on. Whatever well-formed bytes
// they are, parsing and matching end with an answer or an error, and equality with the key
// encoding agrees.
// LINK: database-document.objects nexadb_document
#include <cstdlib>

#include "plugins/database-document/match/matcher.h"
#include "plugins/database-document/value/compare.h"
#include "plugins/database-document/value/key_encoding.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nexadb;
  if (size < 10) return 0;
  const uint32_t first = bson::Load<uint32_t>(data);
  if (first < 5 || first > size) return 0;
  const BytesView filter{data, first};
  const BytesView doc{data + first, size - first};
  if (bson::Validate(filter) != nullptr || bson::Validate(doc) != nullptr) return 0;
  const auto matcher = query::Matcher::Parse(bson::Document(filter), {});
  if (matcher.ok()) {
    const bool answered = (*matcher)->Matches(bson::Document(doc)).ok();
    static_cast<void>(answered);
  }
  std::string x;
  std::string y;
  const bson::Value a = bson::Document(filter).AsValue(bson::Type::kObject);
  const bson::Value b = bson::Document(doc).AsValue(bson::Type::kObject);
  query::AppendKey(a, &x);
  query::AppendKey(b, &y);
  const int order = query::CompareValues(a, b);
  if ((x.compare(y) < 0) != (order < 0) || (x == y) != (order == 0)) std::abort();
  return 0;
}
