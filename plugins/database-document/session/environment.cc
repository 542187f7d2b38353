#include "plugins/database-document/session/environment.h"

#include "plugins/database-document/catalog/catalog.h"
#include "plugins/database-document/changes/hub.h"
#include "plugins/database-document/cursor/cursor_store.h"
#include "plugins/database-document/tasks/task_table.h"
#include "plugins/database-document/vectors/registry.h"

namespace nexadb::database {

Environment::Environment() = default;
Environment::~Environment() = default;

}  // namespace nexadb::database
