// find and aggregate as streams, for the commands, for explain and for the typed Query.
#pragma once
#include <memory>

#include "plugins/database-document/command/command.h"
#include "plugins/database-document/cursor/query_stream.h"
#include "plugins/database-document/plan/find_request.h"
#include "plugins/database-document/plan/find_source.h"

namespace nexadb::database {

Result<FindRequest> ParseFindRequest(const CommandCall& call);

struct FindStream {
  std::unique_ptr<QueryStream> stream;
  FindSource* source = nullptr;  // inside the stream
};
// The stream keeps nothing of the command's bytes. `after` as FindSource::Open has it.
Result<FindStream> OpenFind(const CommandCall& call, const FindRequest& request,
                            std::string_view after);

Result<std::unique_ptr<QueryStream>> OpenAggregate(const CommandCall& call);
// Checks an aggregate's members. The collection, or empty for {aggregate: 1}.
Result<std::string_view> CheckAggregate(const CommandCall& call);

}  // namespace nexadb::database
