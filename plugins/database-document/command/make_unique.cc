#include "plugins/database-document/command/make_unique.h"

#include <algorithm>

#include "core/document/error.h"
#include "plugins/database-document/collection/ddl.h"
#include "plugins/database-document/collection/layout.h"
#include "plugins/database-document/command/alter_index.h"
#include "plugins/database-document/command/fields.h"
#include "plugins/database-document/command/index_commands.h"
#include "plugins/database-document/index/build.h"
#include "plugins/database-document/index/entry_types.h"
#include "plugins/database-document/index/index_keys.h"
#include "plugins/database-document/index/wildcard.h"

namespace nexadb::database {

namespace {

constexpr int32_t kBadValue = 2;
constexpr int32_t kCannotCreateIndex = 67;
constexpr int32_t kInvalidOptions = 72;
constexpr int32_t kNotInTransaction = 263;
constexpr int32_t kIndexBuildAlreadyInProgress = 340;
constexpr int32_t kCannotConvertIndexToUnique = 359;
constexpr size_t kRowsAtATime = 512;

// The documents that share values of an index, found by its entries, which come in the order of
// their values and tell whose they are.
class SharedValues {
 public:
  SharedValues(SessionImpl& session, Reader& reader, uint32_t collection_id, uint32_t index_id)
      : session_(session), reader_(reader), collection_id_(collection_id), index_id_(index_id) {}

  // Stops at kViolationIdsMax ids.
  Status Find() {
    const std::string begin = IndexPrefix(collection_id_, index_id_);
    const std::string end = IndexPrefix(collection_id_, index_id_ + 1);
    ScanOptions options;
    options.begin = AsBytes(begin);
    options.end = AsBytes(end);
    auto cursor = reader_.Scan(options);
    if (!cursor.ok()) return cursor.status();
    std::vector<Row> rows(kRowsAtATime);
    while (ids_ < kViolationIdsMax) {
      if (Status status = session_.CheckInterrupt(); !status.ok()) return status;
      session_.ExtendCall();
      auto count = (*cursor)->Next(rows);
      if (!count.ok()) return count.status();
      if (*count == 0) break;
      for (size_t i = 0; i < *count && ids_ < kViolationIdsMax; ++i) {
        if (Status status = Add(rows[i]); !status.ok()) return status;
      }
    }
    EndGroup();
    return {};
  }

  bool any() const { return ids_ != 0; }
  // [{ids: [...]}]
  std::string Violations() {
    bson::Builder out;
    for (size_t i = 0; i < groups_.size(); ++i) {
      out.OpenObject(std::to_string(i));
      out.Array("ids", bson::Document(AsBytes(groups_[i])));
      out.Close();
    }
    return out.Finish();
  }

 private:
  Status Add(const Row& row) {
    const std::string_view owner = EntryOwner(AsText(row.value));
    std::string_view values = AsText(row.key);
    values.remove_suffix(owner.size());
    if (values != values_) {
      EndGroup();
      values_ = values;
      first_ = owner;
      return {};
    }
    if (in_group_ == 0) {
      if (Status status = AddId(first_); !status.ok()) return status;
    }
    return AddId(owner);
  }

  // An entry holds the id's encoding: the document tells the id itself.
  Status AddId(std::string_view owner) {
    const std::string key = SpacePrefix(collection_id_, Space::kDocument) + std::string(owner);
    auto value = reader_.Get(AsBytes(key), {});
    if (!value.ok()) return value.status();
    auto stored = DecodeDocument(value->bytes());
    if (!stored.ok()) return stored.status();
    group_.Value(std::to_string(in_group_++), stored->body["_id"].value());
    ++ids_;
    return {};
  }

  void EndGroup() {
    if (in_group_ != 0) groups_.push_back(group_.Finish());
    group_ = bson::Builder();
    in_group_ = 0;
  }

  SessionImpl& session_;
  Reader& reader_;
  const uint32_t collection_id_;
  const uint32_t index_id_;
  std::string values_;  // of the last entry, with the index's prefix
  std::string first_;   // whose the first entry with these values is
  bson::Builder group_;
  size_t in_group_ = 0;
  size_t ids_ = 0;
  std::vector<std::string> groups_;
};

Status CheckIndexUsable(const CollectionEntry& entry, const IndexEntry& wanted) {
  const bool busy =
      std::any_of(entry.indexes.begin(), entry.indexes.end(), [&](const IndexEntry& index) {
        return index.building && SameKey(index.key(), wanted.key());
      });
  if (busy) {
    return MongoError(kIndexBuildAlreadyInProgress,
                      "index '" + wanted.name + "' is being built by another command");
  }
  if (Wildcard::Of(wanted)) {
    return MongoError(kCannotCreateIndex, "collMod: a wildcard index cannot be unique");
  }
  return {};
}

Status CheckShared(const CommandCall& call, std::string_view collection, bson::Document change) {
  auto scope = ReadScope::Open(call.session);
  if (!scope.ok()) return scope.status();
  const EntryPtr entry = (*scope)->Find(call.database, collection);
  if (entry == nullptr) return {};  // whoever changes it says so
  auto at = FindIndex(change, *entry);
  if (!at.ok()) return at.status();
  const IndexEntry& index = entry->indexes[*at];
  if (index.unique || index.building) return {};
  SharedValues shared(call.session, (*scope)->reader(), entry->id, index.id);
  if (Status status = shared.Find(); !status.ok()) return status;
  if (!shared.any()) return {};
  const std::string message = "Cannot convert the index '" + index.name +
                              "' to unique: documents have the same values; change or remove all "
                              "but one of each group in 'violations' and run it again";
  if (!call.session.CheckAccess(Action::kRead, call.database, collection).ok()) {
    return MongoError(kCannotConvertIndexToUnique, message);
  }
  const std::string violations = shared.Violations();
  const std::string detail =
      bson::Builder().Array("violations", bson::Document(AsBytes(violations))).Finish();
  return MongoError(kCannotConvertIndexToUnique, message, AsBytes(detail));
}

// Puts a unique index beside the one that is meant. No build when that one is unique already.
Status AddTwin(const CommandCall& call, bson::Document change, CollectionEntry& entry,
               IndexBuild* build) {
  *build = IndexBuild{entry.database, entry.name, entry.id, {}};
  if (entry.kind == EntryKind::kView) {
    return MongoError(kInvalidOptions, "collMod: a view has no indexes");
  }
  auto at = FindIndex(change, entry);
  if (!at.ok()) return at.status();
  const IndexEntry& index = entry.indexes[*at];
  if (Status status = CheckIndexUsable(entry, index); !status.ok()) return status;
  if (index.unique || FlagMember(call.command, "dryRun", false)) return {};
  IndexEntry twin = index;
  twin.id = entry.TakeIndexId();
  twin.name += " (made unique)";
  twin.unique = true;
  twin.building = true;
  twin.arrays = ArrayMasks();
  twin.arrays.resize(twin.key().CountElements());
  build->replaces = index.id;
  build->indexes.push_back(twin.id);
  entry.indexes.push_back(std::move(twin));
  return {};
}

// What collMod changes beside it would be done even when this fails.
Status CheckAlone(bson::Document command, bson::Document change) {
  for (const bson::Element& e : command) {
    for (const std::string_view other : {"validator", "validationLevel", "validationAction",
                                         "viewOn", "pipeline", "timestamps", "changes"}) {
      if (e.name() != other) continue;
      return MongoError(kInvalidOptions, "collMod: 'unique' goes without '" + std::string(other) +
                                             "'; change that by another collMod");
    }
  }
  for (const std::string_view other : {"hidden", "expireAfterSeconds"}) {
    if (!Member(change, other)) continue;
    return MongoError(kInvalidOptions, "collMod: 'unique' goes without '" + std::string(other) +
                                           "'; change that by another collMod");
  }
  return {};
}

}  // namespace

bool AsksForUnique(bson::Document change) { return static_cast<bool>(Member(change, "unique")); }

Status MakeUnique(const CommandCall& call, std::string_view collection, bson::Document change,
                  bson::Builder* reply) {
  if (!FlagMember(change, "unique", false)) {
    return MongoError(kBadValue, "collMod: an index can be made unique, not the reverse");
  }
  SessionImpl& session = call.session;
  Status status = CheckAlone(call.command, change);
  if (status.ok()) status = session.CheckAccess(Action::kManage, call.database, collection);
  if (!status.ok()) return status;
  if (session.InTransaction()) {
    return MongoError(kNotInTransaction, "Cannot run 'collMod' in a multi-document transaction.");
  }
  // Most refusals are known before any writer notices that the question was asked.
  if (status = CheckShared(call, collection, change); !status.ok()) return status;
  IndexBuild build;
  status = AlterCollection(
      session, call.database, collection,
      [&](WriteSet&, CollectionEntry& entry) { return AddTwin(call, change, entry, &build); });
  if (!status.ok() || build.indexes.empty()) return status;
  status = RunIndexBuild(session, build);
  if (Is(status, ErrorId::kDuplicateKey)) {
    // Written between the look and the twin's first moment.
    Status shared = CheckShared(call, collection, change);
    if (!shared.ok()) return shared;
    // By now they differ again, and none is left to be named.
    return MongoError(kCannotConvertIndexToUnique,
                      "Cannot convert the index to unique: documents had the same values for a "
                      "moment; run it again");
  }
  if (status.ok()) reply->Bool("unique_new", true);
  return status;
}

}  // namespace nexadb::database
