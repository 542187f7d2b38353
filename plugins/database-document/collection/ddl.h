// Making, dropping, renaming and altering collections and views. Each is one transaction and needs
// the action kManage on every namespace it touches; dropping costs the same whatever its size.
#pragma once
#include <functional>
#include <string>

#include "plugins/database-document/collection/writer.h"

namespace nexadb::database {

struct CreateRequest {
  std::string_view database;
  std::string_view collection;
  bson::Document options;  // kept in the entry: validator, timestamps, viewOn, pipeline …
  bool view = false;
};

// 48 when it exists with other options; fine when it exists alike. `needs` is what the caller's
// principal must be allowed: kManage with options, kWrite without. `check`, unless it is empty, is
// asked first, within the transaction that creates.
Status CreateCollection(SessionImpl& session, const CreateRequest& request,
                        const std::function<Status(WriteSet&)>& check = {});

struct Dropped {
  bool existed = false;
  int64_t indexes = 0;  // with _id_
};
Result<Dropped> DropCollection(SessionImpl& session, std::string_view database,
                               std::string_view collection);
// All collections and buckets. True when there was any.
Result<bool> DropDatabase(SessionImpl& session, std::string_view database);

enum class DropTarget { kNo, kYes };
// 26 when `from` is missing, 48 when `to` exists and may not be dropped. Both may be in different
// databases.
struct RenameRequest {
  std::string_view from_database, from;
  std::string_view to_database, to;
  DropTarget drop_target = DropTarget::kNo;
  BytesView uuid = {};  // the source must be this one; empty: whichever. 361 when it is another
};
Status RenameCollection(SessionImpl& session, const RenameRequest& request);

// Replaces the entry by what `change` makes of a copy. 26 when it is missing.
Status AlterCollection(SessionImpl& session, std::string_view database, std::string_view collection,
                       const std::function<Status(WriteSet&, CollectionEntry&)>& change);

// Adds the mutations that remove all that belongs to a collection.
Status EraseCollection(WriteSet& set, const CollectionEntry& entry);

}  // namespace nexadb::database
