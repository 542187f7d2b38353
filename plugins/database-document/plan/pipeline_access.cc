#include "plugins/database-document/plan/pipeline_access.h"

namespace nexadb::database {
namespace {

class Walk {
 public:
  Walk(const SessionImpl& session, std::string_view database)
      : session_(session), database_(database) {}

  // The depth is that of a document, which has a limit.
  Status Pipeline(bson::Document stages) const {
    for (const bson::Element& stage : stages) {
      if (stage.type() != bson::Type::kObject || stage.value().Doc().empty()) continue;
      const bson::Element named = *stage.value().Doc().begin();
      if (Status status = Stage(named.name(), named); !status.ok()) return status;
    }
    return {};
  }

 private:
  Status Stage(std::string_view name, const bson::Element& spec) const {
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
  Status Both(bson::Document members, std::string_view from) const {
    if (Status status = Reads(members[from]); !status.ok()) return status;
    const bson::Element pipeline = members["pipeline"];
    return pipeline.type() == bson::Type::kArray ? Pipeline(pipeline.value().Doc()) : Status();
  }

  Status Reads(const bson::Element& collection) const {
    if (collection.type() != bson::Type::kString) return {};
    return session_.CheckAccess(Action::kRead, database_, collection.value().Text());
  }

  const SessionImpl& session_;
  const std::string_view database_;
};

}  // namespace

Status CheckPipelineAccess(const SessionImpl& session, std::string_view database,
                           bson::Document stages) {
  return Walk(session, database).Pipeline(stages);
}

}  // namespace nexadb::database
