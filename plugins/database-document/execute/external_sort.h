// ExternalSort: documents in the order of their keys, equal ones in the order that they came. More
// than the query's memory goes to sorted runs on disk, which are merged; with a limit only the best
// are kept. One thread at a time. Throws QueryError: memory_limit where there is no disk.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/database-document/stage/pipeline.h"

namespace nexadb::query {

class ExternalSort {
 public:
  struct Row {
    std::string key;
    Buffer document;
    size_t bytes() const { return key.size() + document.size() + sizeof(Row); }
  };

  // `stage` is who sorts, for messages. Keeps the first `limit` rows; 0: all of them.
  ExternalSort(PipelineContext& context, std::string_view stage, uint64_t limit);
  ~ExternalSort();

  // Whether a row of this key is none of the best, and would be left out.
  bool IsWorse(const std::string& key) const;
  // REQUIRES: Take was not called yet.
  void Add(std::string key, const BatchDocument& document);
  // The next row; none at the end.
  std::optional<Row> Take();

 private:
  class Run;
  // Each has an open file and a buffer. More are merged into one.
  static constexpr size_t kRunsMax = 64;

  void Spill();
  void MergeRuns();
  void Begin();
  // The heap of those that have a row, the one with the least on top; rows in memory are the last.
  bool Later(size_t a, size_t b) const;
  const std::string& KeyOf(size_t source) const;
  void Push(size_t source);
  Row Pop();

  PipelineContext& context_;
  const std::string_view stage_;
  const uint64_t limit_;
  std::vector<Row> rows_;  // with a limit a heap of the best, the worst of them on top
  size_t bytes_ = 0;
  std::vector<std::unique_ptr<Run>> runs_;  // older ones first
  std::vector<size_t> heap_;
  size_t next_row_ = 0;
  uint64_t taken_ = 0;
  bool begun_ = false;
};

}  // namespace nexadb::query
