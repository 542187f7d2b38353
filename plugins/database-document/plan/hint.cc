#include "plugins/database-document/plan/hint.h"

#include "core/document/error.h"
#include "plugins/database-document/value/compare.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::database {

namespace {

constexpr int32_t kBadValue = 2;

bool NamesBuiltIn(const bson::Value& hint) {
  if (hint.type() == bson::Type::kString) return hint.Text() == "_id_";
  const bson::Document key = hint.Doc();
  const bson::Element first = *key.begin();
  return key.CountElements() == 1 && (first.name() == "_id" || first.name() == "$natural");
}

// {$natural: 1} and {$natural: -1} are all that there is of it.
bool NamesNoDirection(const bson::Value& hint) {
  if (hint.type() != bson::Type::kObject) return false;
  const bson::Element first = *hint.Doc().begin();
  if (first.name() != "$natural") return false;
  const auto direction = first.value().IsNumber() ? query::ExactInt64(first.value()) : std::nullopt;
  return direction != 1 && direction != -1;
}

}  // namespace

Result<Hint> ResolveHint(const CollectionEntry& entry, const bson::Value& hint) {
  const bool checks = hint.type() == bson::Type::kString || hint.type() == bson::Type::kObject;
  if (!checks || entry.kind != EntryKind::kCollection) return Hint();
  if (hint.type() == bson::Type::kObject && hint.Doc().empty()) return Hint();
  if (NamesBuiltIn(hint)) {
    if (NamesNoDirection(hint)) {
      return MongoError(kBadValue, "$natural must be set to a value of 1 or -1.");
    }
    return Hint{Hint::Kind::kCollection, nullptr};
  }
  for (const IndexEntry& index : entry.indexes) {
    const bool named = hint.type() == bson::Type::kString
                           ? hint.Text() == index.name
                           : query::CompareDocuments(hint.Doc(), index.key()) == 0;
    if (named && !index.hidden() && !index.building) return Hint{Hint::Kind::kIndex, &index};
  }
  return MongoError(kBadValue,
                    "error processing query: hint provided does not correspond to an "
                    "existing index");
}

}  // namespace nexadb::database
