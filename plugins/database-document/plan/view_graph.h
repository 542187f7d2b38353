// Views that read views make a graph. A definition is refused that would close a circle in it, make
// a way through it longer than queries follow, or lead to a view of another collation: the query
// that finds that out later is not to blame.
#pragma once
#include <string_view>

#include "nexadb/bson.h"
#include "plugins/database-document/session/write_set.h"

namespace nexadb::database {

// What a view is to be: a new one, or what an old one becomes.
struct ViewDefinition {
  std::string_view database;
  std::string_view name;
  std::string_view on;
  bson::Document pipeline;
  const query::Collation* collation = nullptr;
};

// GraphContainsCycle (5), ViewDepthLimitExceeded (165) and OptionNotSupportedOnView (167), for what
// the view reads and for the views that read it, which may have been there first. Guards all of
// them, and the names that nothing has yet: of commands that would close a circle together the last
// to commit conflicts. Ways that several lengthen from above at once, and circles of older stores,
// are left to reading, which follows kViewDepthMax views at most.
Status CheckViewGraph(WriteSet& set, const ViewDefinition& view);

}  // namespace nexadb::database
