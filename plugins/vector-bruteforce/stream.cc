#include "plugins/vector-bruteforce/stream.h"

#include <utility>

#include "nexadb/sdk/guard.h"

namespace nexadb::bruteforce {
namespace {

// The next search asks for so many times as many hits, so that reading to the end costs a few
// searches and not one for each batch.
constexpr uint64_t kDeepening = 8;
constexpr uint64_t kFirstDepthMin = 64;

class ListedHits final : public VectorHits {
 public:
  explicit ListedHits(std::vector<HitList> lists) : lists_(std::move(lists)) {}
  uint64_t QueryCount() noexcept override { return lists_.size(); }
  Span<const VectorHit> Hits(uint64_t query) noexcept override {
    return query < lists_.size() ? Span<const VectorHit>(lists_[query]) : Span<const VectorHit>();
  }
  bool Exact() noexcept override { return true; }
  void Release() noexcept override { delete this; }

 private:
  const std::vector<HitList> lists_;
};

class DeepeningStream final : public HitStream {
 public:
  DeepeningStream(const Request& request, const Machine& machine, std::shared_ptr<const Rows> rows)
      : rows_(std::move(rows)),
        machine_(machine),
        request_(request),
        queries_(request.queries.begin(), request.queries.end()),
        words_(request.filter.words.begin(), request.filter.words.end()),
        added_(request.added.begin(), request.added.end()),
        added_vectors_(request.added_vectors.begin(), request.added_vectors.end()) {
    request_.queries = queries_;
    request_.filter.words = words_;
    request_.added = added_;
    request_.added_vectors = added_vectors_;
    request_.k = std::max(request.k, kFirstDepthMin);
  }

  Result<uint64_t> Next(Span<VectorHit> hits) noexcept override {
    return sdk::Guard([&]() -> Result<uint64_t> {
      uint64_t given = 0;
      while (given < hits.size()) {
        if (next_ == found_.size()) {
          if (complete_) break;
          if (Status s = Deepen(); !s.ok()) return s;
          continue;
        }
        hits[given++] = found_[next_++];
      }
      return given;
    });
  }
  void Release() noexcept override { delete this; }

 private:
  Status Deepen() {
    if (next_ != 0) request_.k *= kDeepening;
    Result<std::vector<HitList>> lists = Scan(request_, machine_);
    if (!lists.ok()) return lists.status();
    found_ = std::move((*lists)[0]);
    complete_ = found_.size() < request_.k;
    return Status::Ok();
  }

  const std::shared_ptr<const Rows> rows_;
  const Machine machine_;
  Request request_;
  const std::vector<float> queries_;
  const std::vector<uint64_t> words_;
  const std::vector<uint64_t> added_;
  const std::vector<float> added_vectors_;
  HitList found_;
  size_t next_ = 0;
  bool complete_ = false;
};

}  // namespace

Handle<VectorHits> MakeHits(std::vector<HitList> lists) {
  return Handle<VectorHits>(new ListedHits(std::move(lists)));
}

Handle<HitStream> MakeStream(const Request& request, const Machine& machine,
                             std::shared_ptr<const Rows> rows) {
  return Handle<HitStream>(new DeepeningStream(request, machine, std::move(rows)));
}

}  // namespace nexadb::bruteforce
