#include "plugins/database-document/collection/ddl.h"

#include "core/document/error.h"

namespace nexadb::database {

namespace {

constexpr int32_t kNamespaceNotFound = 26;
constexpr int32_t kNamespaceExists = 48;
constexpr int32_t kInTransaction = 263;

Status NoTransaction(SessionImpl& session, std::string_view what) {
  if (!session.InTransaction()) return {};
  return MongoError(kInTransaction,
                    "Cannot run '" + std::string(what) + "' in a multi-document transaction.");
}

// Options say the same, whatever their order.
bool SameOptions(bson::Document a, bson::Document b) {
  if (a.CountElements() != b.CountElements()) return false;
  for (const bson::Element& e : a) {
    const bson::Element other = b[e.name()];
    if (!other || AsText(other.raw()) != AsText(e.raw())) return false;
  }
  return true;
}

Status CreateWithin(SessionImpl& session, WriteSet& set, const CreateRequest& request) {
  const EntryPtr existing = set.Find(request.database, request.collection);
  const EntryKind kind = request.view ? EntryKind::kView : EntryKind::kCollection;
  if (existing != nullptr) {
    if (existing->kind == kind && SameOptions(existing->option_document(), request.options)) {
      return {};
    }
    return MongoError(kNamespaceExists, "namespace " +
                                            Namespace(request.database, request.collection) +
                                            " already exists, but with different options");
  }
  if (Status status = CheckNewName(session, request.collection); !status.ok()) return status;
  auto entry = NewEntry(session.environment(), set, kind, request.database, request.collection);
  if (!entry.ok()) return entry.status();
  if (!request.options.empty()) {
    (*entry)->options = std::string(AsText(request.options.bytes()));
    const bson::Value collation = (*entry)->option_document()["collation"].value();
    if (collation.type() == bson::Type::kObject) {
      auto parsed = query::Collation::Parse(collation.Doc());
      if (!parsed.ok()) return parsed.status();
      (*entry)->collation = std::move(*parsed);
    }
  }
  return set.PutEntry(*entry);
}

}  // namespace

Status CreateCollection(SessionImpl& session, const CreateRequest& request,
                        const std::function<Status(WriteSet&)>& check) {
  Status status = CheckWritableName(request.database, request.collection);
  if (!status.ok()) return status;
  const Action needs = request.options.empty() && !request.view ? Action::kWrite : Action::kManage;
  status = session.CheckAccess(needs, request.database, request.collection);
  if (!status.ok()) return status;
  return RunWrite(session, [&](WriteSet& set) -> Status {
    if (check != nullptr) {
      if (Status refused = check(set); !refused.ok()) return refused;
    }
    return CreateWithin(session, set, request);
  });
}

Status EraseCollection(WriteSet& set, const CollectionEntry& entry) {
  if (Status status = set.RemoveEntry(entry); !status.ok()) return status;
  const KeySpan span = IdSpan(entry.id);
  const Mutation erase{Mutation::Op::kDeleteRange, 0, AsBytes(span.begin), AsBytes(span.end)};
  return set.Write(Span<const Mutation>(&erase, 1));
}

Result<Dropped> DropCollection(SessionImpl& session, std::string_view database,
                               std::string_view collection) {
  if (Status status = CheckWritableName(database, collection); !status.ok()) return status;
  if (Status status = NoTransaction(session, "drop"); !status.ok()) return status;
  Status status = session.CheckAccess(Action::kManage, database, collection);
  if (!status.ok()) return status;
  Dropped dropped;
  status = RunWrite(session, [&](WriteSet& set) -> Status {
    const EntryPtr entry = set.Find(database, collection);
    dropped.existed = entry != nullptr;
    if (entry == nullptr) return {};
    dropped.indexes =
        entry->kind == EntryKind::kView ? 0 : static_cast<int64_t>(entry->indexes.size()) + 1;
    return EraseCollection(set, *entry);
  });
  if (!status.ok()) return status;
  return dropped;
}

Result<bool> DropDatabase(SessionImpl& session, std::string_view database) {
  if (Status status = CheckDatabaseName(database); !status.ok()) return status;
  if (Status status = NoTransaction(session, "dropDatabase"); !status.ok()) return status;
  Status status = session.CheckAccess(Action::kManage, database, "");
  if (!status.ok()) return status;
  bool existed = false;
  status = RunWrite(session, [&](WriteSet& set) -> Status {
    const std::vector<EntryPtr> entries = set.catalog()->InDatabase(database);
    existed = !entries.empty();
    for (const EntryPtr& entry : entries) {
      if (Status bad = EraseCollection(set, *entry); !bad.ok()) return bad;
    }
    return {};
  });
  if (!status.ok()) return status;
  return existed;
}

namespace {

Status RenameWithin(WriteSet& set, const RenameRequest& request) {
  const EntryPtr from = set.Find(request.from_database, request.from);
  if (from == nullptr) {
    return MongoError(
        kNamespaceNotFound,
        "Source collection " + Namespace(request.from_database, request.from) + " does not exist");
  }
  if (!request.uuid.empty() &&
      AsText(request.uuid) != AsText(BytesView(from->uuid.data(), from->uuid.size()))) {
    return MongoError(361, "the collection " + Namespace(from->database, from->name) +
                               " has another UUID than collectionUUID says");
  }
  if (from->kind == EntryKind::kView) {
    return MongoError(166, "Cannot rename view: " + Namespace(from->database, from->name));
  }
  const EntryPtr to = set.Find(request.to_database, request.to);
  if (to != nullptr) {
    if (request.drop_target == DropTarget::kNo || to->kind == EntryKind::kView) {
      return MongoError(kNamespaceExists, "target namespace exists");
    }
    if (Status status = EraseCollection(set, *to); !status.ok()) return status;
  }
  if (Status status = set.RemoveEntry(*from); !status.ok()) return status;
  auto renamed = std::make_shared<CollectionEntry>(*from);
  renamed->database = request.to_database;
  renamed->name = request.to;
  return set.PutEntry(std::move(renamed));
}

}  // namespace

Status RenameCollection(SessionImpl& session, const RenameRequest& request) {
  if (Status status = NoTransaction(session, "renameCollection"); !status.ok()) return status;
  const std::string_view names[][2] = {{request.from_database, request.from},
                                       {request.to_database, request.to}};
  for (const auto& [database, name] : names) {
    if (Status status = CheckWritableName(database, name); !status.ok()) return status;
    Status status = session.CheckAccess(Action::kManage, database, name);
    if (!status.ok()) return status;
  }
  if (request.from_database == request.to_database && request.from == request.to) {
    return MongoError(20, "Can't rename a collection to itself");
  }
  return RunWrite(session, [&](WriteSet& set) { return RenameWithin(set, request); });
}

Status AlterCollection(SessionImpl& session, std::string_view database, std::string_view collection,
                       const std::function<Status(WriteSet&, CollectionEntry&)>& change) {
  if (Status status = CheckWritableName(database, collection); !status.ok()) return status;
  if (Status status = NoTransaction(session, "collMod"); !status.ok()) return status;
  Status status = session.CheckAccess(Action::kManage, database, collection);
  if (!status.ok()) return status;
  return RunWrite(session, [&](WriteSet& set) -> Status {
    const EntryPtr entry = set.Find(database, collection);
    if (entry == nullptr) {
      return MongoError(kNamespaceNotFound,
                        "ns does not exist: " + Namespace(database, collection));
    }
    auto changed = std::make_shared<CollectionEntry>(*entry);
    if (Status bad = change(set, *changed); !bad.ok()) return bad;
    return set.PutEntry(std::move(changed));
  });
}

}  // namespace nexadb::database
