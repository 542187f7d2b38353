// The service: VectorIndexProvider "bruteforce", whose indexes keep vectors in memory and nothing
// on disk (DurableSequence is 0: the owner rebuilds them from the documents).
#pragma once
#include <memory>

#include "nexadb/vector_index.h"
#include "plugins/vector-bruteforce/rows.h"
#include "plugins/vector-bruteforce/scan.h"

namespace nexadb::bruteforce {

class Provider final : public VectorIndexProvider {
 public:
  // What `machine` names outlives the provider and its indexes. A null executor means that every
  // search stays on its caller's thread. Sets OpenBLAS, which is the process's, to one thread: the
  // pool is the kernel's.
  Provider(const Machine& machine, uint64_t memory_max);
  StringView Kind() noexcept override { return "bruteforce"; }
  // Options: {memory_max: bytes}, for this index alone.
  Result<Handle<VectorIndex>> Open(StringView directory,
                                   const VectorIndexSpec& spec) noexcept override;
  void* Facet(const InterfaceId&) noexcept override { return nullptr; }

 private:
  const Machine machine_;
  // Shared with the indexes, which may be released after the provider.
  const std::shared_ptr<MemoryBudget> budget_;
};

}  // namespace nexadb::bruteforce
