// createIndexes, listIndexes, dropIndexes. Secondary indexes keep their entries in step with the
// documents and enforce uniqueness; the planner does not read them yet, and explain says so.
#include "core/document/error.h"
#include "plugins/database-document/collection/ddl.h"
#include "plugins/database-document/command/collation.h"
#include "plugins/database-document/command/fields.h"
#include "plugins/database-document/command/reply.h"

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
constexpr int32_t kNotSupported = 115;
constexpr size_t kIndexesMax = 64;  // MongoDB's, with _id_
constexpr size_t kIndexFieldsMax = 32;
constexpr size_t kScanBatch = 256;

constexpr std::string_view kSpecFields[] = {
    "v",      "key",        "name", "unique",   "sparse", "partialFilterExpression",
    "hidden", "background", "ns",   "collation"};

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
  if (name == "$**" || name.ends_with(".$**")) return refuse("wildcard indexes are not supported");
  if (name.front() == '$' || name.find(".$") != std::string::npos) {
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
    if (e.name() == "expireAfterSeconds" || e.name() == "wildcardProjection") {
      return MongoError(kNotSupported,
                        "index option '" + std::string(e.name()) + "' is not supported");
    }
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
  return CheckCollation(ObjectMember(spec, "collation"));
}

bool IsIdKey(bson::Document key) {
  return key.CountElements() == 1 && (*key.begin()).name() == "_id" &&
         ToInteger((*key.begin()).value()) == 1;
}

// Names, order and directions.
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

// True when the index stands already.
Result<bool> Exists(const CollectionEntry& entry, bson::Document spec) {
  const bson::Document key = spec["key"].value().Doc();
  const std::string_view name = spec["name"].value().Text();
  if (IsIdKey(key)) return true;
  for (const IndexEntry& index : entry.indexes) {
    const bool same_key = SameKey(index.key(), key);
    const bool same_options = index.unique == FlagMember(spec, "unique", false) &&
                              index.sparse == FlagMember(spec, "sparse", false);
    if (index.name == name) {
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

// Entries of all documents there are, within the transaction that adds the index.
Status BuildIndex(SessionImpl& session, WriteSet& set, const CollectionEntry& entry,
                  const IndexEntry& index) {
  auto keys = IndexKeys::Compile(entry.id, index);
  if (!keys.ok()) return keys.status();
  auto everything = query::Matcher::Parse({}, {});
  if (!everything.ok()) return everything.status();
  const std::shared_ptr<const query::Matcher> filter = std::move(*everything);
  QueryContext context(session, entry.database, ReadScope::Within(set));
  CollectionScan scan(context, ChooseAccess(entry.id, *filter, ScanDirection::kForward), filter);
  std::vector<ScannedDocument> batch(kScanBatch);
  for (;;) {
    auto count = scan.Next(batch);
    if (!count.ok()) return count.status();
    if (*count == 0) return {};
    for (size_t i = 0; i < *count; ++i) {
      auto values = keys->Of(batch[i].stored.body);
      if (!values.ok()) return values.status();
      const std::string_view owner = AsText(batch[i].key).substr(sizeof(uint32_t) + 1);
      for (const std::string& value : *values) {
        const std::string key = keys->EntryKey(value, owner);
        if (index.unique && set.transaction().Get(AsBytes(key), {}).ok()) {
          const std::string taken = keys->KeyValue(batch[i].stored.body);
          return DuplicateKey(entry, index.name, index.key(), bson::Document(AsBytes(taken)));
        }
        const Mutation put{Mutation::Op::kPut, 0, AsBytes(key), AsBytes(owner)};
        Status status = set.Write(Span<const Mutation>(&put, 1));
        if (!status.ok()) return status;
      }
    }
  }
}

Status AddIndex(SessionImpl& session, WriteSet& set, CollectionEntry& entry, bson::Document spec) {
  auto exists = Exists(entry, spec);
  if (!exists.ok()) return exists.status();
  if (*exists) return {};
  if (entry.indexes.size() + 1 >= kIndexesMax) {
    return MongoError(kCannotCreateIndex, "too many indexes: a collection has at most 64");
  }
  IndexEntry index;
  for (const IndexEntry& other : entry.indexes) index.id = std::max(index.id, other.id);
  ++index.id;
  index.name = std::string(spec["name"].value().Text());
  index.unique = FlagMember(spec, "unique", false);
  index.sparse = FlagMember(spec, "sparse", false);
  bson::Builder stored;
  stored.Int32("v", 2);
  for (const bson::Element& e : spec) {
    if (e.name() != "v" && e.name() != "background" && e.name() != "ns") stored.Element(e);
  }
  index.spec = stored.Finish();
  // An index that stood under this number before, and was dropped, has left nothing behind.
  if (Status status = BuildIndex(session, set, entry, index); !status.ok()) return status;
  entry.indexes.push_back(std::move(index));
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
  if (specs.empty()) return MongoError(kBadValue, "Must specify at least one index to create");
  for (const bson::Element& e : specs) {
    if (e.type() != bson::Type::kObject) {
      return MongoError(kTypeMismatch, "The elements of the 'indexes' array must be objects");
    }
    if (Status status = CheckSpec(e.value().Doc()); !status.ok()) return status;
  }
  Status status = call.session.CheckAccess(Action::kManage, call.database, *name);
  if (!status.ok()) return status;
  if (call.session.InTransaction()) {
    return MongoError(263, "Cannot run 'createIndexes' in a multi-document transaction.");
  }
  size_t before = 0;
  size_t after = 0;
  bool created = false;
  status = RunWrite(call.session, [&](WriteSet& set) -> Status {
    created = set.Find(call.database, *name) == nullptr;
    auto entry = FindOrCreate(call.session, set, call.database, *name);
    if (!entry.ok()) return entry.status();
    auto changed = std::make_shared<CollectionEntry>(**entry);
    before = changed->indexes.size();
    for (const bson::Element& e : specs) {
      Status bad = AddIndex(call.session, set, *changed, e.value().Doc());
      if (!bad.ok()) return bad;
    }
    after = changed->indexes.size();
    return after == before ? Status() : set.PutEntry(std::move(changed));
  });
  if (!status.ok()) return status;
  reply->Int32("numIndexesBefore", static_cast<int32_t>(before) + 1);
  reply->Int32("numIndexesAfter", static_cast<int32_t>(after) + 1);
  reply->Bool("createdCollectionAutomatically", created);
  if (before == after) reply->Text("note", "all indexes already exist");
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
  for (const IndexEntry& index : entry->indexes) documents.push_back(index.spec);
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
    const std::string begin = IndexPrefix(entry.id, it->id);
    const std::string end = IndexPrefix(entry.id, it->id + 1);
    const Mutation erase{Mutation::Op::kDeleteRange, 0, AsBytes(begin), AsBytes(end)};
    Status status = set.Write(Span<const Mutation>(&erase, 1));
    if (!status.ok()) return status;
    it = entry.indexes.erase(it);
    ++dropped;
  }
  const bool all = wanted.type() == bson::Type::kString && wanted.Text() == "*";
  const size_t asked =
      wanted.type() == bson::Type::kArray ? wanted.Doc().CountElements() : size_t{1};
  if (all || dropped == asked) return {};
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
