// Two documents one after another: an update and what it is applied to. The result is a
// well-formed document or an error.
// LINK: database-document.objects nexadb_document
#include <cstdlib>

#include "plugins/database-document/update/updater.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nexadb;
  if (size < 10) return 0;
  const uint32_t first = bson::Load<uint32_t>(data);
  if (first < 5 || first > size) return 0;
  const BytesView update{data, first};
  const BytesView doc{data + first, size - first};
  if (bson::Validate(update) != nullptr || bson::Validate(doc) != nullptr) return 0;
  const auto updater = query::Updater::Parse(bson::Document(update).AsValue(bson::Type::kObject),
                                             bson::Document(), {});
  if (!updater.ok()) return 0;
  const auto outcome = (*updater)->Apply(bson::Document(doc), {0, false});
  if (outcome.ok() && bson::Validate(AsBytes(outcome->document), 2 * bson::kNestingMax)) {
    std::abort();
  }
  return 0;
}
