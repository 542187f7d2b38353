// Commands: MongoDB's command documents, dispatched by name to one function each. The table stands
// in command.cc; every function checks its command's members first, then access, then acts.
#pragma once
#include <string_view>

#include "nexadb/bson.h"
#include "plugins/database-document/session/read_scope.h"
#include "plugins/database-document/value/parse_options.h"

namespace nexadb::database {

struct CommandCall {
  SessionImpl& session;
  std::string_view database;
  bson::Document command;

  std::string_view name() const { return (*command.begin()).name(); }
  Environment& environment() const { return session.environment(); }
};

// Appends the reply's members, without `ok`.
using CommandFunction = Status (*)(const CommandCall& call, bson::Builder* reply);

// The whole reply. 59 for a command that nobody knows. REQUIRES: `command` is well-formed.
Result<Buffer> RunCommand(SessionImpl& session, std::string_view database, bson::Document command);

// The collection that the command's first member names; 73 when it is not a text or no good name.
Result<std::string_view> CollectionOf(const CommandCall& call);

// 2 for a hint that names no index of the collection.
Status CheckHintOf(const CommandCall& call, const ReadScope& scope, std::string_view collection);

// What filters of this call are parsed with. Borrows the command's `let`.
query::ParseOptions ParseOptionsOf(const CommandCall& call);

// Reads.
Status RunFind(const CommandCall& call, bson::Builder* reply);
Status RunAggregate(const CommandCall& call, bson::Builder* reply);
Status RunCount(const CommandCall& call, bson::Builder* reply);
Status RunDistinct(const CommandCall& call, bson::Builder* reply);
Status RunExplain(const CommandCall& call, bson::Builder* reply);
// Cursors.
Status RunGetMore(const CommandCall& call, bson::Builder* reply);
Status RunKillCursors(const CommandCall& call, bson::Builder* reply);
// Writes.
Status RunBulkWrite(const CommandCall& call, bson::Builder* reply);
Status RunInsert(const CommandCall& call, bson::Builder* reply);
Status RunUpdateCommand(const CommandCall& call, bson::Builder* reply);
Status RunDeleteCommand(const CommandCall& call, bson::Builder* reply);
Status RunFindAndModify(const CommandCall& call, bson::Builder* reply);
// Collections and databases.
Status RunCreate(const CommandCall& call, bson::Builder* reply);
Status RunCollMod(const CommandCall& call, bson::Builder* reply);
Status RunDrop(const CommandCall& call, bson::Builder* reply);
Status RunDropDatabase(const CommandCall& call, bson::Builder* reply);
Status RunRenameCollection(const CommandCall& call, bson::Builder* reply);
Status RunListCollections(const CommandCall& call, bson::Builder* reply);
Status RunListDatabases(const CommandCall& call, bson::Builder* reply);
// Indexes.
Status RunCreateIndexes(const CommandCall& call, bson::Builder* reply);
Status RunListIndexes(const CommandCall& call, bson::Builder* reply);
Status RunDropIndexes(const CommandCall& call, bson::Builder* reply);
// The server and its state.
Status RunPing(const CommandCall& call, bson::Builder* reply);
Status RunHello(const CommandCall& call, bson::Builder* reply);
Status RunBuildInfo(const CommandCall& call, bson::Builder* reply);
Status RunEndSessions(const CommandCall& call, bson::Builder* reply);
Status RunDbStats(const CommandCall& call, bson::Builder* reply);
Status RunCollStats(const CommandCall& call, bson::Builder* reply);
Status RunValidate(const CommandCall& call, bson::Builder* reply);

}  // namespace nexadb::database
