// Temporary files of sorts and groups that outgrow their memory, in the instance's own directory.
// A file goes when its SpillFile dies; what a killed process left is removed at the next start.
#pragma once
#include <memory>

#include "plugins/database-document/session/environment.h"
#include "plugins/database-document/stage/pipeline.h"

namespace nexadb::database {

Result<std::unique_ptr<query::SpillFile>> NewSpillFile(Environment& environment);
// [control]
Status RemoveOldSpillFiles(Environment& environment);

}  // namespace nexadb::database
