// $setWindowFields, and $fill, which is made of it.
#include <algorithm>
#include <cstring>
#include <optional>

#include "plugins/database-document/execute/external_sort.h"
#include "plugins/database-document/project/sort.h"
#include "plugins/database-document/stage/stage.h"
#include "plugins/database-document/stage/window.h"
#include "plugins/database-document/update/path_edit.h"
#include "plugins/database-document/value/key_encoding.h"
#include "plugins/database-document/value/meter.h"

namespace nexadb::query {
namespace {

struct WindowOutput {
  std::vector<std::string> path;
  std::unique_ptr<WindowFunction> function;
};

struct WindowSpec {
  CollationPtr collation;
  std::unique_ptr<Expression> partition;  // null: all documents are one
  SortPattern pattern;
  WindowOrder order;
  std::vector<WindowOutput> outputs;
};

// Sorts all documents by partition and order, on disk where memory is too small, and computes one
// partition after the other, which has to fit into memory.
class WindowSource final : public DocumentSource {
 public:
  WindowSource(SourcePtr input, const WindowSpec& spec, PipelineContext& context)
      : input_(std::move(input)),
        spec_(spec),
        context_(context),
        sort_(context, "$setWindowFields", 0) {}

  Result<size_t> Next(std::span<BatchDocument> out) override {
    return Catch<size_t>([&] {
      if (input_ != nullptr) Collect();
      if (at_ == finished_.size()) FinishPartition();
      const size_t n = std::min(out.size(), finished_.size() - at_);
      for (size_t i = 0; i < n; ++i) out[i] = BatchDocument::Own(std::move(finished_[at_++]));
      return n;
    });
  }

 private:
  void Collect() {
    BatchReader reader(std::move(input_));
    while (const BatchDocument* doc = reader.Next()) {
      std::string key;
      if (spec_.partition != nullptr) {
        const OwnedValue partition = Unwrap(spec_.partition->Evaluate(doc->view()));
        if (partition.type() == bson::Type::kArray) {
          Fail(code::kTypeMismatch,
               "An expression used to partition cannot evaluate to value of type array");
        }
        AppendKey(partition.IsMissing() ? OwnedValue::Null().view() : partition.view(),
                  spec_.collation.get(), &key);
      }
      const auto partition_size = static_cast<uint32_t>(key.size());
      Require(spec_.pattern.AppendKey(doc->view(), &key));
      // Behind all that is compared: rows that are alike so far have partitions of one size.
      key.append(reinterpret_cast<const char*>(&partition_size), sizeof(partition_size));
      sort_.Add(std::move(key), *doc);
    }
    input_.reset();
    ahead_ = TakeRow();
  }

  std::optional<WindowRow> TakeRow() {
    std::optional<ExternalSort::Row> sorted = sort_.Take();
    if (!sorted) return std::nullopt;
    uint32_t partition_size = 0;
    const size_t order_end = sorted->key.size() - sizeof(partition_size);
    std::memcpy(&partition_size, sorted->key.data() + order_end, sizeof(partition_size));
    WindowRow row;
    row.document = std::move(sorted->document);
    row.partition = sorted->key.substr(0, partition_size);
    row.order = sorted->key.substr(partition_size, order_end - partition_size);
    return row;
  }

  // Reads the next partition and computes its documents; none at the end.
  void FinishPartition() {
    Require(context_.CheckInterrupt());
    finished_.clear();
    at_ = 0;
    std::vector<WindowRow> rows;
    size_t bytes = 0;
    while (ahead_ && (rows.empty() || ahead_->partition == rows.front().partition)) {
      bytes += ahead_->document.size() + ahead_->partition.size() + ahead_->order.size() +
               sizeof(WindowRow);
      CheckMemory(bytes, context_, "$setWindowFields");
      rows.push_back(std::move(*ahead_));
      ahead_ = TakeRow();
    }
    if (!rows.empty()) Finish(rows, bytes);
  }

  void Finish(Partition rows, size_t bytes) {
    std::vector<std::vector<OwnedValue>> columns;
    for (const WindowOutput& output : spec_.outputs) {
      columns.push_back(output.function->Compute(rows, spec_.order, context_));
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      std::string document(AsText(rows[i].document.bytes()));
      for (size_t c = 0; c < columns.size(); ++c) {
        if (columns[c][i].IsMissing()) continue;
        document = EditPath(bson::Document(AsBytes(document)), spec_.outputs[c].path,
                            IfAbsent::kCreate, [&](const bson::Value&) { return columns[c][i]; });
      }
      Meter::WorkBytes(document.size());
      bytes += document.size();
      CheckMemory(bytes, context_, "$setWindowFields");
      finished_.push_back(std::move(document));
    }
  }

  SourcePtr input_;
  const WindowSpec& spec_;
  PipelineContext& context_;
  ExternalSort sort_;
  std::optional<WindowRow> ahead_;     // the first row of the next partition
  std::vector<std::string> finished_;  // of the last one
  size_t at_ = 0;
};

class WindowStage final : public Stage {
 public:
  explicit WindowStage(WindowSpec spec) : spec_(std::move(spec)) {}
  SourcePtr Open(SourcePtr input, PipelineContext& context) const override {
    return std::make_unique<WindowSource>(std::move(input), spec_, context);
  }

 private:
  WindowSpec spec_;
};

void RequireObject(const bson::Element& e, std::string_view stage) {
  if (e.type() == bson::Type::kObject) return;
  Fail(code::kTypeMismatch, "BSON field '" + std::string(stage) + "." + std::string(e.name()) +
                                "' is the wrong type '" + std::string(TypeName(e.type())) +
                                "', expected type 'object'");
}

void ParseOrder(bson::Document sort, const ParseOptions& options, WindowSpec* spec) {
  spec->collation = options.collation;
  spec->pattern = Unwrap(SortPattern::Parse(sort, options.collation.get()));
  if (sort.empty()) return;
  spec->order.fields = static_cast<size_t>(sort.CountElements());
  spec->order.descending = spec->pattern.parts().front().descending;
  const std::string path = "$" + std::string(sort.begin()->name());
  const OwnedValue first = OwnedValue::Text(path);
  spec->order.first = Unwrap(Expression::Parse(first.view(), options));
}

WindowOutput ParseOutput(const bson::Element& e, const WindowOrder& order,
                         const ParseOptions& options) {
  if (e.type() != bson::Type::kObject) {
    Fail(code::kFailedToParse,
         "The field '" + std::string(e.name()) + "' must be an object with a window function");
  }
  std::string_view op;
  bson::Value argument, window;
  for (const bson::Element& part : e.value().Doc()) {
    if (part.name() == "window") {
      window = part.value();
    } else if (!part.name().starts_with('$')) {
      Fail(code::kFailedToParse,
           "Window function found an unknown argument: " + std::string(part.name()));
    } else if (!op.empty()) {
      Fail(code::kFailedToParse, "Cannot specify two functions in window function spec");
    } else {
      op = part.name();
      argument = part.value();
    }
  }
  if (op.empty()) Fail(code::kFailedToParse, "Expected a $-prefixed window function name");
  WindowOutput output;
  const Path path(e.name());
  for (const PathComponent& c : path.components()) output.path.push_back(c.name);
  output.function = ParseWindowFunction(op, argument, window, order, options);
  return output;
}

StagePtr ParseSetWindowFields(const bson::Value& spec, const ParseOptions& options) {
  if (spec.type() != bson::Type::kObject) {
    Fail(code::kFailedToParse, "the $setWindowFields stage specification must be an object");
  }
  WindowSpec window;
  bson::Element output;
  bson::Document sort;
  for (const bson::Element& e : spec.Doc()) {
    if (e.name() == "partitionBy") {
      window.partition = Unwrap(Expression::Parse(e.value(), options));
    } else if (e.name() == "sortBy") {
      RequireObject(e, "$setWindowFields");
      sort = e.value().Doc();
    } else if (e.name() == "output") {
      RequireObject(e, "$setWindowFields");
      output = e;
    } else {
      Fail(code::kUnknownField,
           "BSON field '$setWindowFields." + std::string(e.name()) + "' is an unknown field.");
    }
  }
  if (!output) {
    Fail(code::kMissingField,
         "BSON field '$setWindowFields.output' is missing but a required field");
  }
  ParseOrder(sort, options, &window);
  for (const bson::Element& e : output.value().Doc()) {
    window.outputs.push_back(ParseOutput(e, window.order, options));
  }
  return std::make_unique<WindowStage>(std::move(window));
}

// Several stages as one.
class ChainStage final : public Stage {
 public:
  explicit ChainStage(std::vector<StagePtr> stages) : stages_(std::move(stages)) {}
  SourcePtr Open(SourcePtr input, PipelineContext& context) const override {
    for (const StagePtr& stage : stages_) input = stage->Open(std::move(input), context);
    return input;
  }

 private:
  std::vector<StagePtr> stages_;
};

struct FillParts {
  bson::Builder windows;  // {field: {$locf: "$field"}}
  bson::Builder values;   // {field: {$ifNull: ["$field", value]}}
  bool has_windows = false;
  bool has_values = false;
};

void ParseFillOutput(const bson::Element& e, bool sorted, FillParts* parts) {
  RequireObject(e, "$fill.output");
  const std::string path = "$" + std::string(e.name());
  const bson::Document how = e.value().Doc();
  if (how.CountElements() != 1) {
    Fail(6050202, "Each output of $fill must have exactly one of 'value' and 'method'");
  }
  const bson::Element only = *how.begin();
  if (only.name() == "value") {
    parts->has_values = true;
    parts->values.OpenObject(e.name()).OpenArray("$ifNull").Text("0", path);
    parts->values.Value("1", only.value()).Close().Close();
    return;
  }
  if (only.name() != "method") {
    Fail(code::kUnknownField,
         "BSON field '$fill.output." + std::string(only.name()) + "' is an unknown field.");
  }
  const std::string_view method =
      only.type() == bson::Type::kString ? only.value().Text() : std::string_view();
  if (method != "locf" && method != "linear") {
    Fail(6050202, "Method must be either locf or linear");
  }
  if (method == "linear" && !sorted) Fail(605001, "$linearFill must be specified with a sortBy");
  parts->has_windows = true;
  parts->windows.OpenObject(e.name());
  parts->windows.Text(method == "locf" ? "$locf" : "$linearFill", path).Close();
}

// {a: "$a", b: "$b"} of ["a", "b"].
void AppendPartition(const bson::Element& fields, bson::Builder* out) {
  if (fields.type() != bson::Type::kArray) {
    Fail(code::kTypeMismatch, "'$fill.partitionByFields' must be an array of strings");
  }
  out->OpenObject("partitionBy");
  for (const bson::Element& e : fields.value().Doc()) {
    if (e.type() != bson::Type::kString) {
      Fail(code::kTypeMismatch, "'$fill.partitionByFields' must be an array of strings");
    }
    if (e.value().Text().starts_with('$')) {
      Fail(6050204, "Each string in 'partitionByFields' must be a field, not an expression");
    }
    // Named by their places: a path may hold dots.
    out->Text("p" + std::string(e.name()), "$" + std::string(e.value().Text()));
  }
  out->Close();
}

StagePtr ParseFill(const bson::Value& spec, const ParseOptions& options) {
  if (spec.type() != bson::Type::kObject) {
    Fail(code::kFailedToParse, "the $fill stage specification must be an object");
  }
  const bson::Document fill = spec.Doc();
  for (const bson::Element& e : fill) {
    const bool known = e.name() == "partitionBy" || e.name() == "partitionByFields" ||
                       e.name() == "sortBy" || e.name() == "output";
    if (!known) {
      Fail(code::kUnknownField,
           "BSON field '$fill." + std::string(e.name()) + "' is an unknown field.");
    }
  }
  if (!fill["output"]) {
    Fail(code::kMissingField, "BSON field '$fill.output' is missing but a required field");
  }
  RequireObject(fill["output"], "$fill");
  if (fill["partitionBy"] && fill["partitionByFields"]) {
    Fail(6050204, "Maximum one of 'partitionBy' and 'partitionByFields' can be specified");
  }
  FillParts parts;
  const bool sorted = static_cast<bool>(fill["sortBy"]);
  for (const bson::Element& e : fill["output"].value().Doc()) ParseFillOutput(e, sorted, &parts);
  const std::string windows = parts.windows.Finish();
  const std::string values = parts.values.Finish();
  std::vector<StagePtr> stages;
  if (parts.has_windows) {
    bson::Builder b;
    if (const bson::Element by = fill["partitionBy"]) b.Element(by);
    if (const bson::Element by = fill["partitionByFields"]) AppendPartition(by, &b);
    if (const bson::Element by = fill["sortBy"]) b.Element(by);
    b.Object("output", bson::Document(AsBytes(windows)));
    const std::string bytes = b.Finish();
    stages.push_back(
        ParseSetWindowFields(bson::Document(AsBytes(bytes)).AsValue(bson::Type::kObject), options));
  }
  if (parts.has_values) {
    stages.push_back(MakeTransformStage(ParseTransform(
        "$addFields", bson::Document(AsBytes(values)).AsValue(bson::Type::kObject), options)));
  }
  return std::make_unique<ChainStage>(std::move(stages));
}

}  // namespace

StagePtr ParseWindowStage(std::string_view name, const bson::Value& spec,
                          const ParseOptions& options) {
  if (name == "$setWindowFields") return ParseSetWindowFields(spec, options);
  if (name == "$fill") return ParseFill(spec, options);
  return nullptr;
}

}  // namespace nexadb::query
