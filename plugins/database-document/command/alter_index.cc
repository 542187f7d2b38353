#include "plugins/database-document/command/alter_index.h"

#include <algorithm>

#include "core/document/error.h"
#include "plugins/database-document/command/fields.h"
#include "plugins/database-document/command/index_commands.h"

namespace nexadb::database {

namespace {

constexpr int32_t kBadValue = 2;
constexpr int32_t kIndexNotFound = 27;
constexpr int32_t kInvalidOptions = 72;
constexpr int32_t kNotSupported = 115;

constexpr FieldSpec kChangeFields[] = {
    {"name", FieldKind::kText},          {"keyPattern", FieldKind::kObject},
    {"hidden", FieldKind::kFlag},        {"expireAfterSeconds", FieldKind::kNumber},
    {"prepareUnique", FieldKind::kFlag}, {"unique", FieldKind::kFlag}};

bool MeansId(bson::Document change) {
  return TextMember(change, "name") == "_id_" || IsIdKey(ObjectMember(change, "keyPattern"));
}

// The specification with its member `name` replaced or added.
std::string With(bson::Document spec, std::string_view name, const bson::Value& value) {
  bson::Builder out;
  for (const bson::Element& e : spec) {
    if (e.name() != name) out.Element(e);
  }
  out.Value(name, value);
  return out.Finish();
}

}  // namespace

Result<size_t> FindIndex(bson::Document change, const CollectionEntry& entry) {
  const bson::Value name = Member(change, "name");
  const auto found =
      std::find_if(entry.indexes.begin(), entry.indexes.end(), [&](const IndexEntry& index) {
        return name ? index.name == name.Text()
                    : SameKey(index.key(), ObjectMember(change, "keyPattern"));
      });
  if (found != entry.indexes.end()) return static_cast<size_t>(found - entry.indexes.begin());
  return MongoError(kIndexNotFound,
                    "cannot find an index of " + entry.name + " with the given name or keyPattern");
}

Status CheckIndexChange(bson::Document change) {
  if (Status status = Fields::Check(change, "collMod.index", kChangeFields); !status.ok()) {
    return status;
  }
  if (Member(change, "prepareUnique")) {
    return MongoError(kNotSupported,
                      "collMod: 'prepareUnique' is not supported; 'unique: true' alone refuses new "
                      "duplicates while it looks for old ones");
  }
  const bool by_name = static_cast<bool>(Member(change, "name"));
  if (by_name == static_cast<bool>(Member(change, "keyPattern"))) {
    return MongoError(kInvalidOptions, "collMod: 'index' needs either 'name' or 'keyPattern'");
  }
  if (!Member(change, "hidden") && !Member(change, "expireAfterSeconds") &&
      !Member(change, "unique")) {
    return MongoError(kInvalidOptions,
                      "collMod: 'index' needs 'hidden', 'expireAfterSeconds' or 'unique'");
  }
  if (MeansId(change)) return MongoError(kBadValue, "collMod: the _id index cannot be changed");
  return {};
}

Status AlterIndex(bson::Document change, CollectionEntry& entry, bson::Builder* reply) {
  auto at = FindIndex(change, entry);
  if (!at.ok()) return at.status();
  IndexEntry& changed = entry.indexes[*at];
  if (Member(change, "hidden")) {
    const bool hidden = FlagMember(change, "hidden", false);
    if (hidden != changed.hidden()) {
      reply->Bool("hidden_old", changed.hidden()).Bool("hidden_new", hidden);
    }
    const std::string value = bson::Builder().Bool("", hidden).Finish();
    changed.spec = With(bson::Document(AsBytes(changed.spec)), "hidden",
                        (*bson::Document(AsBytes(value)).begin()).value());
  }
  const bson::Value seconds = Member(change, "expireAfterSeconds");
  if (!seconds) return {};
  const auto before = changed.expire_after_seconds();
  changed.spec = With(bson::Document(AsBytes(changed.spec)), "expireAfterSeconds", seconds);
  if (Status status = CheckExpiry(bson::Document(AsBytes(changed.spec))); !status.ok()) {
    return status;
  }
  if (before) reply->Int64("expireAfterSeconds_old", *before);
  reply->Int64("expireAfterSeconds_new", changed.expire_after_seconds().value_or(0));
  return {};
}

}  // namespace nexadb::database
