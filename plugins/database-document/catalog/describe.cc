#include "plugins/database-document/catalog/describe.h"

#include "plugins/database-document/catalog/entry.h"

namespace nexadb::database {

namespace {

constexpr uint8_t kUuidSubtype = 4;

}  // namespace

std::string_view TypeName(const CollectionEntry& entry) {
  return entry.kind == EntryKind::kView ? "view" : "collection";
}

void AppendDescription(const CollectionEntry& entry, bson::Builder* out) {
  const bool view = entry.kind == EntryKind::kView;
  out->Object("options", entry.option_document());
  out->OpenObject("info").Bool("readOnly", view);
  if (!view) out->Binary("uuid", kUuidSubtype, entry.uuid);
  out->Close();
  if (view) return;
  out->OpenObject("idIndex").Int32("v", 2);
  out->OpenObject("key").Int32("_id", 1).Close().Text("name", "_id_").Close();
}

}  // namespace nexadb::database
