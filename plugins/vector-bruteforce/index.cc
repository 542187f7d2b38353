#include "plugins/vector-bruteforce/index.h"

#include <cblas.h>

#include <bit>
#include <string>

#include "core/document/error.h"
#include "nexadb/sdk/guard.h"
#include "plugins/vector-bruteforce/query.h"
#include "plugins/vector-bruteforce/stream.h"

namespace nexadb::bruteforce {
namespace {

// For the planner: one multiply-add of a single query is bound by memory, of a batch by arithmetic.
constexpr double kNsPerProductAlone = 0.25;
constexpr double kNsPerProductInBatch = 0.05;
constexpr double kNsPerSearch = 2000;

class Index final : public VectorIndex {
 public:
  Index(const VectorIndexSpec& spec, const Machine& machine, std::shared_ptr<MemoryBudget> budget,
        uint64_t memory_max)
      : dimensions_(spec.dimensions),
        metric_(spec.metric),
        machine_(machine),
        rows_(std::make_shared<Rows>(dimensions_, std::move(budget), memory_max)) {}

  Status Apply(uint64_t sequence, Span<const VectorChange> changes) noexcept override {
    return sdk::Guard([&] { return rows_->Apply(sequence, changes); });
  }

  Result<Handle<VectorHits>> Search(const VectorSearch& search) noexcept override {
    return sdk::Guard([&]() -> Result<Handle<VectorHits>> {
      Result<Request> request = Prepare(search);
      if (!request.ok()) return request.status();
      Result<std::vector<HitList>> lists = Scan(*request, machine_);
      if (!lists.ok()) return lists.status();
      return MakeHits(std::move(*lists));
    });
  }

  Result<Handle<HitStream>> Stream(const VectorSearch& search) noexcept override {
    return sdk::Guard([&]() -> Result<Handle<HitStream>> {
      Result<Request> request = Prepare(search);
      if (!request.ok()) return request.status();
      if (request->QueryCount() != 1) {
        return MakeError(ErrorId::kInvalidParameter, "a stream takes exactly one query");
      }
      return MakeStream(*request, machine_, rows_);
    });
  }

  SearchCost Estimate(const VectorSearch& search) noexcept override {
    uint64_t rows = rows_->RowCount();
    if (search.filter != nullptr) {
      uint64_t matching = 0;
      for (uint64_t word : search.filter->words) {
        matching += static_cast<uint64_t>(std::popcount(word));
      }
      rows = std::min(rows, matching);
    }
    const double queries = static_cast<double>(search.queries.size()) / dimensions_;
    const double each = queries > 1 ? kNsPerProductInBatch : kNsPerProductAlone;
    return {kNsPerSearch + static_cast<double>(rows) * dimensions_ * queries * each, rows};
  }

  void Forget(uint64_t oldest_sequence) noexcept override {
    // Without memory for the copy the garbage stays; the next call tries again.
    (void)sdk::Guard([&] {
      rows_->Forget(oldest_sequence);
      return Status::Ok();
    });
  }
  Status Checkpoint() noexcept override { return Status::Ok(); }
  uint64_t DurableSequence() noexcept override { return 0; }
  uint64_t RowCount() noexcept override { return rows_->RowCount(); }
  uint64_t MemoryBytes() noexcept override { return rows_->MemoryBytes(); }
  void Release() noexcept override { delete this; }

 private:
  Result<Request> Prepare(const VectorSearch& search) const {
    Result<Request> request = MakeRequest(search, dimensions_, metric_);
    if (request.ok()) request->view = rows_->Take(search.view.sequence);
    return request;
  }

  const uint32_t dimensions_;
  const VectorMetric metric_;
  const Machine machine_;
  const std::shared_ptr<Rows> rows_;
};

Result<uint64_t> ReadMemoryMax(BytesView options) {
  uint64_t memory_max = ~uint64_t{0} >> 1;
  if (options.empty()) return memory_max;
  if (bson::Validate(options) != nullptr) {
    return MakeError(ErrorId::kInvalidBson, "the index's options are not BSON");
  }
  for (const bson::Element& e : bson::Document(options)) {
    const std::string name(e.name());
    if (name != "memory_max") {
      return MakeError(ErrorId::kUnknownOption,
                       "bruteforce knows no option '" + name + "', only 'memory_max'",
                       ErrorDetail().Text("pointer", "/" + name).Text("got", name).Finish());
    }
    const int64_t value = e.type() == bson::Type::kInt64   ? e.value().Int64()
                          : e.type() == bson::Type::kInt32 ? e.value().Int32()
                                                           : 0;
    if (value <= 0) {
      return MakeError(ErrorId::kBadValue, "'memory_max' is a number of bytes above 0",
                       ErrorDetail().Text("pointer", "/memory_max").Finish());
    }
    memory_max = static_cast<uint64_t>(value);
  }
  return memory_max;
}

}  // namespace

Provider::Provider(const Machine& machine, uint64_t memory_max)
    : machine_(machine), budget_(std::make_shared<MemoryBudget>(memory_max)) {
  openblas_set_num_threads(1);
}

Result<Handle<VectorIndex>> Provider::Open(StringView, const VectorIndexSpec& spec) noexcept {
  return sdk::Guard([&]() -> Result<Handle<VectorIndex>> {
    if (spec.dimensions == 0 || spec.dimensions > kVectorDimensionsMax) {
      return LimitError(ErrorId::kVectorLimit, "vector_dimensions (from 1)", kVectorDimensionsMax,
                        spec.dimensions);
    }
    if (spec.metric > VectorMetric::kL2) {
      return MakeError(ErrorId::kUnknownOption, "bruteforce knows cosine, dot and l2");
    }
    Result<uint64_t> memory_max = ReadMemoryMax(spec.options);
    if (!memory_max.ok()) return memory_max.status();
    return Handle<VectorIndex>(new Index(spec, machine_, budget_, *memory_max));
  });
}

}  // namespace nexadb::bruteforce
