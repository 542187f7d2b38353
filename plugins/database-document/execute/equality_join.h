// EqualityJoin: the foreign documents that $lookup's localField and foreignField bring together.
// Asks for the values of a whole batch of documents at once, with $in, and remembers what each
// value found, within a part of the query's memory. So a small foreign collection is asked once,
// and a large one as seldom as memory allows. A filter that speaks of the joined array alone is
// answered once for each value, too.
// One thread at a time. Throws QueryError.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "plugins/database-document/execute/field_reader.h"
#include "plugins/database-document/match/matcher.h"
#include "plugins/database-document/stage/pipeline.h"
#include "plugins/database-document/value/collation.h"
#include "plugins/database-document/value/path.h"

namespace nexadb::query {

// True when the filter's answer depends on nothing but one top-level field.
bool DependsOnlyOn(const Matcher& filter, std::string_view field);

class EqualityJoin {
 public:
  struct Options {
    std::string from;
    Path local;
    Path foreign;
    std::string as;                   // where the documents go
    const Matcher* filter = nullptr;  // DependsOnlyOn(as); null: none. Outlives the join.
    CollationPtr collation = {};      // the query's
  };
  // What a value found.
  struct Joined {
    OwnedValue documents;  // an array
    bool passes = true;    // the filter
  };

  // The context outlives the join.
  EqualityJoin(Options options, PipelineContext& context);

  // What a local document is joined by: its one value at the path. None when it has several, or
  // one that filters do not look for by equality alone.
  static std::optional<bson::Value> KeyOf(bson::Document local, const Path& path);

  // Makes At answer for these documents, unless that takes too much memory.
  void Prepare(std::span<const BatchDocument> locals);
  // What belongs to a document of the batch, borrowed until the next Prepare; null when it is not
  // known.
  const Joined* At(size_t local) const { return joined_[local]; }

 private:
  // A filter of so many values is quick to parse and to search.
  static constexpr size_t kValuesMax = 256;
  // The rest is for the documents that are joined.
  static constexpr size_t kMemoryShare = 4;

  std::optional<bson::Value> FindKey(bson::Document local);
  const Joined* Find(const bson::Value& key);
  void Ask(const std::vector<bson::Value>& keys);
  bool Passes(const OwnedValue& documents) const;
  const std::string& Encode(const bson::Value& value);

  const Options options_;
  PipelineContext& context_;
  PathReader reader_;
  std::unordered_map<std::string, Joined> known_;
  std::vector<const Joined*> joined_;  // by document of the batch
  size_t bytes_ = 0;
  std::string scratch_;
};

}  // namespace nexadb::query
