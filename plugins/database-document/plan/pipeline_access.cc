#include "plugins/database-document/plan/pipeline_access.h"

#include <set>

namespace nexadb::database {
namespace {

// The depth of this is that of a document, which has a limit.
void AddNamed(bson::Document stages, std::vector<std::string_view>* out);

// What the stage reads from, and what it runs over that.
void AddBoth(bson::Document members, std::string_view from, std::vector<std::string_view>* out) {
  const bson::Element collection = members[from];
  if (collection.type() == bson::Type::kString) out->push_back(collection.value().Text());
  const bson::Element pipeline = members["pipeline"];
  if (pipeline.type() == bson::Type::kArray) AddNamed(pipeline.value().Doc(), out);
}

void AddNamedByStage(const bson::Element& stage, std::vector<std::string_view>* out) {
  const std::string_view name = stage.name();
  if (name == "$unionWith" && stage.type() == bson::Type::kString) {
    out->push_back(stage.value().Text());
  }
  if (stage.type() != bson::Type::kObject) return;
  const bson::Document members = stage.value().Doc();
  if (name == "$lookup" || name == "$graphLookup") return AddBoth(members, "from", out);
  if (name == "$unionWith") return AddBoth(members, "coll", out);
  if (name != "$facet") return;
  for (const bson::Element& facet : members) {
    if (facet.type() == bson::Type::kArray) AddNamed(facet.value().Doc(), out);
  }
}

void AddNamed(bson::Document stages, std::vector<std::string_view>* out) {
  for (const bson::Element& stage : stages) {
    if (stage.type() != bson::Type::kObject || stage.value().Doc().empty()) continue;
    AddNamedByStage(*stage.value().Doc().begin(), out);
  }
}

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
      for (const std::string_view name : CollectionsOfView(*view)) {
        if (status = Reads(name); !status.ok()) break;
      }
    }
    return status;
  }

 private:
  Status Pipeline(bson::Document stages) {
    for (const std::string_view name : NamedCollections(stages)) {
      if (Status status = Reads(name); !status.ok()) return status;
    }
    return {};
  }

  Status Reads(std::string_view name) {
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

std::vector<std::string_view> NamedCollections(bson::Document stages) {
  std::vector<std::string_view> names;
  AddNamed(stages, &names);
  return names;
}

std::vector<std::string_view> CollectionsOfView(const CollectionEntry& view) {
  const bson::Document options = view.option_document();
  std::vector<std::string_view> names;
  const bson::Element on = options["viewOn"];
  if (on.type() == bson::Type::kString) names.push_back(on.value().Text());
  const bson::Element pipeline = options["pipeline"];
  if (pipeline.type() == bson::Type::kArray) AddNamed(pipeline.value().Doc(), &names);
  return names;
}

Status CheckPipelineAccess(const SessionImpl& session, const CatalogState& catalog,
                           std::string_view database, bson::Document stages) {
  return Walk(session, catalog, database).Run(stages);
}

}  // namespace nexadb::database
