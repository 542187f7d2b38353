// Compiled updates: operators ({$set: …}), a replacement document, or an aggregation pipeline.
//
// Parse finds every mistake that does not depend on a document (unknown operators, conflicting
// paths, bad operands); Apply never changes its input, and on failure there is no new document.
// An updater copies what it needs. Use it from one thread at a time.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nexadb/bson.h"
#include "plugins/database-document/value/parse_options.h"

namespace nexadb::query {

struct UpdateOutcome {
  std::string document;
  bool modified = false;  // false: the bytes equal the input's
};

struct ApplyOptions {
  int64_t position = -1;   // MatchDetails::position, for the positional $
  bool inserting = false;  // the document is an upsert's: $setOnInsert takes part
};

class UpdateProgram;

class Updater {
 public:
  // `update` is an object or an array (pipeline); `array_filters` is an array's content or empty.
  static Result<std::unique_ptr<Updater>> Parse(bson::Value update, bson::Document array_filters,
                                                const ParseOptions& options);
  ~Updater();
  enum class Kind { kOperators, kReplacement, kPipeline };
  Kind kind() const noexcept;
  bool NeedsPosition() const noexcept;  // uses the positional $
  // Fails with 66 when _id would change. Replacements and pipelines keep the document's _id first.
  Result<UpdateOutcome> Apply(bson::Document doc, const ApplyOptions& options) const;

 private:
  Updater();
  std::unique_ptr<UpdateProgram> program_;
};

// The document that an upsert starts from: the equalities of its filter. It may lack _id.
Result<std::string> UpsertBase(bson::Document filter);

}  // namespace nexadb::query
