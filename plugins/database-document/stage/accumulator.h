// Accumulators of $group and $bucket: one state for each group. A definition is parsed once; it
// makes states and feeds them documents. Throw QueryError.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "plugins/database-document/expression/expression.h"
#include "plugins/database-document/value/owned.h"

namespace nexadb::query {

class AccumulatorState {
 public:
  virtual ~AccumulatorState() = default;
  // The accumulator's argument for one document.
  virtual void Add(const OwnedValue& value) = 0;
  virtual OwnedValue Finish() = 0;
  // Whether Add may follow Finish, to go on with what there is.
  virtual bool Resumable() const { return true; }
  // Whether Join is there: it takes over what later documents, fed to a state of the same
  // accumulator, came to.
  virtual bool Joins() const { return false; }
  virtual void Join(AccumulatorState&) {}
  // What it holds, about, in bytes.
  virtual size_t bytes() const { return 64; }
};

class Accumulator {
 public:
  virtual ~Accumulator() = default;
  virtual std::unique_ptr<AccumulatorState> NewState() const = 0;
  virtual OwnedValue Argument(bson::Document doc) const = 0;
  std::string field;
};

// `field: {$sum: …}` of a $group; `spec` is the value of `field`.
std::unique_ptr<Accumulator> ParseAccumulator(std::string_view field, const bson::Value& spec,
                                              const ParseOptions& options);

}  // namespace nexadb::query
