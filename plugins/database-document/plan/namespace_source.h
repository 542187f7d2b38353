// Sources of documents by name: a collection's documents that match a filter, along the access
// path that the filter allows; a view's, by running its pipeline; none for what does not exist.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugins/database-document/collection/scan.h"
#include "plugins/database-document/plan/pipeline_context.h"

namespace nexadb::database {

// Views on views: MongoDB's limit.
constexpr int kViewDepthMax = 20;
constexpr int32_t kViewDepthLimitExceeded = 165;  // of MongoDB's codes

// The order that a pipeline begins with, and what came of it.
struct WantedOrder {
  query::Pipeline::LeadingSort sort;
  bool given = false;  // the source's documents come in it, equal ones by _id
  bool total = false;  // they are of a collection, whose sorts are broken by _id
};

// Checks access. The context outlives the source. `hint` is an index's name or key, or none.
// With `order` documents come in that order where an index or _id has it. With `looks_at` they may
// lack what is at other paths.
Result<query::SourcePtr> OpenNamespace(QueryContext& context, std::string_view collection,
                                       bson::Document filter, const bson::Value& hint = {},
                                       int depth = 0, WantedOrder* order = nullptr,
                                       std::optional<std::vector<std::string>> looks_at = {});
// The paths at which a pipeline looks, what it asks for of its source included.
std::optional<std::vector<std::string>> PathsOfPipeline(const query::Pipeline& pipeline);

// `stages` over `collection` (empty: the pipeline brings its own documents), with everything that
// must live as long as the result inside it, but for the context.
Result<query::SourcePtr> OpenPipeline(QueryContext& context, std::string_view collection,
                                      bson::Document stages, const bson::Value& hint = {},
                                      int depth = 0);

class EmptySource final : public query::DocumentSource {
 public:
  Result<size_t> Next(std::span<query::BatchDocument>) override { return size_t{0}; }
};

// An array of stages as bytes: those of `first`, then those of `second`.
std::string JoinStages(bson::Document first, bson::Document second);

}  // namespace nexadb::database
