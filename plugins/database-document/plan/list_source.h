// A source of documents that are all there already.
#pragma once
#include <string>
#include <vector>

#include "plugins/database-document/stage/pipeline.h"

namespace nexadb::database {

query::SourcePtr MakeListSource(std::vector<std::string> documents);

}  // namespace nexadb::database
