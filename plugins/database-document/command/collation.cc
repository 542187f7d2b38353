#include "plugins/database-document/command/collation.h"

#include "core/document/error.h"
#include "plugins/database-document/command/fields.h"

namespace nexadb::database {

Result<std::optional<query::CollationPtr>> GivenCollation(bson::Document statement) {
  const bson::Document spec = ObjectMember(statement, "collation");
  if (spec.empty()) return std::optional<query::CollationPtr>();
  auto parsed = query::Collation::Parse(spec);
  if (!parsed.ok()) return parsed.status();
  return std::optional<query::CollationPtr>(std::move(*parsed));
}

Status SetCollation(bson::Document command, std::string_view collection, QueryContext& context) {
  auto given = GivenCollation(command);
  if (!given.ok()) return given.status();
  if (*given) {
    context.set_collation(std::move(**given));
  } else if (const EntryPtr entry = context.scope().Find(context.database(), collection)) {
    context.set_collation(entry->collation);
  }
  return {};
}

Result<std::string> KeptCollation(const bson::Value& value) {
  if (value.type() != bson::Type::kObject) {
    return MongoError(
        14, "The field 'collation' must be an object, not " + std::string(TypeName(value.type())));
  }
  if (value.Doc().empty()) return MissingField("collation", "locale");
  auto parsed = query::Collation::Parse(value.Doc());
  if (!parsed.ok()) return parsed.status();
  return *parsed == nullptr ? std::string() : std::string(AsText((*parsed)->spec().bytes()));
}

}  // namespace nexadb::database
