// $densify: makes documents for the steps of a range at which none stands. Documents come out in
// the order of their partition and field; those without the field come first, as they are.
#include <algorithm>
#include <optional>

#include "plugins/database-document/expression/arithmetic.h"
#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/stage/stage.h"
#include "plugins/database-document/stage/window.h"
#include "plugins/database-document/update/path_edit.h"
#include "plugins/database-document/value/compare.h"
#include "plugins/database-document/value/key_encoding.h"
#include "plugins/database-document/value/meter.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

// As many as MongoDB makes before it says that the step is a mistake.
constexpr size_t kMadeDocumentsMax = 500'000;

constexpr int kBadStep = 5733401;
constexpr int kBadBounds = 5733402;
constexpr int kBoundsNotTwo = 5733403;
constexpr int kPartitionBoundsNeedPartition = 5733408;
constexpr int kNumbersTakeNoUnit = 5733409;
constexpr int kDatesNeedUnit = 5733410;
constexpr int kFieldIsNoNumberOrDate = 5733201;
constexpr int kStepNotWhole = 6586400;
constexpr int kTooManyDocuments = 5897900;

using Names = std::vector<std::string>;

struct Field {
  Names names;
  Path path;
};

enum class Bounds { kFull, kPartition, kExplicit };

struct DensifySpec {
  CollationPtr collation;  // of partitions
  Field field;
  std::vector<Field> partition;
  OwnedValue step;
  std::string unit;  // empty: numbers
  Bounds bounds = Bounds::kFull;
  OwnedValue low;
  OwnedValue high;  // excluded, when explicit
};

Field FieldOf(std::string_view text) {
  CheckFieldPath(text);
  Field field{{}, Path(text)};
  for (const PathComponent& c : field.path.components()) field.names.push_back(c.name);
  return field;
}

// The values of a range, one after the other.
class Steps {
 public:
  Steps(const DensifySpec& spec, OwnedValue low, OwnedValue high, bool with_high)
      : spec_(spec), low_(std::move(low)), high_(std::move(high)), with_high_(with_high) {
    next_ = low_;
  }
  const OwnedValue& next() const { return next_; }
  bool AtEnd() const {
    const int order = CompareValues(next_.view(), high_.view());
    return with_high_ ? order > 0 : order >= 0;
  }
  void Advance() {
    ++count_;
    // Dates step from the first: the last of January does not become the 28th for ever.
    const OwnedValue by =
        spec_.unit.empty() ? spec_.step
                           : MultiplyNumbers(spec_.step.view(), OwnedValue::Int64(count_).view());
    next_ = spec_.unit.empty() ? AddNumbers(next_.view(), by.view())
                               : DateAdd(low_.view(), spec_.unit, by.view());
  }

 private:
  const DensifySpec& spec_;
  OwnedValue low_;
  OwnedValue high_;
  OwnedValue next_;
  int64_t count_ = 0;
  bool with_high_;
};

class DensifySource final : public DocumentSource {
 public:
  DensifySource(SourcePtr input, const DensifySpec& spec, PipelineContext& context)
      : input_(std::move(input)), spec_(spec), context_(context) {}

  Result<size_t> Next(std::span<BatchDocument> out) override {
    return Catch<size_t>([&] {
      if (input_ != nullptr) Collect();
      size_t n = 0;
      while (n < out.size() && One(&out[n])) {
        Meter::WorkBytes(out[n].view().bytes().size());
        ++n;
      }
      return n;
    });
  }

 private:
  struct Row {
    std::string partition;  // encoded
    std::string key;        // encoded
    OwnedValue value;
    Buffer document;
  };

  void Collect() {
    BatchReader reader(std::move(input_));
    size_t bytes = 0;
    while (const BatchDocument* doc = reader.Next()) {
      Row row;
      for (const Field& field : spec_.partition) {
        AppendKey(GetPlain(doc->view(), field.path), spec_.collation.get(), &row.partition);
      }
      row.value = OwnedValue::Copy(ValueOf(doc->view()));
      AppendKey(row.value.view(), &row.key);
      row.document = doc->Keep();
      bytes += row.document.size() + row.partition.size() + row.key.size() + sizeof(row);
      CheckMemory(bytes, context_, "$densify");
      rows_.push_back(std::move(row));
    }
    std::stable_sort(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) {
      Meter::Work(1);
      const int order = a.partition.compare(b.partition);
      return order != 0 ? order < 0 : a.key < b.key;
    });
    // Explicit bounds of no partition are filled without any document, too.
    if (rows_.empty() && spec_.partition.empty() && spec_.bounds == Bounds::kExplicit) {
      steps_.emplace(spec_, spec_.low, spec_.high, false);
    }
  }

  bson::Value ValueOf(bson::Document doc) const {
    const bson::Value v = GetPlain(doc, spec_.field.path);
    if (v.IsNullish()) return v;
    const bool date = v.type() == bson::Type::kDate;
    if ((date && !spec_.unit.empty()) || (v.IsNumber() && spec_.unit.empty())) return v;
    Fail(kFieldIsNoNumberOrDate,
         "PlanExecutor error: Densify field type must be numeric, or a date with a unit");
  }

  // The next document; false at the end.
  bool One(BatchDocument* out) {
    for (;;) {
      if (at_ == end_ && !steps_ && !BeginPartition()) return false;
      const Row* row = at_ < end_ ? &rows_[at_] : nullptr;
      if (steps_ && !steps_->AtEnd()) {
        const int order = row == nullptr || row->value.IsNullish()
                              ? (row == nullptr ? -1 : 1)
                              : CompareValues(steps_->next().view(), row->value.view());
        if (order < 0) {
          *out = BatchDocument::Own(Made(steps_->next()));
          steps_->Advance();
          return true;
        }
        if (order == 0) {
          // The row stands at this step; others of the same value follow it.
          steps_->Advance();
        }
      }
      if (row == nullptr) {
        steps_.reset();
        continue;
      }
      ++at_;
      *out = BatchDocument::Share(row->document);
      return true;
    }
  }

  bool BeginPartition() {
    if (end_ == rows_.size()) return false;
    at_ = end_;
    while (end_ < rows_.size() && rows_[end_].partition == rows_[at_].partition) ++end_;
    first_ = bson::Document(rows_[at_].document.bytes());
    if (spec_.bounds == Bounds::kExplicit) {
      steps_.emplace(spec_, spec_.low, spec_.high, false);
      return true;
    }
    const bool full = spec_.bounds == Bounds::kFull;
    const Row* low = Extreme(full ? 0 : at_, full ? rows_.size() : end_, false);
    const Row* high = Extreme(full ? 0 : at_, full ? rows_.size() : end_, true);
    if (low != nullptr) steps_.emplace(spec_, low->value, high->value, true);
    return true;
  }

  const Row* Extreme(size_t begin, size_t end, bool most) const {
    const Row* found = nullptr;
    for (size_t i = begin; i < end; ++i) {
      const Row& row = rows_[i];
      if (row.value.IsNullish()) continue;
      if (found == nullptr || (most ? row.key > found->key : row.key < found->key)) found = &row;
    }
    return found;
  }

  std::string Made(const OwnedValue& value) {
    if (++made_ > kMadeDocumentsMax) {
      Fail(kTooManyDocuments, "Generated " + std::to_string(kMadeDocumentsMax) +
                                  " documents in $densify, which is as many as are allowed");
    }
    std::string doc = bson::Builder().Finish();
    const auto set = [&](const Field& field, const OwnedValue& v) {
      doc = EditPath(bson::Document(AsBytes(doc)), field.names, IfAbsent::kReplace,
                     [&](const bson::Value&) { return v; });
    };
    for (const Field& field : spec_.partition) {
      const bson::Value v = GetPlain(first_, field.path);
      if (v) set(field, OwnedValue::Borrow(v));
    }
    set(spec_.field, value);
    return doc;
  }

  SourcePtr input_;
  const DensifySpec& spec_;
  PipelineContext& context_;
  std::vector<Row> rows_;
  size_t at_ = 0;
  size_t end_ = 0;  // of the partition
  bson::Document first_;
  std::optional<Steps> steps_;
  size_t made_ = 0;
};

class DensifyStage final : public Stage {
 public:
  explicit DensifyStage(DensifySpec spec) : spec_(std::move(spec)) {}
  SourcePtr Open(SourcePtr input, PipelineContext& context) const override {
    return std::make_unique<DensifySource>(std::move(input), spec_, context);
  }

 private:
  DensifySpec spec_;
};

[[noreturn]] void FailType(std::string_view field, const bson::Value& v, std::string_view wanted) {
  Fail(code::kTypeMismatch, "BSON field '$densify." + std::string(field) + "' is the wrong type '" +
                                std::string(TypeName(v.type())) + "', expected type '" +
                                std::string(wanted) + "'");
}

void ParseBounds(const bson::Value& bounds, DensifySpec* spec) {
  constexpr std::string_view kWanted =
      "the bounds in a range statement must be the string 'full', 'partition' or an ascending "
      "array of two numbers or two dates";
  if (bounds.type() == bson::Type::kString) {
    if (bounds.Text() != "full" && bounds.Text() != "partition") Fail(kBadBounds, kWanted);
    spec->bounds = bounds.Text() == "full" ? Bounds::kFull : Bounds::kPartition;
    return;
  }
  if (bounds.type() != bson::Type::kArray) Fail(kBadBounds, kWanted);
  if (bounds.Doc().CountElements() != 2) {
    Fail(kBoundsNotTwo, "a bounding array in a range statement must have exactly two elements");
  }
  spec->bounds = Bounds::kExplicit;
  auto at = bounds.Doc().begin();
  spec->low = OwnedValue::Copy((*at).value());
  ++at;
  spec->high = OwnedValue::Copy((*at).value());
  const bool numbers = spec->low.view().IsNumber() && spec->high.view().IsNumber();
  const bool dates =
      spec->low.type() == bson::Type::kDate && spec->high.type() == bson::Type::kDate;
  if (!numbers && !dates) Fail(kBadBounds, kWanted);
  if (CompareValues(spec->low.view(), spec->high.view()) > 0) Fail(kBadBounds, kWanted);
  if (numbers && !spec->unit.empty()) {
    Fail(kNumbersTakeNoUnit, "numeric bounds may not have a unit");
  }
  if (dates && spec->unit.empty()) Fail(kDatesNeedUnit, "a unit must be given with date bounds");
}

void ParseRange(const bson::Value& range, DensifySpec* spec) {
  static constexpr std::string_view kUnits[] = {"year", "quarter", "month",  "week",       "day",
                                                "hour", "minute",  "second", "millisecond"};
  bson::Value step, unit, bounds;
  for (const bson::Element& e : range.Doc()) {
    if (e.name() == "step") {
      step = e.value();
    } else if (e.name() == "unit") {
      unit = e.value();
    } else if (e.name() == "bounds") {
      bounds = e.value();
    } else {
      Fail(code::kUnknownField,
           "BSON field '$densify.range." + std::string(e.name()) + "' is an unknown field.");
    }
  }
  if (!step || !bounds) {
    Fail(code::kMissingField, "BSON field '$densify.range." +
                                  std::string(step ? "bounds" : "step") +
                                  "' is missing but a required field");
  }
  const OwnedValue zero = OwnedValue::Int32(0);
  if (!step.IsNumber() || IsNan(step) || CompareValues(step, zero.view()) <= 0) {
    Fail(kBadStep,
         "the step parameter in a range statement must be a strictly positive numeric value");
  }
  spec->step = OwnedValue::Copy(step);
  if (unit) {
    if (unit.type() != bson::Type::kString) FailType("range.unit", unit, "string");
    if (std::find(std::begin(kUnits), std::end(kUnits), unit.Text()) == std::end(kUnits)) {
      Fail(code::kFailedToParse, "unknown time unit value: " + std::string(unit.Text()));
    }
    if (!ExactInt64(step)) {
      Fail(kStepNotWhole,
           "the step parameter in a range statement must be a whole number with a unit");
    }
    spec->unit = unit.Text();
  }
  ParseBounds(bounds, spec);
}

}  // namespace

StagePtr ParseDensifyStage(std::string_view name, const bson::Value& spec,
                           const ParseOptions& options) {
  if (name != "$densify") return nullptr;
  if (spec.type() != bson::Type::kObject) {
    Fail(code::kFailedToParse, "the $densify stage specification must be an object");
  }
  DensifySpec densify;
  densify.collation = options.collation;
  bson::Value field, range;
  for (const bson::Element& e : spec.Doc()) {
    if (e.name() == "field") {
      if (e.type() != bson::Type::kString) FailType("field", e.value(), "string");
      field = e.value();
    } else if (e.name() == "partitionByFields") {
      if (e.type() != bson::Type::kArray) FailType("partitionByFields", e.value(), "array");
      for (const bson::Element& by : e.value().Doc()) {
        if (by.type() != bson::Type::kString) {
          FailType("partitionByFields", by.value(), "string");
        }
        densify.partition.push_back(FieldOf(by.value().Text()));
      }
    } else if (e.name() == "range") {
      if (e.type() != bson::Type::kObject) FailType("range", e.value(), "object");
      range = e.value();
    } else {
      Fail(code::kUnknownField,
           "BSON field '$densify." + std::string(e.name()) + "' is an unknown field.");
    }
  }
  if (!field || !range) {
    Fail(code::kMissingField, "BSON field '$densify." + std::string(field ? "range" : "field") +
                                  "' is missing but a required field");
  }
  densify.field = FieldOf(field.Text());
  ParseRange(range, &densify);
  if (densify.bounds == Bounds::kPartition && densify.partition.empty()) {
    Fail(kPartitionBoundsNeedPartition,
         "one may not specify the bounds as 'partition' without partitionByFields");
  }
  return std::make_unique<DensifyStage>(std::move(densify));
}

}  // namespace nexadb::query
