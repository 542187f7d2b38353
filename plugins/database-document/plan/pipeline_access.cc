#include "plugins/database-document/plan/pipeline_access.h"

#include <set>

namespace nexadb::database {
namespace {

class Walk {
 public:
  Walk(const SessionImpl& session, const CatalogState& catalog, std::string_view database)
      : session_(session), catalog_(catalog), database_(database) {}

  Status Run(bson::Document stages) {
    Status status = Pipeline(stages);
    // One after another, each once: views may name each other as often as they like.
    while (status.ok() && !views_.empty()) {
      const EntryPtr view = std::move(views_.back());
      views_.pop_back();
      const bson::Document options = view->option_document();
      status = Reads(options["viewOn"]);
      const bson::Element pipeline = options["pipeline"];
      if (status.ok() && pipeline.type() == bson::Type::kArray) {
        status = Pipeline(pipeline.value().Doc());
      }
    }
    return status;
  }

 private:
  // The depth is that of a document, which has a limit.
  Status Pipeline(bson::Document stages) {
    for (const bson::Element& stage : stages) {
      if (stage.type() != bson::Type::kObject || stage.value().Doc().empty()) continue;
      const bson::Element named = *stage.value().Doc().begin();
      if (Status status = Stage(named.name(), named); !status.ok()) return status;
    }
    return {};
  }

  Status Stage(std::string_view name, const bson::Element& spec) {
    if (name == "$unionWith" && spec.type() == bson::Type::kString) return Reads(spec);
    if (spec.type() != bson::Type::kObject) return {};
    const bson::Document members = spec.value().Doc();
    if (name == "$lookup" || name == "$graphLookup") return Both(members, "from");
    if (name == "$unionWith") return Both(members, "coll");
    if (name != "$facet") return {};
    for (const bson::Element& facet : members) {
      if (facet.type() != bson::Type::kArray) continue;
      if (Status status = Pipeline(facet.value().Doc()); !status.ok()) return status;
    }
    return {};
  }

  // What the stage reads from, and what it runs over that.
  Status Both(bson::Document members, std::string_view from) {
    if (Status status = Reads(members[from]); !status.ok()) return status;
    const bson::Element pipeline = members["pipeline"];
    return pipeline.type() == bson::Type::kArray ? Pipeline(pipeline.value().Doc()) : Status();
  }

  Status Reads(const bson::Element& collection) {
    if (collection.type() != bson::Type::kString) return {};
    const std::string_view name = collection.value().Text();
    if (Status status = session_.CheckAccess(Action::kRead, database_, name); !status.ok()) {
      return status;
    }
    EntryPtr entry = catalog_.Find(database_, name);
    const bool view = entry != nullptr && entry->kind == EntryKind::kView;
    if (view && seen_.emplace(name).second) views_.push_back(std::move(entry));
    return {};
  }

  const SessionImpl& session_;
  const CatalogState& catalog_;
  const std::string_view database_;
  std::set<std::string> seen_;   // views
  std::vector<EntryPtr> views_;  // to be walked
};

}  // namespace

Status CheckPipelineAccess(const SessionImpl& session, const CatalogState& catalog,
                           std::string_view database, bson::Document stages) {
  return Walk(session, catalog, database).Run(stages);
}

}  // namespace nexadb::database
