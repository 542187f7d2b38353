// createIndexes, listIndexes, dropIndexes.
#include "plugins/database-document/command/index_commands.h"
#include "core/document/error.h"
#include "plugins/database-document/collection/ddl.h"
#include "plugins/database-document/command/collation.h"
#include "plugins/database-document/command/fields.h"
#include "plugins/database-document/command/reply.h"
#include "plugins/database-document/command/wildcard_spec.h"
#include "plugins/database-document/index/build.h"
#include "plugins/database-document/index/entry_types.h"
#include "plugins/database-document/index/wildcard.h"

namespace nexadb::database {

namespace {

constexpr int32_t kBadValue = 2;
constexpr int32_t kFailedToParse = 9;
constexpr int32_t kTypeMismatch = 14;
constexpr int32_t kNamespaceNotFound = 26;
constexpr int32_t kIndexNotFound = 27;
constexpr int32_t kCannotCreateIndex = 67;
constexpr int32_t kInvalidOptions = 72;
constexpr int32_t kIndexOptionsConflict = 85;
constexpr int32_t kIndexKeySpecsConflict = 86;
constexpr int32_t kInvalidSpecification = 197;
constexpr int32_t kIndexBuildAlreadyInProgress = 340;
constexpr size_t kIndexesMax = 64;  // MongoDB's, with _id_
constexpr size_t kIndexFieldsMax = 32;

}  // namespace

// Documents expire by one date, which _id is not for.
Status CheckExpiry(bson::Document spec) {
  const bson::Element seconds = spec["expireAfterSeconds"];
  if (!seconds) return {};
  const auto refuse = [](std::string_view why) {
    return MongoError(kCannotCreateIndex, "TTL index: " + std::string(why));
  };
  if (!seconds.value().IsNumber()) return refuse("'expireAfterSeconds' must be a number");
  const int64_t value = ToInteger(seconds.value());
  if (value < 0 || value > INT32_MAX) {
    return refuse("'expireAfterSeconds' must be from 0 to 2147483647");
  }
  const bson::Document key = spec["key"].value().Doc();
  if (key.CountElements() != 1) return refuse("it has one field, not several");
  return (*key.begin()).name() == "_id" ? refuse("_id cannot expire") : Status();
}

bool IsIdKey(bson::Document key) {
  return key.CountElements() == 1 && (*key.begin()).name() == "_id" &&
         ToInteger((*key.begin()).value()) == 1;
}

bool SameKey(bson::Document a, bson::Document b) {
  if (a.CountElements() != b.CountElements()) return false;
  auto other = b.begin();
  for (const bson::Element& e : a) {
    const auto sign = [](const bson::Value& v) { return ToInteger(v) < 0; };
    if (e.name() != (*other).name() || sign(e.value()) != sign((*other).value())) return false;
    ++other;
  }
  return true;
}

namespace {

constexpr std::string_view kSpecFields[] = {"v",
                                            "key",
                                            "name",
                                            "unique",
                                            "sparse",
                                            "partialFilterExpression",
                                            "hidden",
                                            "background",
                                            "ns",
                                            "collation",
                                            "expireAfterSeconds",
                                            "wildcardProjection"};

Status CheckKeyPart(const bson::Element& part) {
  const std::string name(part.name());
  const auto refuse = [&](std::string_view why) {
    return MongoError(kCannotCreateIndex,
                      "Error in specification, field '" + name + "': " + std::string(why));
  };
  if (name.empty()) return refuse("an index key cannot be an empty field");
  if (name.front() == '.' || name.back() == '.' || name.find("..") != std::string::npos) {
    return refuse("an index key cannot contain an empty path component");
  }
  const bool special = name.front() == '$' || name.find(".$") != std::string::npos;
  if (special && !Wildcard::Is(name)) {
    return refuse("an index key cannot contain a path component that begins with '$'");
  }
  if (part.type() == bson::Type::kString) {
    return refuse("index type '" + std::string(part.value().Text()) + "' is not supported");
  }
  if (!part.value().IsNumber()) return refuse("values in an index key pattern must be numbers");
  const bool zero = part.type() == bson::Type::kDouble
                        ? !(part.value().Double() > 0 || part.value().Double() < 0)
                        : ToInteger(part.value()) == 0;
  return zero ? refuse("values in an index key pattern cannot be 0") : Status();
}

Status CheckKey(const bson::Element& key) {
  if (!key)
    return MongoError(kFailedToParse,
                      "The 'key' field is a required property of an index specification");
  if (key.type() != bson::Type::kObject) {
    return MongoError(kTypeMismatch, "The field 'key' must be an object");
  }
  const bson::Document parts = key.value().Doc();
  if (parts.empty()) return MongoError(kCannotCreateIndex, "Index keys cannot be an empty object");
  if (parts.CountElements() > kIndexFieldsMax) {
    return MongoError(13103, "an index has at most 32 fields");
  }
  for (const bson::Element& part : parts) {
    if (Status status = CheckKeyPart(part); !status.ok()) return status;
  }
  return {};
}

Status CheckMembers(bson::Document spec) {
  for (const bson::Element& e : spec) {
    const bool known = std::find(std::begin(kSpecFields), std::end(kSpecFields), e.name()) !=
                       std::end(kSpecFields);
    if (!known) {
      return MongoError(kInvalidSpecification, "The field '" + std::string(e.name()) +
                                                   "' is not valid for an index specification");
    }
    const bool flag = e.name() == "unique" || e.name() == "sparse" || e.name() == "hidden";
    if (flag && e.type() != bson::Type::kBool && !e.value().IsNumber()) {
      return MongoError(kTypeMismatch,
                        "The field '" + std::string(e.name()) + "' must be a boolean");
    }
  }
  return {};
}

Status CheckSpec(bson::Document spec) {
  if (spec.empty()) return MongoError(kFailedToParse, "an index specification cannot be empty");
  if (Status status = CheckMembers(spec); !status.ok()) return status;
  if (Status status = CheckKey(spec["key"]); !status.ok()) return status;
  const bson::Element name = spec["name"];
  if (!name)
    return MongoError(kFailedToParse,
                      "The 'name' field is a required property of an index specification");
  if (name.type() != bson::Type::kString) {
    return MongoError(kTypeMismatch, "The field 'name' must be a string");
  }
  if (name.value().Text().empty() || name.value().Text() == "*") {
    return MongoError(kCannotCreateIndex, "an index's name cannot be empty or '*'");
  }
  if (Status status = CheckWildcardSpec(spec); !status.ok()) return status;
  if (Status status = CheckExpiry(spec); !status.ok()) return status;
  const bson::Element partial = spec["partialFilterExpression"];
  if (partial && partial.type() != bson::Type::kObject) {
    return MongoError(kTypeMismatch, "The field 'partialFilterExpression' must be an object");
  }
  if (partial && FlagMember(spec, "sparse", false)) {
    return MongoError(kCannotCreateIndex,
                      "cannot mix \"partialFilterExpression\" and \"sparse\" options");
  }
  if (partial) {
    Status status = query::Matcher::Parse(partial.value().Doc(), {}).status();
    if (!status.ok()) return status;
  }
  const bson::Element collation = spec["collation"];
  if (!collation) return {};
  if (collation.type() == bson::Type::kObject && collation.value().Doc().empty()) {
    return MongoError(kBadValue, "The field 'collation' cannot be an empty object");
  }
  return KeptCollation(collation.value()).status();
}

enum class BuildState { kReady, kBuilding };

// What the specification says, or else the collection's own.
Result<query::CollationPtr> CollationFor(const CollectionEntry& entry, bson::Document spec) {
  auto given = GivenCollation(spec);
  if (!given.ok()) return given.status();
  return *given ? std::move(**given) : entry.collation;
}

// True when the index stands already. One key may have several indexes, of different collations.
Result<bool> Exists(const CollectionEntry& entry, bson::Document spec,
                    const query::Collation* collation) {
  const bson::Document key = spec["key"].value().Doc();
  const std::string_view name = spec["name"].value().Text();
  if (IsIdKey(key)) return true;
  for (const IndexEntry& index : entry.indexes) {
    const bool same_key =
        SameKey(index.key(), key) && query::SameCollation(index.collation.get(), collation);
    const bool same_options = index.unique == FlagMember(spec, "unique", false) &&
                              index.sparse == FlagMember(spec, "sparse", false);
    if (index.name == name) {
      if (same_key && same_options && index.building) {
        return MongoError(kIndexBuildAlreadyInProgress,
                          "index '" + std::string(name) + "' is being built by another command");
      }
      if (same_key && same_options) return true;
      return MongoError(
          kIndexKeySpecsConflict,
          "An existing index has the same name as the requested index: " + std::string(name));
    }
    if (same_key) {
      return MongoError(kIndexOptionsConflict,
                        "Index already exists with a different name: " + index.name);
    }
  }
  return false;
}

// Puts a new index into the entry; its id is 0 when it stands already.
Result<uint32_t> AddIndex(CollectionEntry& entry, bson::Document spec, BuildState state) {
  auto collation = CollationFor(entry, spec);
  if (!collation.ok()) return collation.status();
  auto exists = Exists(entry, spec, collation->get());
  if (!exists.ok()) return exists.status();
  if (*exists) return uint32_t{0};
  if (entry.indexes.size() + 1 >= kIndexesMax) {
    return MongoError(kCannotCreateIndex, "too many indexes: a collection has at most 64");
  }
  IndexEntry index;
  index.id = entry.TakeIndexId();
  index.name = std::string(spec["name"].value().Text());
  index.unique = FlagMember(spec, "unique", false);
  index.sparse = FlagMember(spec, "sparse", false);
  bson::Builder stored;
  stored.Int32("v", 2);
  for (const bson::Element& e : spec) {
    const bool kept =
        e.name() != "v" && e.name() != "background" && e.name() != "ns" && e.name() != "collation";
    if (kept) stored.Element(e);
  }
  if (*collation != nullptr) stored.Object("collation", (*collation)->spec());
  index.collation = std::move(*collation);
  index.spec = stored.Finish();
  index.building = state == BuildState::kBuilding;
  index.arrays.resize(index.key().CountElements());
  index.types = EntryTypes::Fit(index);
  const uint32_t id = index.id;
  entry.indexes.push_back(std::move(index));
  return id;
}

// How many indexes there were and are, and which are to be built.
struct Creation {
  size_t before = 0;
  size_t after = 0;
  bool created = false;
  IndexBuild build;
};

Status AddIndexes(const CommandCall& call, WriteSet& set, std::string_view name,
                  bson::Document specs, Creation* out) {
  *out = Creation();
  out->created = set.Find(call.database, name) == nullptr;
  auto entry = FindOrCreate(call.session, set, call.database, name, Action::kManage);
  if (!entry.ok()) return entry.status();
  // A collection that this transaction makes has no documents yet. Another's may come at any time,
  // so it is looked at only after the index is known to every writer.
  const BuildState state = out->created ? BuildState::kReady : BuildState::kBuilding;
  auto changed = std::make_shared<CollectionEntry>(**entry);
  out->before = changed->indexes.size();
  out->build = {std::string(call.database), std::string(name), changed->id, {}};
  for (const bson::Element& e : specs) {
    auto id = AddIndex(*changed, e.value().Doc(), state);
    if (!id.ok()) return id.status();
    if (*id != 0 && state == BuildState::kBuilding) out->build.indexes.push_back(*id);
    if (*id == 0) continue;
    const IndexEntry& added = changed->indexes.back();
    if (!added.types && !Wildcard::Of(added)) continue;
    const StoreFormat needs = added.types ? StoreFormat::kEntryTypes : StoreFormat::kWildcards;
    if (Status status = RaiseFormat(set.transaction(), needs); !status.ok()) return status;
  }
  out->after = changed->indexes.size();
  return out->after == out->before ? Status() : set.PutEntry(std::move(changed));
}

// Everything in the specifications that is wrong whatever the collection is.
Status CheckSpecs(bson::Document specs) {
  if (specs.empty()) return MongoError(kBadValue, "Must specify at least one index to create");
  for (const bson::Element& e : specs) {
    if (e.type() != bson::Type::kObject) {
      return MongoError(kTypeMismatch, "The elements of the 'indexes' array must be objects");
    }
    if (Status status = CheckSpec(e.value().Doc()); !status.ok()) return status;
  }
  return {};
}

}  // namespace

Status RunCreateIndexes(const CommandCall& call, bson::Builder* reply) {
  static constexpr FieldSpec kKnown[] = {{"indexes", FieldKind::kArray, Need::kRequired},
                                         {"ignoreUnknownIndexOptions", FieldKind::kBool},
                                         {"commitQuorum", FieldKind::kAny}};
  auto name = CollectionOf(call);
  if (!name.ok()) return name.status();
  if (Status status = CheckWritableName(call.database, *name); !status.ok()) return status;
  if (Status status = Fields::CheckCommand(call.command, kKnown); !status.ok()) return status;
  const bson::Document specs = ObjectMember(call.command, "indexes");
  if (Status status = CheckSpecs(specs); !status.ok()) return status;
  Status status = call.session.CheckAccess(Action::kManage, call.database, *name);
  if (!status.ok()) return status;
  if (call.session.InTransaction()) {
    return MongoError(263, "Cannot run 'createIndexes' in a multi-document transaction.");
  }
  Creation creation;
  status = RunWrite(call.session,
                    [&](WriteSet& set) { return AddIndexes(call, set, *name, specs, &creation); });
  if (status.ok() && !creation.build.indexes.empty()) {
    status = RunIndexBuild(call.session, creation.build);
  }
  if (!status.ok()) return status;
  reply->Int32("numIndexesBefore", static_cast<int32_t>(creation.before) + 1);
  reply->Int32("numIndexesAfter", static_cast<int32_t>(creation.after) + 1);
  reply->Bool("createdCollectionAutomatically", creation.created);
  if (creation.before == creation.after) reply->Text("note", "all indexes already exist");
  return {};
}

Status RunListIndexes(const CommandCall& call, bson::Builder* reply) {
  static constexpr FieldSpec kKnown[] = {{"cursor", FieldKind::kObject},
                                         {"includeBuildUUIDs", FieldKind::kFlag},
                                         {"includeIndexBuildInfo", FieldKind::kFlag}};
  auto name = CollectionOf(call);
  if (!name.ok()) return name.status();
  if (Status status = Fields::CheckCommand(call.command, kKnown); !status.ok()) return status;
  auto batch_size = CursorBatchSize(call, kFirstBatchDocuments);
  if (!batch_size.ok()) return batch_size.status();
  Status status = call.session.CheckAccess(Action::kRead, call.database, *name);
  if (!status.ok()) return status;
  auto scope = ReadScope::Open(call.session);
  if (!scope.ok()) return scope.status();
  const EntryPtr entry = (*scope)->Find(call.database, *name);
  if (entry == nullptr) {
    return MongoError(kNamespaceNotFound, "ns does not exist: " + Namespace(call.database, *name));
  }
  if (entry->kind == EntryKind::kView) {
    return MongoError(
        166, "Namespace " + Namespace(call.database, *name) + " is a view, not a collection");
  }
  std::vector<std::string> documents;
  bson::Builder id;
  id.Int32("v", 2).OpenObject("key").Int32("_id", 1).Close().Text("name", "_id_");
  documents.push_back(id.Finish());
  for (const IndexEntry& index : entry->indexes) {
    if (!index.building) documents.push_back(index.spec);
  }
  if (FlagMember(call.command, "includeIndexBuildInfo", false)) {
    for (std::string& spec : documents) {
      spec = bson::Builder().Object("spec", bson::Document(AsBytes(spec))).Finish();
    }
  }
  return AppendListCursor(call, *name, std::move(documents), *batch_size, reply);
}

namespace {

// Whether `index` of a dropIndexes command means this one.
bool Means(const bson::Value& wanted, const IndexEntry& index) {
  if (wanted.type() == bson::Type::kString) {
    return wanted.Text() == "*" || wanted.Text() == index.name;
  }
  if (wanted.type() == bson::Type::kObject) return SameKey(wanted.Doc(), index.key());
  if (wanted.type() != bson::Type::kArray) return false;
  for (const bson::Element& e : wanted.Doc()) {
    if (e.type() == bson::Type::kString && e.value().Text() == index.name) return true;
  }
  return false;
}

bool MeansId(const bson::Value& wanted) {
  if (wanted.type() == bson::Type::kString) return wanted.Text() == "_id_";
  if (wanted.type() == bson::Type::kObject) return IsIdKey(wanted.Doc());
  if (wanted.type() != bson::Type::kArray) return false;
  for (const bson::Element& e : wanted.Doc()) {
    if (e.type() == bson::Type::kString && e.value().Text() == "_id_") return true;
  }
  return false;
}

Status DropWithin(WriteSet& set, const bson::Value& wanted, CollectionEntry& entry) {
  size_t dropped = 0;
  for (auto it = entry.indexes.begin(); it != entry.indexes.end();) {
    if (!Means(wanted, *it)) {
      ++it;
      continue;
    }
    Status status = EraseIndexEntries(set, entry.id, it->id);
    if (!status.ok()) return status;
    it = entry.indexes.erase(it);
    ++dropped;
  }
  const bool all = wanted.type() == bson::Type::kString && wanted.Text() == "*";
  const size_t asked =
      wanted.type() == bson::Type::kArray ? wanted.Doc().CountElements() : size_t{1};
  // One key may mean several: of different collations, or one that is made unique.
  const bool by_key = wanted.type() == bson::Type::kObject && dropped != 0;
  if (all || by_key || dropped == asked) return {};
  return MongoError(kIndexNotFound, "index not found");
}

}  // namespace

Status RunDropIndexes(const CommandCall& call, bson::Builder* reply) {
  static constexpr FieldSpec kKnown[] = {{"index", FieldKind::kAny, Need::kRequired}};
  auto name = CollectionOf(call);
  if (!name.ok()) return name.status();
  if (Status status = Fields::CheckCommand(call.command, kKnown); !status.ok()) return status;
  const bson::Value wanted = Member(call.command, "index");
  const bool good = wanted.type() == bson::Type::kString || wanted.type() == bson::Type::kObject ||
                    wanted.type() == bson::Type::kArray;
  if (!good) return WrongType("dropIndexes", "index", wanted.type(), "string', 'object', 'array");
  if (MeansId(wanted)) return MongoError(kInvalidOptions, "cannot drop _id index");
  int32_t before = 0;
  Status status = AlterCollection(call.session, call.database, *name,
                                  [&](WriteSet& set, CollectionEntry& entry) -> Status {
                                    if (entry.kind == EntryKind::kView) {
                                      return MongoError(166, "the namespace is a view");
                                    }
                                    before = static_cast<int32_t>(entry.indexes.size()) + 1;
                                    return DropWithin(set, wanted, entry);
                                  });
  if (!status.ok()) return status;
  reply->Int32("nIndexesWas", before);
  return {};
}

}  // namespace nexadb::database
