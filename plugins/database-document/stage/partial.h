// Partial: what $count or $group makes of a part of its input. The parts of an input are read by a
// thread each; then the results are joined in the order of the parts, and the outcome is what one
// reading of the whole would have given. Made by Stage::NewPartial.
// One thread at a time; threads may take turns.
#pragma once
#include "plugins/database-document/stage/pipeline.h"

namespace nexadb::query {

// Afterwards a source of the stage's documents. The stage outlives it.
class Partial : public DocumentSource {
 public:
  // Reads a batch; false at the input's end. Throws QueryError.
  virtual bool Read(DocumentSource& input) = 0;
  // What it holds, about.
  virtual size_t bytes() const = 0;
  // Takes over what the part behind it came to. REQUIRES: of the same stage, as another parse may
  // have made it; both have read all, and Next was not called.
  virtual void Join(Partial& later) = 0;
};

}  // namespace nexadb::query
