// The meter of a running call: notices inside long evaluations that the call's time is over or that
// it was cancelled, and bounds the memory that values under evaluation take.
//
// Operators are plain functions over values and loops are everywhere, so the meter in force is the
// thread's: MeterScope puts one in force for a call of the database, and whoever loops says so with
// Meter::Work. Without a meter in force nothing is counted. A step is about the work of looking at
// one small value; counting too many costs a look at the clock, counting too few delays the answer.
//
// Memory is counted for what one evaluation (or one parse, which folds constants) makes: values of
// over kChargedBytesMin while they live, and results under construction. What a stage then keeps
// is the stage's to count. Charges may outlive the evaluation and the meter; they are then
// forgotten. A meter is used by one thread at a time. Steps and charges throw QueryError.
#pragma once
#include <cstddef>
#include <cstdint>

#include "nexadb/abi.h"

namespace nexadb::query {

class Meter {
 public:
  // Fails when the call has to end.
  using Check = Status (*)(const void* subject);
  // At 20 to 200 ns a step, a call looks at the clock about every half millisecond.
  static constexpr size_t kStepsPerCheck = 4096;
  // Bytes that are read or written in the time of a step. A power of two.
  static constexpr size_t kBytesPerStep = 64;
  // A tree of smaller values cannot add up: each hangs on an element of the query's text.
  static constexpr size_t kChargedBytesMin = 1024;

  Meter(Check check, const void* subject, size_t memory_bytes_max) noexcept;
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

  // The meter in force on this thread, or null.
  static Meter* Current() noexcept { return current_; }
  static void Work(size_t steps) {
    if (current_ != nullptr) current_->Step(steps);
  }
  static void WorkBytes(size_t bytes) { Work(1 + bytes / kBytesPerStep); }

  void Step(size_t steps) {
    if (steps < left_) {
      left_ -= steps;
    } else {
      Ask();
    }
  }

 private:
  friend class MeterScope;
  friend class EvaluationScope;
  friend class Charge;
  void Ask();
  void Add(size_t bytes);

  static constinit thread_local Meter* current_;
  Check check_;
  const void* subject_;
  size_t left_ = kStepsPerCheck;
  size_t memory_bytes_max_;
  size_t held_ = 0;
  uint64_t evaluation_ = 0;  // 0: none
  uint64_t next_evaluation_;
};

// Puts a meter in force on this thread while it lives; null leaves the one there is.
class MeterScope {
 public:
  explicit MeterScope(Meter* meter) noexcept : before_(Meter::current_) {
    if (meter != nullptr) Meter::current_ = meter;
  }
  ~MeterScope() { Meter::current_ = before_; }
  MeterScope(const MeterScope&) = delete;
  MeterScope& operator=(const MeterScope&) = delete;

 private:
  Meter* before_;
};

// Bounds the memory of what happens while it lives. An evaluation counts anew; a parse within a
// parse goes on counting with the outer one.
class EvaluationScope {
 public:
  enum class Kind { kEvaluation, kParse };
  explicit EvaluationScope(Kind kind = Kind::kEvaluation) noexcept : meter_(Meter::current_) {
    if (meter_ == nullptr) return;
    held_before_ = meter_->held_;
    evaluation_before_ = meter_->evaluation_;
    if (kind == Kind::kParse && evaluation_before_ != 0) {
      meter_ = nullptr;
      return;
    }
    meter_->held_ = 0;
    meter_->evaluation_ = ++meter_->next_evaluation_;
  }
  ~EvaluationScope() {
    if (meter_ == nullptr) return;
    meter_->held_ = held_before_;
    meter_->evaluation_ = evaluation_before_;
  }
  EvaluationScope(const EvaluationScope&) = delete;
  EvaluationScope& operator=(const EvaluationScope&) = delete;

 private:
  Meter* meter_;
  size_t held_before_ = 0;
  uint64_t evaluation_before_ = 0;
};

// Bytes that the evaluation in force holds until this is gone.
class Charge {
 public:
  Charge() noexcept = default;
  explicit Charge(size_t bytes) { Raise(bytes); }
  Charge(Charge&& o) noexcept : bytes_(o.bytes_), evaluation_(o.evaluation_) { o.bytes_ = 0; }
  Charge& operator=(Charge&& o) noexcept {
    Drop();
    bytes_ = o.bytes_;
    evaluation_ = o.evaluation_;
    o.bytes_ = 0;
    return *this;
  }
  ~Charge() { Drop(); }
  // To `bytes` in all; never less than before. Error memory_limit.
  void Raise(size_t bytes);
  void Drop() noexcept;

 private:
  size_t bytes_ = 0;
  uint64_t evaluation_ = 0;
};

}  // namespace nexadb::query
