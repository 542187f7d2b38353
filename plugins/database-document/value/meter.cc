#include "plugins/database-document/value/meter.h"

#include <atomic>

#include "core/document/error.h"
#include "plugins/database-document/value/failure.h"

namespace nexadb::query {
namespace {

// Evaluations are told apart across meters and threads, for charges that outlive theirs: a meter
// takes the numbers from its own number on, 2^32 of them.
std::atomic<uint64_t> meters_made{0};
constexpr int kEvaluationBits = 32;

}  // namespace

constinit thread_local Meter* Meter::current_ = nullptr;

Meter::Meter(Check check, const void* subject, size_t memory_bytes_max) noexcept
    : check_(check),
      subject_(subject),
      memory_bytes_max_(memory_bytes_max),
      next_evaluation_((meters_made.fetch_add(1, std::memory_order_relaxed) + 1)
                       << kEvaluationBits) {}

void Meter::Ask() {
  left_ = kStepsPerCheck;
  Require(check_(subject_));
}

void Meter::Add(size_t bytes) {
  const size_t sum = held_ + bytes;
  if (sum > memory_bytes_max_) {
    Require(MakeError(ErrorId::kMemoryLimit,
                      "the values of an expression need more memory than the query may use (" +
                          std::to_string(memory_bytes_max_) + " bytes)",
                      ErrorDetail()
                          .Text("limit", "query_memory_bytes")
                          .Int64("max", static_cast<int64_t>(memory_bytes_max_))
                          .Int64("got", static_cast<int64_t>(sum))
                          .Finish()));
  }
  held_ = sum;
}

void Charge::Raise(size_t bytes) {
  Meter* meter = Meter::Current();
  if (meter == nullptr || meter->evaluation_ == 0 || bytes <= bytes_) return;
  // What was charged to an evaluation that is over does not count any more.
  if (evaluation_ != meter->evaluation_) bytes_ = 0;
  meter->Add(bytes - bytes_);
  evaluation_ = meter->evaluation_;
  bytes_ = bytes;
}

void Charge::Drop() noexcept {
  Meter* meter = Meter::Current();
  if (bytes_ != 0 && meter != nullptr && meter->evaluation_ == evaluation_) meter->held_ -= bytes_;
  bytes_ = 0;
}

}  // namespace nexadb::query
