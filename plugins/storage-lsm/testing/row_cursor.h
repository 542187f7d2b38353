// RowCursor: a cursor over rows in memory, for Ingest. It can fail, and say so, in the middle.
// Tests only.
#pragma once
#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "nexadb/storage_engine.h"

namespace nexadb::lsm::testing {

class RowCursor final : public Cursor {
 public:
  using Rows = std::vector<std::pair<std::string, std::string>>;
  explicit RowCursor(Rows rows) : rows_(std::move(rows)) {}
  // The call behind the first `rows` answers `status`.
  void FailAfter(size_t rows, Status status) {
    fail_after_ = rows;
    failure_ = std::move(status);
  }
  // Runs once, before the first row behind the first `rows` is given.
  void RunAfter(size_t rows, std::function<void()> what) {
    run_after_ = rows;
    run_ = std::move(what);
  }

  Result<uint64_t> Next(Span<Row> rows) noexcept override {
    if (run_ && at_ >= run_after_) std::exchange(run_, nullptr)();
    if (!failure_.ok() && at_ >= fail_after_) return failure_;
    size_t end = std::min(at_ + rows.size(), rows_.size());
    if (run_) end = std::min(end, std::max(run_after_, at_ + 1));
    if (!failure_.ok()) end = std::min(end, fail_after_);
    uint64_t count = 0;
    for (; at_ < end; ++at_) {
      rows[count++] = {AsBytes(rows_[at_].first), AsBytes(rows_[at_].second)};
    }
    return count;
  }
  Status Seek(BytesView) noexcept override {
    return Status::Error(Code::kUnsupported, "these rows are read once, in order");
  }
  void Release() noexcept override {}

 private:
  const Rows rows_;
  size_t at_ = 0;
  size_t fail_after_ = 0;
  size_t run_after_ = 0;
  std::function<void()> run_;
  Status failure_;
};

}  // namespace nexadb::lsm::testing
