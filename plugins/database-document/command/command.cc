#include "plugins/database-document/command/command.h"

#include <algorithm>

#include "core/document/error.h"
#include "plugins/database-document/command/concerns.h"
#include "plugins/database-document/command/fields.h"
#include "plugins/database-document/plan/hint.h"
#include "plugins/database-document/session/call_meter.h"

namespace nexadb::database {

namespace {

constexpr int32_t kCommandNotFound = 59;
constexpr int32_t kInvalidNamespace = 73;
constexpr int32_t kFailedToParse = 9;

struct CommandRow {
  std::string_view name;
  CommandFunction run;
};

// In the order of their names, for halving.
constexpr CommandRow kCommands[] = {
    {"aggregate", RunAggregate},
    {"buildInfo", RunBuildInfo},
    {"buildinfo", RunBuildInfo},
    {"bulkWrite", RunBulkWrite},
    {"collMod", RunCollMod},
    {"collStats", RunCollStats},
    {"count", RunCount},
    {"create", RunCreate},
    {"createIndexes", RunCreateIndexes},
    {"dbStats", RunDbStats},
    {"dbstats", RunDbStats},
    {"delete", RunDeleteCommand},
    {"distinct", RunDistinct},
    {"drop", RunDrop},
    {"dropDatabase", RunDropDatabase},
    {"dropIndexes", RunDropIndexes},
    {"endSessions", RunEndSessions},
    {"explain", RunExplain},
    {"find", RunFind},
    {"findAndModify", RunFindAndModify},
    {"findandmodify", RunFindAndModify},
    {"getMore", RunGetMore},
    {"hello", RunHello},
    {"insert", RunInsert},
    {"isMaster", RunHello},
    {"ismaster", RunHello},
    {"killCursors", RunKillCursors},
    {"listCollections", RunListCollections},
    {"listDatabases", RunListDatabases},
    {"listIndexes", RunListIndexes},
    {"ping", RunPing},
    {"renameCollection", RunRenameCollection},
    {"update", RunUpdateCommand},
    {"validate", RunValidate},
};

constexpr bool InOrder() {
  for (size_t i = 1; i < std::size(kCommands); ++i) {
    if (kCommands[i - 1].name >= kCommands[i].name) return false;
  }
  return true;
}
static_assert(InOrder());

}  // namespace

Result<Buffer> RunCommand(SessionImpl& session, std::string_view database, bson::Document command) {
  if (command.empty()) return MongoError(kFailedToParse, "a command needs at least its name");
  const std::string_view name = (*command.begin()).name();
  const auto* row = std::lower_bound(
      std::begin(kCommands), std::end(kCommands), name,
      [](const CommandRow& a, std::string_view wanted) { return a.name < wanted; });
  if (row == std::end(kCommands) || row->name != name) {
    return MongoError(kCommandNotFound, "no such command: '" + std::string(name) + "'");
  }
  if (Status status = CheckDatabaseName(database); !status.ok()) return status;
  if (Status status = CheckConcerns(command); !status.ok()) return status;
  const bson::Value time_limit = Member(command, "maxTimeMS");
  if (time_limit.IsNumber() && ToInteger(time_limit) > 0) {
    session.LimitCall(static_cast<uint64_t>(ToInteger(time_limit)));
  }
  const CommandCall call{session, database, command};
  const CallMeter meter(session);
  bson::Builder reply;
  if (Status status = row->run(call, &reply); !status.ok()) return status;
  reply.Double("ok", 1.0);
  return Buffer::Own(reply.Finish());
}

Result<std::string_view> CollectionOf(const CommandCall& call) {
  const bson::Element first = *call.command.begin();
  if (first.type() != bson::Type::kString) {
    return MongoError(kInvalidNamespace,
                      "collection name has invalid type " + std::string(TypeName(first.type())));
  }
  const std::string_view name = first.value().Text();
  if (Status status = CheckCollectionName(call.database, name); !status.ok()) return status;
  return name;
}

Status CheckHintOf(const CommandCall& call, const ReadScope& scope, std::string_view collection) {
  const EntryPtr entry = scope.Find(call.database, collection);
  return entry == nullptr ? Status() : CheckHint(*entry, Member(call.command, "hint"));
}

query::ParseOptions ParseOptionsOf(const CommandCall& call) {
  query::ParseOptions options;
  options.now_ms = call.session.call_ms();
  options.cluster_time = (static_cast<uint64_t>(options.now_ms / 1000) << 32) | 1;
  options.let = ObjectMember(call.command, "let");
  return options;
}

}  // namespace nexadb::database
