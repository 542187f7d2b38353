// create, collMod, drop, dropDatabase, renameCollection.
#include "core/document/error.h"
#include "plugins/database-document/changes/options.h"
#include "plugins/database-document/changes/trim.h"
#include "plugins/database-document/collection/ddl.h"
#include "plugins/database-document/command/alter_index.h"
#include "plugins/database-document/command/collation.h"
#include "plugins/database-document/command/command.h"
#include "plugins/database-document/command/fields.h"
#include "plugins/database-document/command/make_unique.h"
#include "plugins/database-document/plan/namespace_source.h"
#include "plugins/database-document/plan/pipeline_access.h"
#include "plugins/database-document/plan/pipeline_context.h"
#include "plugins/database-document/plan/view_graph.h"

namespace nexadb::database {

namespace {

constexpr int32_t kBadValue = 2;
constexpr int32_t kInvalidOptions = 72;
constexpr int32_t kInvalidNamespace = 73;
constexpr int32_t kNotSupported = 115;

constexpr FieldSpec kCreateFields[] = {
    {"capped", FieldKind::kFlag},
    {"autoIndexId", FieldKind::kFlag},
    {"idIndex", FieldKind::kObject},
    {"size", FieldKind::kNumber},
    {"max", FieldKind::kNumber},
    {"storageEngine", FieldKind::kObject},
    {"validator", FieldKind::kObject},
    {"validationLevel", FieldKind::kText},
    {"validationAction", FieldKind::kText},
    {"indexOptionDefaults", FieldKind::kObject},
    {"viewOn", FieldKind::kText},
    {"pipeline", FieldKind::kArray},
    {"collation", FieldKind::kObject},
    {"changeStreamPreAndPostImages", FieldKind::kObject},
    {"timeseries", FieldKind::kObject},
    {"clusteredIndex", FieldKind::kAny},
    {"expireAfterSeconds", FieldKind::kNumber},
    {"encryptedFields", FieldKind::kObject},
    {"timestamps", FieldKind::kBool},  // of this database: _created_at and _updated_at
    {"changes", FieldKind::kAny},      // of this database: the change log
};

// Kept in the entry and shown by listCollections. All others of kCreateFields are refused, or say
// what is so anyway.
constexpr std::string_view kKeptOptions[] = {
    "storageEngine",       "validator", "validationLevel", "validationAction",
    "indexOptionDefaults", "viewOn",    "pipeline",        "timestamps"};

Status CheckEnumeration(bson::Document command, std::string_view name,
                        std::initializer_list<std::string_view> allowed) {
  const bson::Value value = Member(command, name);
  if (!value) return {};
  for (const std::string_view a : allowed) {
    if (value.Text() == a) return {};
  }
  return MongoError(kBadValue, "Enumeration value '" + std::string(value.Text()) + "' for field '" +
                                   std::string(name) + "' is not a valid value.");
}

Status CheckValidator(const CommandCall& call) {
  const bson::Document command = call.command;
  Status status = CheckEnumeration(command, "validationLevel", {"off", "strict", "moderate"});
  if (status.ok()) status = CheckEnumeration(command, "validationAction", {"error", "warn"});
  if (!status.ok()) return status;
  const bson::Document validator = ObjectMember(command, "validator");
  return query::Matcher::Parse(validator, ParseOptionsOf(call)).status();
}

// What a view is, or is to become: the command says it, or `options`, where it has been one before.
ViewDefinition ViewOf(const CommandCall& call, std::string_view name, bson::Document options,
                      const query::Collation* collation) {
  const auto part = [&](std::string_view member) {
    return Member(call.command, member) ? call.command : options;
  };
  return {call.database, name, TextMember(part("viewOn"), "viewOn"),
          ObjectMember(part("pipeline"), "pipeline"), collation};
}

// But for how it stands to other views.
Status CheckView(const CommandCall& call, const ViewDefinition& view) {
  const auto& [database, name, on, pipeline, collation] = view;
  if (on.empty() && Member(call.command, "viewOn")) {
    return MongoError(kBadValue, "'viewOn' cannot be empty");
  }
  if (on.empty()) {
    if (!Member(call.command, "pipeline")) return {};
    return MongoError(kInvalidOptions, "'pipeline' requires 'viewOn' to also be specified");
  }
  if (Status status = CheckCollectionName(call.database, on); !status.ok()) return status;
  Status status = call.session.CheckAccess(Action::kRead, call.database, on);
  if (!status.ok()) return status;
  auto scope = ReadScope::Open(call.session);
  if (!scope.ok()) return scope.status();
  status = CheckPipelineAccess(call.session, (*scope)->catalog(), call.database, pipeline);
  if (!status.ok()) return status;
  QueryContext context(call.session, std::string(call.database), *scope);
  DatabaseContext stages(context, on);
  auto parsed = query::Pipeline::Parse(pipeline, stages, ParseOptionsOf(call));
  if (!parsed.ok()) return parsed.status();
  const std::string_view last = (*parsed)->LastStageName();
  if (last == "$out" || last == "$merge") {
    return MongoError(182,
                      std::string(last) + " is not supported in the view " + std::string(name));
  }
  return {};
}

// What a client says of the index of _id, which is as it is.
Status CheckIdIndex(bson::Document command) {
  const bson::Document spec = ObjectMember(command, "idIndex");
  if (!Member(command, "idIndex")) return {};
  static constexpr FieldSpec kKnown[] = {{"key", FieldKind::kObject, Need::kRequired},
                                         {"name", FieldKind::kText, Need::kRequired},
                                         {"v", FieldKind::kNumber},
                                         {"ns", FieldKind::kText},
                                         {"collation", FieldKind::kObject}};
  for (const bson::Element& e : spec) {
    const bool known = std::any_of(std::begin(kKnown), std::end(kKnown),
                                   [&](const FieldSpec& field) { return field.name == e.name(); });
    if (known) continue;
    return MongoError(197, "The field '" + std::string(e.name()) +
                               "' is not valid for an _id index specification");
  }
  if (Status status = Fields::Check(spec, "idIndex", kKnown); !status.ok()) return status;
  const bson::Document key = ObjectMember(spec, "key");
  const bson::Element first = *key.begin();
  if (key.CountElements() != 1 || first.name() != "_id" || !first.value().IsNumber() ||
      ToInteger(first.value()) != 1) {
    return MongoError(kBadValue, "The field 'key' for an _id index must be {_id: 1}");
  }
  return {};
}

Status CheckOfferedOptions(const CommandCall& call) {
  for (const std::string_view name : {"timeseries", "clusteredIndex", "encryptedFields",
                                      "changeStreamPreAndPostImages", "expireAfterSeconds"}) {
    if (Member(call.command, name)) {
      return MongoError(kNotSupported, "create: '" + std::string(name) + "' is not supported");
    }
  }
  if (FlagMember(call.command, "capped", false)) {
    return MongoError(kNotSupported, "create: capped collections are not supported");
  }
  if (Member(call.command, "size") || Member(call.command, "max")) {
    return MongoError(kInvalidOptions, "the 'size' and 'max' fields need 'capped: true'");
  }
  for (const bson::Element& engine : ObjectMember(call.command, "storageEngine")) {
    if (engine.type() == bson::Type::kObject) continue;
    return MongoError(kBadValue, "storageEngine." + std::string(engine.name()) +
                                     " has to be an embedded document.");
  }
  return CheckIdIndex(call.command);
}

}  // namespace

Status RunCreate(const CommandCall& call, bson::Builder*) {
  auto name = CollectionOf(call);
  if (!name.ok()) return name.status();
  Status status = Fields::CheckCommand(call.command, kCreateFields);
  if (status.ok()) status = CheckOfferedOptions(call);
  if (status.ok()) status = CheckValidator(call);
  if (!status.ok()) return status;
  auto collation = GivenCollation(call.command);
  if (!collation.ok()) return collation.status();
  const ViewDefinition view = ViewOf(call, *name, {}, collation->value_or(nullptr).get());
  if (status = CheckView(call, view); !status.ok()) return status;
  bson::Builder options;
  for (const std::string_view option : kKeptOptions) {
    if (const bson::Value value = Member(call.command, option)) options.Value(option, value);
  }
  if (const bson::Value wanted = Member(call.command, "collation")) {
    auto kept = KeptCollation(wanted);
    if (!kept.ok()) return kept.status();
    if (!kept->empty()) options.Object("collation", bson::Document(AsBytes(*kept)));
  }
  if (const bson::Value wanted = Member(call.command, "changes")) {
    auto changes = ParseChangeOptions(wanted);
    if (!changes.ok()) return changes.status();
    if (*changes && Member(call.command, "viewOn")) {
      return MongoError(kInvalidOptions, "changes: a view has none of its own");
    }
    if (*changes) {
      options.Object("changes", bson::Document(AsBytes(EncodeChangeOptions(**changes))));
    }
  }
  const std::string bytes = options.Finish();
  CreateRequest request;
  request.database = call.database;
  request.collection = *name;
  request.options = bson::Document(AsBytes(bytes));
  request.view = static_cast<bool>(Member(call.command, "viewOn"));
  if (!request.view) return CreateCollection(call.session, request);
  return CreateCollection(call.session, request,
                          [&](WriteSet& set) { return CheckViewGraph(set, view); });
}

namespace {

constexpr FieldSpec kCollModFields[] = {
    {"validator", FieldKind::kObject},      {"validationLevel", FieldKind::kText},
    {"validationAction", FieldKind::kText}, {"viewOn", FieldKind::kText},
    {"pipeline", FieldKind::kArray},        {"index", FieldKind::kObject},
    {"dryRun", FieldKind::kFlag},           {"timestamps", FieldKind::kBool},
    {"changes", FieldKind::kAny},
};

constexpr std::string_view kAlterable[] = {"validator", "validationLevel", "validationAction",
                                           "viewOn",    "pipeline",        "timestamps"};

// Starts, stops or alters the recording of changes. What is recorded stays while it goes on.
// `recorded`: it did so far.
Status AlterChanges(WriteSet& set, const bson::Value& wanted, bool recorded,
                    CollectionEntry& entry) {
  auto changes = ParseChangeOptions(wanted);
  if (!changes.ok()) return changes.status();
  bson::Builder options;
  for (const bson::Element& e : entry.option_document()) {
    if (e.name() != "changes") options.Element(e);
  }
  if (*changes) options.Object("changes", bson::Document(AsBytes(EncodeChangeOptions(**changes))));
  entry.options = options.Finish();
  return recorded == changes->has_value() ? Status() : RestartChanges(set, entry.id);
}

void AlterOptions(bson::Document command, CollectionEntry& entry) {
  bson::Builder options;
  for (const bson::Element& e : entry.option_document()) {
    if (!Member(command, e.name())) options.Element(e);
  }
  for (const std::string_view name : kAlterable) {
    if (const bson::Value value = Member(command, name)) options.Value(name, value);
  }
  entry.options = options.Finish();
}

}  // namespace

Status RunCollMod(const CommandCall& call, bson::Builder* reply) {
  auto name = CollectionOf(call);
  if (!name.ok()) return name.status();
  Status status = Fields::CheckCommand(call.command, kCollModFields);
  if (status.ok()) status = CheckValidator(call);
  const bson::Document index = ObjectMember(call.command, "index");
  if (status.ok() && Member(call.command, "index")) status = CheckIndexChange(index);
  if (!status.ok()) return status;
  if (AsksForUnique(index)) return MakeUnique(call, *name, index, reply);
  if (FlagMember(call.command, "dryRun", false)) {
    return MongoError(kInvalidOptions, "collMod: 'dryRun' goes with an index's 'unique' alone");
  }
  std::string changed;  // by the last attempt
  status = AlterCollection(
      call.session, call.database, *name, [&](WriteSet& set, CollectionEntry& entry) -> Status {
        const bool view = entry.kind == EntryKind::kView;
        const bool says_view = Member(call.command, "viewOn") || Member(call.command, "pipeline");
        if (says_view && !view) {
          return MongoError(kInvalidOptions, "'viewOn' and 'pipeline' are options of views");
        }
        Status bad;
        if (says_view) {
          const ViewDefinition definition =
              ViewOf(call, *name, entry.option_document(), entry.collation.get());
          if (bad = CheckView(call, definition); !bad.ok()) return bad;
          if (bad = CheckViewGraph(set, definition); !bad.ok()) return bad;
        }
        const bool recorded = ChangeOptionsOf(entry).has_value();
        if (!index.empty()) {
          if (view) return MongoError(kInvalidOptions, "collMod: a view has no indexes");
          bson::Builder altered;
          if (bad = AlterIndex(index, entry, &altered); !bad.ok()) return bad;
          changed = altered.Finish();
        }
        AlterOptions(call.command, entry);
        const bson::Value changes = Member(call.command, "changes");
        if (!changes) return {};
        if (view) return MongoError(kInvalidOptions, "changes: a view has none of its own");
        return AlterChanges(set, changes, recorded, entry);
      });
  if (status.ok() && !changed.empty()) reply->Elements(bson::Document(AsBytes(changed)));
  return status;
}

Status RunDrop(const CommandCall& call, bson::Builder* reply) {
  auto name = CollectionOf(call);
  if (!name.ok()) return name.status();
  if (Status status = Fields::CheckCommand(call.command, {}); !status.ok()) return status;
  auto dropped = DropCollection(call.session, call.database, *name);
  if (!dropped.ok()) return dropped.status();
  // As MongoDB since 7.0: dropping what is not there is fine.
  if (!dropped->existed) return {};
  if (dropped->indexes != 0) {
    reply->Int32("nIndexesWas", static_cast<int32_t>(dropped->indexes));
  }
  reply->Text("ns", Namespace(call.database, *name));
  return {};
}

constexpr int32_t kDropTakesOne = 5255100;

Status RunDropDatabase(const CommandCall& call, bson::Builder* reply) {
  const bson::Value first = (*call.command.begin()).value();
  if (!first.IsNumber()) {
    return WrongType("dropDatabase", "dropDatabase", first.type(),
                     "long', 'int', 'decimal', 'double");
  }
  if (ToInteger(first) != 1) {
    return MongoError(kDropTakesOne, "Have to pass 1 as 'dropDatabase' parameter");
  }
  if (Status status = Fields::CheckCommand(call.command, {}); !status.ok()) return status;
  auto existed = DropDatabase(call.session, call.database);
  if (!existed.ok()) return existed.status();
  if (*existed) reply->Text("dropped", call.database);
  return {};
}

Status RunRenameCollection(const CommandCall& call, bson::Builder*) {
  static constexpr FieldSpec kKnown[] = {{"to", FieldKind::kText, Need::kRequired},
                                         {"dropTarget", FieldKind::kBool},
                                         {"stayTemp", FieldKind::kFlag},
                                         {"collectionUUID", FieldKind::kAny}};
  const bson::Element first = *call.command.begin();
  if (first.type() != bson::Type::kString) {
    return WrongType("renameCollection", "renameCollection", first.type(), "string");
  }
  if (Status status = Fields::CheckCommand(call.command, kKnown); !status.ok()) return status;
  const std::string_view names[] = {first.value().Text(), TextMember(call.command, "to")};
  std::string_view databases[2], collections[2];
  for (size_t i = 0; i < 2; ++i) {
    const size_t dot = names[i].find('.');
    if (dot == std::string_view::npos || dot + 1 == names[i].size()) {
      return MongoError(kInvalidNamespace,
                        "Invalid namespace specified '" + std::string(names[i]) + "'");
    }
    databases[i] = names[i].substr(0, dot);
    collections[i] = names[i].substr(dot + 1);
  }
  RenameRequest request{
      databases[0], collections[0], databases[1], collections[1],
      FlagMember(call.command, "dropTarget", false) ? DropTarget::kYes : DropTarget::kNo};
  if (const bson::Value uuid = Member(call.command, "collectionUUID")) {
    constexpr uint8_t kUuidSubtype = 4;
    if (uuid.type() != bson::Type::kBinary || uuid.BinarySubtype() != kUuidSubtype) {
      return WrongType("renameCollection", "collectionUUID", uuid.type(), "UUID");
    }
    request.uuid = uuid.Binary();
  }
  return RenameCollection(call.session, request);
}

}  // namespace nexadb::database
