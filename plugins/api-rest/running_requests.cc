#include "plugins/api-rest/running_requests.h"

#include <algorithm>

namespace nexadb::rest {
namespace {

constexpr double kNsPerMs = 1e6;

}  // namespace

RunningRequests::Entry& RunningRequests::Entry::operator=(Entry&& other) noexcept {
  if (this != &other) {
    Leave();
    table_ = other.table_;
    number_ = other.number_;
    other.table_ = nullptr;
  }
  return *this;
}

void RunningRequests::Entry::Leave() {
  if (table_ == nullptr) return;
  Shard& shard = table_->ShardOf(number_);
  std::lock_guard lock(shard.mutex);
  shard.requests.erase(number_);
  table_ = nullptr;
}

RunningRequests::Entry RunningRequests::Enter(const Request& request) {
  const uint64_t number = next_.fetch_add(1, std::memory_order_relaxed);
  Shard& shard = ShardOf(number);
  std::lock_guard lock(shard.mutex);
  shard.requests.emplace(number, request);
  return Entry(*this, number);
}

std::vector<RequestFacts> RunningRequests::List(uint64_t now_ns, int64_t now_ms) {
  std::vector<RequestFacts> all;
  for (Shard& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    for (const auto& [number, request] : shard.requests) {
      RequestFacts facts;
      facts.number = number;
      facts.request_id = request.request_id;
      facts.trace_id = request.trace_id;
      facts.method = request.method;
      facts.path = request.path;
      facts.database = request.database;
      facts.key_id = request.key_id;
      facts.key_name = request.key_name;
      facts.body = request.body.substr(0, kBodyShownBytes);
      const uint64_t ran_ns = now_ns > request.started_ns ? now_ns - request.started_ns : 0;
      facts.took_ms = static_cast<double>(ran_ns) / kNsPerMs;
      facts.started_ms = now_ms - static_cast<int64_t>(facts.took_ms);
      all.push_back(std::move(facts));
    }
  }
  std::sort(all.begin(), all.end(),
            [](const RequestFacts& a, const RequestFacts& b) { return a.number < b.number; });
  return all;
}

size_t RunningRequests::Count() {
  size_t count = 0;
  for (Shard& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    count += shard.requests.size();
  }
  return count;
}

bool RunningRequests::Cancel(uint64_t number) {
  Shard& shard = ShardOf(number);
  std::lock_guard lock(shard.mutex);
  const auto found = shard.requests.find(number);
  if (found == shard.requests.end()) return false;
  found->second.session->Cancel();
  return true;
}

void SlowRequests::Add(RequestFacts facts) {
  std::lock_guard lock(mutex_);
  kept_.push_front(std::move(facts));
  if (kept_.size() > kKept) kept_.pop_back();
}

std::vector<RequestFacts> SlowRequests::List() {
  std::lock_guard lock(mutex_);
  return {kept_.begin(), kept_.end()};
}

}  // namespace nexadb::rest
