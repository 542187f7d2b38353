#include "plugins/database-document/collection/merge.h"

namespace nexadb::database {

namespace {

void AppendPatched(std::string_view name, const bson::Value& old, const bson::Value& patch,
                   bson::Builder& out) {
  if (patch.type() == bson::Type::kNull) return;
  if (patch.type() != bson::Type::kObject) {
    out.Value(name, patch);
    return;
  }
  const bson::Document base = old.type() == bson::Type::kObject ? old.Doc() : bson::Document();
  const std::string merged = MergePatch(base, patch.Doc());
  out.Object(name, bson::Document(AsBytes(merged)));
}

}  // namespace

std::string SetFields(bson::Document document, bson::Document fields) {
  bson::Builder out;
  for (const bson::Element& e : document) {
    const bson::Element set = fields[e.name()];
    out.Element(set ? set : e);
  }
  for (const bson::Element& e : fields) {
    if (!document[e.name()]) out.Element(e);
  }
  return out.Finish();
}

std::string MergePatch(bson::Document document, bson::Document patch) {
  bson::Builder out;
  for (const bson::Element& e : document) {
    if (const bson::Element change = patch[e.name()]) {
      AppendPatched(e.name(), e.value(), change.value(), out);
    } else {
      out.Element(e);
    }
  }
  for (const bson::Element& e : patch) {
    if (!document[e.name()]) AppendPatched(e.name(), bson::Value(), e.value(), out);
  }
  return out.Finish();
}

}  // namespace nexadb::database
