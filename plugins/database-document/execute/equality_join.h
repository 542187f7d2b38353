// EqualityJoin: the foreign documents that $lookup's localField and foreignField bring together.
// Asks for the values of a whole batch of documents at once, with $in, and remembers what each
// value found, within a part of the query's memory. So a small foreign collection is asked once,
// and a large one as seldom as memory allows.
// One thread at a time. Throws QueryError.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "plugins/database-document/stage/pipeline.h"
#include "plugins/database-document/value/path.h"

namespace nexadb::query {

class EqualityJoin {
 public:
  // The context outlives the join.
  EqualityJoin(std::string from, std::string_view foreign, PipelineContext& context)
      : from_(std::move(from)), foreign_(foreign), context_(context) {}

  // What a local document is joined by: its one value at the path. None when it has several, or
  // one that filters do not look for by equality alone.
  static std::optional<bson::Value> KeyOf(bson::Document local, const Path& path);

  // Makes Find answer for these documents, unless that takes too much memory.
  void Prepare(std::span<const BatchDocument> locals, const Path& path);
  // The array of foreign documents for a key, borrowed until the next Prepare; null when it is not
  // known.
  const OwnedValue* Find(const bson::Value& key);

 private:
  // A filter of so many values is quick to parse and to search.
  static constexpr size_t kValuesMax = 256;
  // The rest is for the documents that are joined.
  static constexpr size_t kMemoryShare = 4;

  void Ask(const std::vector<bson::Value>& keys);
  const std::string& Encode(const bson::Value& value);

  const std::string from_;
  const Path foreign_;
  PipelineContext& context_;
  std::unordered_map<std::string, OwnedValue> known_;
  size_t bytes_ = 0;
  std::string scratch_;
};

}  // namespace nexadb::query
