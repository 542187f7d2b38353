#include "plugins/vector-bruteforce/scan.h"

#include <cblas.h>

#include <cfloat>
#include <cmath>
#include <limits>

#include "core/document/error.h"
#include "nexadb/sdk/guard.h"
#include "plugins/vector-bruteforce/exact.h"

namespace nexadb::bruteforce {
namespace {

// Rows of one matrix product: its output for a full group of queries is 1 MiB, which stays in the
// second-level cache.
constexpr uint32_t kBlockRows = 1024;
constexpr uint64_t kGroupQueries = 256;
// A block with fewer eligible rows than one in so many is scored row by row: a product of the whole
// block would cost more. Measured with 100,000 rows of 384 dimensions (bench/vector): scoring a row
// costs 0.37 us, its share of a matrix-vector product 0.08 us, of a matrix product 0.01 us a query;
// the last only where all of its queries are scored, which keeps the row in the cache.
constexpr uint64_t kSparseForOne = 5;
constexpr uint64_t kSparseForMany = 12;
// Less work than this (multiply-adds, about a millisecond) stays on the calling thread.
constexpr double kSharedWorkMin = 4e6;

// The k best hits of one query so far.
class Top {
 public:
  Top(const Request& request, const Scorer& scorer)
      : scorer_(&scorer),
        k_(request.k),
        least_(request.has_score_min ? request.score_min
                                     : -std::numeric_limits<double>::infinity()),
        key_(scorer.KeyOfScore(least_)) {}
  // Rows whose key is below it cannot enter.
  double key() const { return key_; }
  void Offer(const VectorHit& hit) {
    if (hit.score < least_) return;
    if (hits_.size() == k_) {
      if (!Better(hit, hits_.front())) return;
      std::pop_heap(hits_.begin(), hits_.end(), Better);
      hits_.back() = hit;
    } else {
      hits_.push_back(hit);
    }
    std::push_heap(hits_.begin(), hits_.end(), Better);  // the worst is in front
    if (hits_.size() == k_) key_ = scorer_->KeyOfScore(hits_.front().score);
  }
  HitList& hits() { return hits_; }

 private:
  const Scorer* scorer_;
  uint64_t k_;
  double least_;
  double key_;
  HitList hits_;
};

// Queries [first, first + count) of a request over all segments, by one or more workers.
class GroupScan {
 public:
  GroupScan(const Request& request, const Scorer& scorer, const Machine& machine, uint64_t first,
            uint64_t count)
      : request_(request), scorer_(scorer), machine_(machine), first_(first), count_(count) {}

  Status Run(std::vector<HitList>& out) {
    const uint64_t workers = Workers();
    tops_.assign(workers, std::vector<Top>(count_, Top(request_, scorer_)));
    failures_.resize(workers);
    if (workers == 1) {
      failures_[0] = Work(0);
    } else {
      machine_.executor->ParallelFor(
          workers,
          [](void* self, uint64_t worker) noexcept {
            auto* scan = static_cast<GroupScan*>(self);
            scan->failures_[worker] = sdk::Guard([&] { return scan->Work(worker); });
          },
          this);
    }
    for (const Status& failure : failures_) {
      if (!failure.ok()) return failure;
    }
    for (uint64_t q = 0; q < count_; ++q) Merge(q, out[first_ + q]);
    return Status::Ok();
  }

 private:
  struct Scratch {
    std::vector<uint32_t> eligible;
    std::vector<float> products;
  };

  uint64_t Workers() const {
    const SegmentList& segments = *request_.view.segments;
    double rows = 0;
    for (const auto& segment : segments) rows += segment->Count();
    const double work = rows * request_.dimensions * static_cast<double>(count_);
    if (machine_.executor == nullptr || work < kSharedWorkMin) return 1;
    return std::clamp<uint64_t>(machine_.executor->ComputeThreads(), 1, segments.size());
  }

  Status Work(uint64_t worker) {
    Scratch scratch;
    const SegmentList& segments = *request_.view.segments;
    std::vector<Top>& tops = tops_[worker];
    for (size_t i = next_++; i < segments.size(); i = next_++) {
      const Segment& segment = *segments[i];
      for (uint32_t start = 0, rows = segment.Count(); start < rows; start += kBlockRows) {
        if (request_.deadline_ns != 0 && machine_.clock->MonotonicNs() > request_.deadline_ns) {
          return MakeError(ErrorId::kTimeLimit, "the search passed its time limit");
        }
        const uint32_t end = std::min(rows, start + kBlockRows);
        ScanBlock(segment, start, end, scratch, tops);
      }
    }
    return Status::Ok();
  }

  void ScanBlock(const Segment& segment, uint32_t start, uint32_t end, Scratch& scratch,
                 std::vector<Top>& tops) const {
    scratch.eligible.clear();
    for (uint32_t slot = start; slot < end; ++slot) {
      if (!segment.VisibleAt(slot, request_.view.sequence)) continue;
      const uint64_t row = segment.Row(slot);
      if (request_.Accepts(row) && !request_.Hides(row)) scratch.eligible.push_back(slot);
    }
    if (scratch.eligible.empty()) return;
    const uint64_t sparse = count_ == 1 ? kSparseForOne : kSparseForMany;
    if (scratch.eligible.size() * sparse < end - start) {
      for (uint32_t slot : scratch.eligible) {
        for (uint64_t q = 0; q < count_; ++q) Offer(segment, slot, q, tops[q]);
      }
      return;
    }
    Multiply(segment.Vector(start), end - start, scratch.products);
    for (uint32_t slot : scratch.eligible) {
      const Scorer::RowBound bound = scorer_.BoundOf(segment.Norm(slot));
      const float* products = &scratch.products[uint64_t{slot - start} * count_];
      for (uint64_t q = 0; q < count_; ++q) {
        const float c = products[q];
        const bool bounded = std::fabs(c) <= FLT_MAX;
        if (bounded && scorer_.Upper(first_ + q, bound, c) < tops[q].key()) continue;
        Offer(segment, slot, q, tops[q]);
      }
    }
  }

  void Offer(const Segment& segment, uint32_t slot, uint64_t q, Top& top) const {
    const double score = scorer_.Score(first_ + q, segment.Vector(slot), segment.Norm(slot));
    top.Offer({segment.Row(slot), score});
  }

  // products[row * count_ + q] = row · query.
  void Multiply(const float* rows, uint32_t row_count, std::vector<float>& products) const {
    products.resize(uint64_t{row_count} * count_);
    const int m = static_cast<int>(row_count);
    const int n = static_cast<int>(count_);
    const int d = static_cast<int>(request_.dimensions);
    const float* queries = scorer_.Scaled(first_);
    if (count_ == 1) {
      cblas_sgemv(CblasRowMajor, CblasNoTrans, m, d, 1, rows, d, queries, 1, 0, products.data(), 1);
    } else {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, d, 1, rows, d, queries, d, 0,
                  products.data(), n);
    }
  }

  void Merge(uint64_t q, HitList& out) {
    Top& all = tops_[0][q];
    for (uint64_t worker = 1; worker < tops_.size(); ++worker) {
      for (const VectorHit& hit : tops_[worker][q].hits()) all.Offer(hit);
    }
    for (uint64_t i = 0; i < request_.added.size(); ++i) {
      const uint64_t row = request_.added[i];
      if (!request_.Accepts(row)) continue;
      const float* vector = &request_.added_vectors[i * request_.dimensions];
      const double norm = std::sqrt(Exact().dot(vector, vector, request_.dimensions));
      all.Offer({row, scorer_.Score(first_ + q, vector, norm)});
    }
    out = std::move(all.hits());
    std::sort(out.begin(), out.end(), Better);
  }

  const Request& request_;
  const Scorer& scorer_;
  const Machine& machine_;
  const uint64_t first_;
  const uint64_t count_;
  std::atomic<size_t> next_{0};
  std::vector<std::vector<Top>> tops_;  // by worker, then query
  std::vector<Status> failures_;
};

}  // namespace

Result<std::vector<HitList>> Scan(const Request& request, const Machine& machine) {
  const Scorer scorer(request);
  std::vector<HitList> hits(request.QueryCount());
  for (uint64_t first = 0; first < hits.size(); first += kGroupQueries) {
    const uint64_t count = std::min<uint64_t>(kGroupQueries, hits.size() - first);
    if (Status s = GroupScan(request, scorer, machine, first, count).Run(hits); !s.ok()) return s;
  }
  return hits;
}

}  // namespace nexadb::bruteforce
