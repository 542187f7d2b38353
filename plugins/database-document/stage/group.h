// What $group, $sortByCount, $bucket and $bucketAuto group by and compute. Grouping itself is
// execute/hash_group.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "plugins/database-document/stage/accumulator.h"
#include "plugins/database-document/stage/pipeline.h"
#include "plugins/database-document/value/path.h"

namespace nexadb::query {

class Partial;

// An accumulator, with what is known of its argument besides the expression itself.
struct GroupField {
  std::unique_ptr<Accumulator> accumulator;
  std::optional<Path> path;            // the argument is the field at this path
  std::optional<OwnedValue> constant;  // the argument is always this
  enum class Sums { kNone, kTotal, kAverage };
  Sums sums = Sums::kNone;  // $sum, $avg
  // What it holds for a group does not grow with the group's documents.
  bool fixed_size = false;
};
// `field: {$sum: …}` of a $group.
GroupField ParseGroupField(std::string_view field, const bson::Value& spec,
                           const ParseOptions& options);

struct GroupSpec {
  std::function<OwnedValue(bson::Document)> id;
  std::optional<Path> id_path;  // the id is the field at this path
  bool id_constant = false;
  std::vector<GroupField> fields;
  CollationPtr collation;  // by which ids are equal
};

// One document for each distinct id. They come in the order in which ids first came, as long as
// all groups fit into the query's memory. The spec outlives the source.
SourcePtr OpenGroup(SourcePtr input, const GroupSpec& spec, PipelineContext& context);

// Whether parts of the input can be grouped for themselves and joined.
bool GroupHasPartials(const GroupSpec& spec);
// The spec and the context outlive it.
std::unique_ptr<Partial> NewPartialGroup(const GroupSpec& spec, PipelineContext& context);

}  // namespace nexadb::query
