// Builds indexes while writers go on. An index is first put into the catalog as `building`: from
// then on every write keeps its entries, and queries leave it alone. Then the documents are gone
// through in transactions of bounded size, each of which adds the entries of up to some thousands;
// a document that is changed meanwhile makes one of the two try again. At last the mark is taken
// away. So a build holds no lock, takes memory for one chunk, and a crash leaves a marked index,
// which the next start removes.
#pragma once
#include <string>
#include <vector>

#include "plugins/database-document/session/session.h"

namespace nexadb::database {

struct IndexBuild {
  std::string database;
  std::string collection;
  uint32_t collection_id = 0;
  std::vector<uint32_t> indexes;  // ids, all of them building
  // An index whose name and place the only one of the build takes when it is ready; 0: none.
  uint32_t replaces = 0;
};

// Fills the indexes and makes them ready. When it fails (11000, 171, a cancelled session …) they
// are gone. 276 when somebody dropped one meanwhile. [worker]
Status RunIndexBuild(SessionImpl& session, const IndexBuild& build);

// Adds the mutation that removes all entries of an index.
Status EraseIndexEntries(WriteSet& set, uint32_t collection_id, uint32_t index_id);

// At the start: removes what a crash left half-built, and builds anew the indexes of an earlier
// layout.
Status RepairIndexes(Environment& environment);

}  // namespace nexadb::database
