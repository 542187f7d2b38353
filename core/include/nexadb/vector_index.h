// nexadb.vector_index: nearest vectors by document number.
//
// The database keeps the vectors themselves in storage; an index may always be rebuilt from them.
// It knows documents by a 64-bit number, filters by bitmaps over these, and scores as doubles where
// greater is nearer: cosine similarity, dot product, or minus the Euclidean distance.
//
// Changes arrive in commit order, before the commit is acknowledged. A search says which sequence
// it reads at and brings the rows that its own transaction has changed (ReadView), so that it sees
// its snapshot and its own writes, and nothing else.
#pragma once
#include "nexadb/abi.h"

namespace nexadb {

constexpr uint32_t kVectorDimensionsMax = 65535;
constexpr uint32_t kVectorHitsMax = 10000;    // k
constexpr uint32_t kVectorQueriesMax = 1000;  // in one search

enum class VectorMetric : uint32_t { kCosine = 0, kDot = 1, kL2 = 2 };

struct VectorIndexSpec {
  uint32_t struct_size = sizeof(VectorIndexSpec);
  uint32_t dimensions = 0;
  VectorMetric metric = VectorMetric::kCosine;
  uint32_t reserved = 0;
  BytesView options;  // BSON, the index's own; unknown members are kInvalidArgument
};

// Rows first, first + 1, …; row `first + i` is in when bit i % 64 of words[i / 64] is set.
struct RowBitmap {
  uint64_t first = 0;
  Span<const uint64_t> words;
};

// What the reading transaction has changed itself. `removed` names rows whose stored vector must
// not be used: deleted ones, and changed ones, which stand in `added` too.
struct VectorOverlay {
  Span<const uint64_t> removed;  // increasing
  Span<const uint64_t> added;
  Span<const float> vectors;  // added.size() * dimensions, row-major
};

struct ReadView {
  uint32_t struct_size = sizeof(ReadView);
  uint32_t reserved = 0;
  uint64_t sequence = ~uint64_t{0};  // changes above it are not seen
  VectorOverlay overlay;
};

struct VectorSearch {
  uint32_t struct_size = sizeof(VectorSearch);
  uint32_t k = 10;                    // hits a query, at most kVectorHitsMax
  Span<const float> queries;          // count * dimensions, row-major
  const RowBitmap* filter = nullptr;  // null: every row
  uint32_t has_score_min = 0;
  uint32_t exact = 0;    // an approximate index must answer exactly too
  double score_min = 0;  // with has_score_min: only hits at or above it
  ReadView view;
  uint64_t deadline_ns = 0;  // of Clock::MonotonicNs; 0 means none
};

struct VectorHit {
  uint64_t row = 0;
  double score = 0;
};

// The answer to a batch. Hits of a query are ordered by score descending, then row ascending.
class VectorHits {  // [any]
 public:
  virtual uint64_t QueryCount() noexcept = 0;
  virtual Span<const VectorHit> Hits(uint64_t query) noexcept = 0;
  virtual bool Exact() noexcept = 0;
  virtual void Release() noexcept = 0;

 protected:
  ~VectorHits() = default;
};

// One query's hits, as deep as asked: for paging and for filters applied by the caller.
class HitStream {  // [serial]
 public:
  virtual Result<uint64_t> Next(Span<VectorHit> hits) noexcept = 0;  // 0 at the end
  virtual void Release() noexcept = 0;

 protected:
  ~HitStream() = default;
};

struct VectorChange {
  enum class Op : uint32_t { kPut = 1, kErase = 2 };
  Op op = Op::kPut;
  uint32_t reserved = 0;
  uint64_t row = 0;
  Span<const float> vector;  // dimensions values, finite; empty for kErase
};

struct SearchCost {
  double cpu_ns = 0;
  uint64_t rows_read = 0;
};

class VectorIndex {
 public:
  // [serial] by the caller, in commit order: applies one commit's changes. On kResourceExhausted
  // nothing was applied.
  virtual Status Apply(uint64_t sequence, Span<const VectorChange> changes) noexcept = 0;
  // [any][worker] Concurrent with Apply.
  virtual Result<Handle<VectorHits>> Search(const VectorSearch& search) noexcept = 0;
  // [any] Exactly one query. `k` is a hint for the first batch.
  virtual Result<Handle<HitStream>> Stream(const VectorSearch& search) noexcept = 0;
  virtual SearchCost Estimate(const VectorSearch& search) noexcept = 0;  // [any][nonblocking]
  // [any] No search will ask for a sequence below this one: older versions may go.
  virtual void Forget(uint64_t oldest_sequence) noexcept = 0;
  // [worker] Makes what Apply was given durable, where the index keeps files at all.
  virtual Status Checkpoint() noexcept = 0;
  // [any] The owner replays changes after it, or rebuilds when it is 0.
  virtual uint64_t DurableSequence() noexcept = 0;
  virtual uint64_t RowCount() noexcept = 0;     // [any]
  virtual uint64_t MemoryBytes() noexcept = 0;  // [any]
  virtual void Release() noexcept = 0;

 protected:
  ~VectorIndex() = default;
};

class VectorIndexProvider {  // [any]
 public:
  static constexpr InterfaceId kInterface{"nexadb.vector_index", 0, 1};
  // "bruteforce", "hnsw": the name that collections choose by.
  virtual StringView Kind() noexcept = 0;
  // `directory` is the index's own; it may not exist yet. kInvalidArgument names the bad option.
  virtual Result<Handle<VectorIndex>> Open(StringView directory,
                                           const VectorIndexSpec& spec) noexcept = 0;
  virtual void* Facet(const InterfaceId& id) noexcept = 0;

 protected:
  ~VectorIndexProvider() = default;
};

}  // namespace nexadb
