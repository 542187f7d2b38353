// DividedSource: a pipeline over a large collection, read by several threads. Each part of the
// collection goes through a pipeline of its own, parsed from the same text, up to the $count or
// $group that makes a Partial of it; these are joined in order, so the answer is what one thread
// would have given, in the same order, but for the last digit of sums of doubles. An error is the
// first one in the collection's order.
//
// Where nothing can be divided, or the parts together take more memory than the query may, the
// pipeline runs on the caller's thread as ever. Threads are the kernel's computing pool and the
// caller, which waits within its first call and helps. One thread at a time.
#pragma once
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/database-document/plan/pipeline_context.h"
#include "plugins/database-document/stage/pipeline.h"

namespace nexadb::database {

class DividedSource final : public query::DocumentSource {
 public:
  // How many threads a query of this session may be divided among; 1: it may not.
  static size_t ThreadsOf(const QueryContext& context);

  // `stages` is what `pipeline` was parsed from, with its leading $match, which `input` answers; it
  // is copied. `depth` as in DatabaseContext. REQUIRES: pipeline.HasParts(). It and the context
  // outlive the source.
  DividedSource(QueryContext& context, std::string_view collection, int depth,
                bson::Document stages, query::Pipeline& pipeline, query::SourcePtr input);
  ~DividedSource() override;

  Result<size_t> Next(std::span<query::BatchDocument> out) override;

 private:
  struct Part;
  Status Open();
  // A pipeline for each of the parts.
  Status OpenParts(std::vector<query::SourcePtr> inputs);
  Result<std::unique_ptr<Part>> OpenPart(query::SourcePtr input);
  // Reads them on as many threads. False when they take too much memory.
  Result<bool> ReadParts(size_t threads);
  // Those that are left, one after the other.
  void ReadSome();
  Status Read(size_t at);
  Result<query::SourcePtr> JoinParts();

  QueryContext& context_;
  const std::string collection_;
  const int depth_;
  const std::string stages_;
  query::Pipeline& pipeline_;
  query::SourcePtr input_;  // for one thread
  std::vector<std::unique_ptr<Part>> parts_;
  query::SourcePtr source_;  // null: not opened yet. Dies first

  std::atomic<size_t> next_part_{0};
  std::atomic<size_t> failed_part_;  // the first one; parts behind it need not be read
  std::atomic<size_t> held_bytes_{0};
};

}  // namespace nexadb::database
