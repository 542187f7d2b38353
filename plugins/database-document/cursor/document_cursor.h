// The typed Query: find and aggregate as a cursor in this process. [serial]
#pragma once
#include "nexadb/database.h"
#include "plugins/database-document/command/command.h"

namespace nexadb::database {

// 59 for any command but find and aggregate. `after` is a position of the same find, or empty.
Result<Handle<DocumentCursor>> OpenDocumentCursor(const CommandCall& call, std::string_view after);

}  // namespace nexadb::database
