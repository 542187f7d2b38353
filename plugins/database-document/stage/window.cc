#include "plugins/database-document/stage/window.h"

#include <algorithm>
#include <optional>

#include "plugins/database-document/expression/arithmetic.h"
#include "plugins/database-document/value/compare.h"
#include "plugins/database-document/value/failure.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

constexpr int kLowerAboveUpper = 5339900;
constexpr int kDocumentsNeedOrder = 5339901;
constexpr int kRangeNeedsOrder = 5339902;
constexpr int kRangeAscends = 8947401;
constexpr int kRangeNeedsDate = 5429513;
constexpr int kDateNeedsUnit = 5429413;
constexpr int kRangeNeedsNumber = 5429414;
constexpr std::string_view kUnits[] = {"year", "quarter", "month",  "week",       "day",
                                       "hour", "minute",  "second", "millisecond"};

Bound ParseBound(const bson::Value& v, bool whole) {
  Bound bound;
  if (v.type() == bson::Type::kString) {
    if (v.Text() == "unbounded") return bound;
    if (v.Text() == "current") {
      bound.kind = Bound::Kind::kCurrent;
      bound.offset = OwnedValue::Int32(0);
      return bound;
    }
    Fail(code::kFailedToParse, "Window bounds must be 'unbounded', 'current', or a number.");
  }
  if (!v.IsNumber()) {
    Fail(code::kFailedToParse, "Window bounds must be 'unbounded', 'current', or a number.");
  }
  if (whole && !ExactInt64(v)) {
    Fail(code::kFailedToParse, "Numeric document-based and time bounds must be an integer");
  }
  bound.kind = Bound::Kind::kOffset;
  bound.offset = OwnedValue::Copy(v);
  return bound;
}

void CheckRangeOrder(const WindowOrder& order) {
  if (order.fields != 1) {
    Fail(kRangeNeedsOrder, "Range-based window require sortBy a single field");
  }
  if (order.descending) {
    Fail(kRangeAscends, "Range-based bounds require an ascending sortBy");
  }
}

void CheckOrdered(const Bound& lower, const Bound& upper) {
  if (lower.unbounded() || upper.unbounded()) return;
  if (CompareValues(lower.offset.view(), upper.offset.view()) > 0) {
    Fail(kLowerAboveUpper, "Lower bound must not exceed upper bound");
  }
}

}  // namespace

OwnedValue DateAdd(const bson::Value& date, const std::string& unit, const bson::Value& amount) {
  bson::Builder spec;
  spec.OpenObject("$dateAdd").Value("startDate", date).Text("unit", unit);
  spec.Value("amount", amount).Close();
  const std::string bytes = spec.Finish();
  const auto expression =
      Unwrap(Expression::Parse(bson::Document(AsBytes(bytes)).AsValue(bson::Type::kObject), {}));
  return Unwrap(expression->Evaluate(bson::Document())).Keep();
}

Window Window::Parse(const bson::Value& spec, const WindowOrder& order) {
  Window window;
  if (!spec) return window;
  if (spec.type() != bson::Type::kObject) {
    Fail(code::kFailedToParse, "'window' field must be an object");
  }
  bson::Value documents, range, unit;
  for (const bson::Element& e : spec.Doc()) {
    if (e.name() == "documents") {
      documents = e.value();
    } else if (e.name() == "range") {
      range = e.value();
    } else if (e.name() == "unit") {
      unit = e.value();
    } else {
      Fail(code::kFailedToParse,
           "'window' field contains an unknown argument: " + std::string(e.name()));
    }
  }
  if (documents && range) {
    Fail(code::kFailedToParse,
         "Window bounds can specify either 'documents' or 'range', not both.");
  }
  if (unit && !range) {
    Fail(code::kFailedToParse, "Window bounds can only specify 'unit' with range-based bounds.");
  }
  if (!documents && !range) return window;
  const bson::Value bounds = documents ? documents : range;
  if (bounds.type() != bson::Type::kArray || bounds.Doc().CountElements() != 2) {
    Fail(code::kFailedToParse, "Window bounds must be a 2-element array");
  }
  if (unit) {
    const bool known =
        unit.type() == bson::Type::kString &&
        std::find(std::begin(kUnits), std::end(kUnits), unit.Text()) != std::end(kUnits);
    if (!known) Fail(code::kFailedToParse, "unknown time unit value in 'window'");
    window.unit_ = unit.Text();
  }
  window.kind_ = documents ? Kind::kDocuments : Kind::kRange;
  auto at = bounds.Doc().begin();
  const bool whole = documents || unit;
  window.lower_ = ParseBound((*at).value(), whole);
  ++at;
  window.upper_ = ParseBound((*at).value(), whole);
  CheckOrdered(window.lower_, window.upper_);
  if (window.kind_ == Kind::kRange) {
    CheckRangeOrder(order);
  } else if (window.lower_.unbounded() && window.upper_.unbounded()) {
    window.kind_ = Kind::kWhole;
  } else if (order.fields == 0) {
    Fail(kDocumentsNeedOrder, "Document-based bounds require a sortBy");
  }
  return window;
}

Frame Window::DocumentsOf(size_t row, size_t count) const {
  const auto at = static_cast<int64_t>(row);
  const auto size = static_cast<int64_t>(count);
  // Saturated: a bound far away is the partition's end.
  const auto moved = [&](const Bound& bound) {
    int64_t sum = 0;
    const int64_t by = *ExactInt64(bound.offset.view());
    if (__builtin_add_overflow(at, by, &sum)) return by < 0 ? int64_t{-1} : size;
    return sum;
  };
  const int64_t first = lower_.unbounded() ? 0 : std::clamp<int64_t>(moved(lower_), 0, size);
  const int64_t last =
      upper_.unbounded() ? size : std::clamp<int64_t>(moved(upper_), -1, size - 1) + 1;
  return {static_cast<size_t>(first), static_cast<size_t>(std::max(first, last))};
}

OwnedValue Window::Moved(const OwnedValue& base, const Bound& bound) const {
  if (bound.kind == Bound::Kind::kCurrent) return base;
  return unit_.empty() ? AddNumbers(base.view(), bound.offset.view())
                       : DateAdd(base.view(), unit_, bound.offset.view());
}

Frame Window::RangeOf(const std::vector<OwnedValue>& values, size_t row) const {
  const OwnedValue& base = values[row];
  const bool date = base.type() == bson::Type::kDate;
  const std::string type(TypeName(base.type()));
  if (!unit_.empty() && !date) {
    Fail(kRangeNeedsDate,
         "Invalid range: Expected the sortBy field to be a Date, but it was " + type);
  }
  if (unit_.empty() && date) {
    Fail(kDateNeedsUnit,
         "Invalid range: For windows that involve date or time ranges, a unit must be provided.");
  }
  if (unit_.empty() && !base.view().IsNumber()) {
    Fail(kRangeNeedsNumber,
         "Invalid range: Expected the sortBy field to be a number, but it was " + type);
  }
  const auto less = [](const OwnedValue& a, const OwnedValue& b) {
    return CompareValues(a.view(), b.view()) < 0;
  };
  Frame frame{0, values.size()};
  if (!lower_.unbounded()) {
    const auto at = std::lower_bound(values.begin(), values.end(), Moved(base, lower_), less);
    frame.begin = static_cast<size_t>(at - values.begin());
  }
  if (!upper_.unbounded()) {
    const auto at = std::upper_bound(values.begin(), values.end(), Moved(base, upper_), less);
    frame.end = static_cast<size_t>(at - values.begin());
  }
  frame.end = std::max(frame.begin, frame.end);
  return frame;
}

std::vector<Frame> Window::Of(Partition rows, const WindowOrder& order) const {
  std::vector<Frame> frames(rows.size(), Frame{0, rows.size()});
  if (kind_ == Kind::kDocuments) {
    for (size_t i = 0; i < rows.size(); ++i) frames[i] = DocumentsOf(i, rows.size());
  }
  if (kind_ == Kind::kRange) {
    std::vector<OwnedValue> values;
    for (const WindowRow& row : rows) values.push_back(Unwrap(order.first->Evaluate(row.view())));
    for (size_t i = 0; i < rows.size(); ++i) frames[i] = RangeOf(values, i);
  }
  return frames;
}

}  // namespace nexadb::query
