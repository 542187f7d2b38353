// Answers: VectorHits over finished lists, and HitStream, which asks again for more when its hits
// run out.
#pragma once
#include <memory>
#include <vector>

#include "nexadb/vector_index.h"
#include "plugins/vector-bruteforce/scan.h"

namespace nexadb::bruteforce {

Handle<VectorHits> MakeHits(std::vector<HitList> lists);

// Copies what `request` borrows; keeps `rows` alive and reads at the request's view throughout.
Handle<HitStream> MakeStream(const Request& request, const Machine& machine,
                             std::shared_ptr<const Rows> rows);

}  // namespace nexadb::bruteforce
