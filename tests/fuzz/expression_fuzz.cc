// Two documents one after another: {e: EXPRESSION} and the document it is evaluated over. The value
// is well-formed, or there is an error.
// LINK: database-document.objects nexadb_document
#include <cstdlib>

#include "core/document/error.h"
#include "plugins/database-document/expression/expression.h"
#include "plugins/database-document/value/meter.h"

namespace {
using namespace nexadb;
using namespace nexadb::query;

constexpr int kLooksMax = 200;
constexpr size_t kMemoryBytes = 1u << 20;

struct Looks {
  mutable int count = 0;
  static Status Check(const void* self) {
    const bool late = ++static_cast<const Looks*>(self)->count > kLooksMax;
    return late ? MongoError(50, "late") : Status();
  }
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 10) return 0;
  const uint32_t first = bson::Load<uint32_t>(data);
  if (first < 5 || first > size) return 0;
  const BytesView spec{data, first};
  const bson::Document doc(BytesView{data + first, size - first});
  if (bson::Validate(spec) != nullptr || bson::Validate(doc.bytes()) != nullptr) return 0;
  const Looks looks;
  Meter meter(Looks::Check, &looks, kMemoryBytes);
  const MeterScope scope(&meter);
  ParseOptions options;
  options.let = doc;
  const Status let = Expression::CheckLet(options);
  if (!let.ok()) options.let = {};
  auto expression = Expression::Parse(bson::Document(spec)["e"].value(), options);
  if (!expression.ok()) return 0;
  const auto value = (*expression)->Evaluate(doc);
  if (!value.ok() || value->IsMissing()) return 0;
  const std::string wrapped = bson::Builder().Value("v", value->view()).Finish();
  if (bson::Validate(AsBytes(wrapped), 4 * bson::kNestingMax) != nullptr) std::abort();
  return 0;
}
