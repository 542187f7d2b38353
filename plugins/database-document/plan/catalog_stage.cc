#include "plugins/database-document/plan/catalog_stage.h"

#include "core/document/error.h"
#include "plugins/database-document/catalog/describe.h"
#include "plugins/database-document/plan/list_source.h"

namespace nexadb::database {

namespace {

constexpr int32_t kTypeMismatch = 14;
constexpr int32_t kUnknownField = 40415;

bool Says(const bson::Value& spec, std::string_view name) {
  const bson::Value flag = spec.Doc()[name].value();
  return flag.type() == bson::Type::kBool && flag.Bool();
}

std::string Describe(const CollectionEntry& entry, const bson::Value& spec) {
  bson::Builder out;
  out.Text("db", entry.database).Text("ns", Namespace(entry.database, entry.name));
  out.Text("type", TypeName(entry));
  AppendDescription(entry, &out);
  // One node has no shards, which is what these two ask about.
  out.Bool("sharded", false);
  if (Says(spec, "shards")) out.OpenArray("shards").Close();
  return out.Finish();
}

}  // namespace

Status CheckListCatalog(const bson::Value& spec) {
  if (spec.type() != bson::Type::kObject) {
    return MongoError(kTypeMismatch, "$listClusterCatalog takes an object");
  }
  for (const bson::Element& e : spec.Doc()) {
    const std::string field = "BSON field '$listClusterCatalog." + std::string(e.name()) + "'";
    if (e.name() != "shards" && e.name() != "tracked" && e.name() != "balancingConfiguration") {
      return MongoError(kUnknownField, field + " is an unknown field.");
    }
    if (e.type() != bson::Type::kBool && !e.value().IsNullish()) {
      return MongoError(kTypeMismatch, field + " must be a boolean");
    }
  }
  return {};
}

query::SourcePtr OpenListCatalog(QueryContext& context, const bson::Value& spec) {
  std::vector<std::string> documents;
  for (const EntryPtr& entry : context.scope().catalog().InDatabase(context.database())) {
    const bool shown =
        entry->kind != EntryKind::kBucket &&
        context.session().CheckAccess(Action::kRead, entry->database, entry->name).ok();
    if (shown) documents.push_back(Describe(*entry, spec));
  }
  return MakeListSource(std::move(documents));
}

}  // namespace nexadb::database
