// $setWindowFields' parts: a partition's rows in order, the frame of a row, and functions over
// frames. Immutable once parsed; one thread at a time. Throw QueryError.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "plugins/database-document/expression/expression.h"
#include "plugins/database-document/stage/pipeline.h"

namespace nexadb::query {

struct WindowRow {
  Buffer document;
  std::string partition;  // encoded
  std::string order;      // encoded sort key
  bson::Document view() const { return bson::Document(document.bytes()); }
};
using Partition = std::span<const WindowRow>;

// What functions know of the stage's sortBy.
struct WindowOrder {
  size_t fields = 0;
  bool descending = false;            // the first field
  std::unique_ptr<Expression> first;  // the first field's value
};

struct Bound {
  enum class Kind { kUnbounded, kCurrent, kOffset };
  Kind kind = Kind::kUnbounded;
  OwnedValue offset;
  bool unbounded() const { return kind == Kind::kUnbounded; }
};

// Rows [begin, end) of a partition.
struct Frame {
  size_t begin = 0;
  size_t end = 0;
};

class Window {
 public:
  enum class Kind { kWhole, kDocuments, kRange };
  // `spec` is {documents: […]} or {range: […], unit: …}; none is the whole partition.
  static Window Parse(const bson::Value& spec, const WindowOrder& order);
  Kind kind() const { return kind_; }
  bool StartsAtFirst() const { return lower_.unbounded(); }
  // Frames of every row of a partition.
  std::vector<Frame> Of(Partition rows, const WindowOrder& order) const;

 private:
  Frame DocumentsOf(size_t row, size_t count) const;
  Frame RangeOf(const std::vector<OwnedValue>& values, size_t row) const;
  OwnedValue Moved(const OwnedValue& base, const Bound& bound) const;
  Kind kind_ = Kind::kWhole;
  Bound lower_;
  Bound upper_;
  std::string unit_;  // of a range over dates
};

class WindowFunction {
 public:
  virtual ~WindowFunction() = default;
  // One value for each row. A missing one leaves the field out.
  virtual std::vector<OwnedValue> Compute(Partition rows, const WindowOrder& order,
                                          PipelineContext& context) const = 0;
};

// `op` is the function's name ("$sum", "$rank"), `window` may be none.
std::unique_ptr<WindowFunction> ParseWindowFunction(std::string_view op,
                                                    const bson::Value& argument,
                                                    const bson::Value& window,
                                                    const WindowOrder& order,
                                                    const ParseOptions& options);

// A date moved by so many units, as $dateAdd does.
OwnedValue DateAdd(const bson::Value& date, const std::string& unit, const bson::Value& amount);

}  // namespace nexadb::query
