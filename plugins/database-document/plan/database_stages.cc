#include "plugins/database-document/plan/database_stages.h"

#include "core/document/error.h"
#include "plugins/database-document/plan/catalog_stage.h"
#include "plugins/database-document/plan/stats_stages.h"
#include "plugins/database-document/plan/write_stages.h"

namespace nexadb::database {

namespace {

constexpr int32_t kUnknownStage = 40324;
constexpr int32_t kOnlyLast = 40601;
constexpr int32_t kOnlyFirst = 40602;

Status Misplaced(int32_t code, std::string_view name, std::string_view where) {
  return MongoError(code, std::string(name) + " can only be the " + std::string(where) +
                              " stage in the pipeline");
}

}  // namespace

Status CheckDatabaseStage(QueryContext& context, bson::Document stage, bool first, bool last) {
  const bson::Element e = *stage.begin();
  const std::string_view name = e.name();
  if (name == "$out" || name == "$merge") {
    if (!last) return Misplaced(kOnlyLast, name, "final");
    return name == "$out" ? CheckOutStage(context, e.value()) : CheckMergeStage(context, e.value());
  }
  if (name == "$collStats" || name == "$indexStats") {
    if (!first) return Misplaced(kOnlyFirst, name, "first");
    return name == "$collStats" ? CheckCollStats(e.value()) : CheckIndexStats(e.value());
  }
  if (name == "$listClusterCatalog") {
    return first ? CheckListCatalog(e.value()) : Misplaced(kOnlyFirst, name, "first");
  }
  return MongoError(kUnknownStage, "Unrecognized pipeline stage name: '" + std::string(name) + "'");
}

Result<query::SourcePtr> OpenDatabaseStage(QueryContext& context, std::string_view collection,
                                           bson::Document stage, query::SourcePtr input) {
  const bson::Element e = *stage.begin();
  if (e.name() == "$out") return OpenOutStage(context, e.value(), std::move(input));
  if (e.name() == "$merge") return OpenMergeStage(context, e.value(), std::move(input));
  if (e.name() == "$listClusterCatalog") return OpenListCatalog(context, e.value());
  if (e.name() == "$collStats") return OpenCollStats(context, collection, e.value());
  return OpenIndexStats(context, collection);
}

}  // namespace nexadb::database
