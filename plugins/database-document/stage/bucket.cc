// $bucket and $bucketAuto.
#include <algorithm>

#include "plugins/database-document/expression/expression.h"
#include "plugins/database-document/project/sort.h"
#include "plugins/database-document/stage/granularity.h"
#include "plugins/database-document/stage/group.h"
#include "plugins/database-document/stage/sort_stage.h"
#include "plugins/database-document/stage/stage.h"
#include "plugins/database-document/value/compare.h"
#include "plugins/database-document/value/meter.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

using Accumulators = std::vector<std::unique_ptr<Accumulator>>;

Accumulators ParseOutput(const bson::Value& output, int not_object, const ParseOptions& options) {
  Accumulators accumulators;
  if (!output) {
    const std::string sum = bson::Builder().Int32("$sum", 1).Finish();
    accumulators.push_back(ParseAccumulator(
        "count", bson::Document(AsBytes(sum)).AsValue(bson::Type::kObject), options));
    return accumulators;
  }
  if (output.type() != bson::Type::kObject) {
    Fail(not_object, "The bucket 'output' field must be an object, but found type: " +
                         std::string(TypeName(output.type())));
  }
  for (const bson::Element& e : output.Doc()) {
    accumulators.push_back(ParseAccumulator(e.name(), e.value(), options));
  }
  return accumulators;
}

void RequireExpression(const bson::Value& by, int number) {
  const bool path = by.type() == bson::Type::kString && by.Text().starts_with('$');
  const bool object = by.type() == bson::Type::kObject;
  if (!path && !object) {
    Fail(number,
         "The bucket 'groupBy' field must be defined as a $-prefixed path or an "
         "expression object");
  }
}

class BucketStage final : public Stage {
 public:
  BucketStage(GroupSpec spec, SortPattern pattern)
      : spec_(std::move(spec)), pattern_(std::move(pattern)) {}
  SourcePtr Open(SourcePtr input, PipelineContext& context) const override {
    return OpenSort(OpenGroup(std::move(input), spec_, context), pattern_, 0, context);
  }

 private:
  GroupSpec spec_;
  SortPattern pattern_;
};

std::vector<OwnedValue> ParseBoundaries(const bson::Value& v, const ParseOptions& options) {
  if (v.type() != bson::Type::kArray) {
    Fail(40200, "The $bucket 'boundaries' field must be an array, but found type: " +
                    std::string(TypeName(v.type())));
  }
  std::vector<OwnedValue> bounds;
  for (const bson::Element& e : v.Doc()) {
    const auto expression = Unwrap(Expression::Parse(e.value(), options));
    if (!expression->IsConstant()) {
      Fail(40191, "The $bucket 'boundaries' field must be an array of constant values");
    }
    bounds.push_back(Unwrap(expression->Evaluate(bson::Document())).Keep());
  }
  if (bounds.size() < 2) {
    Fail(40192, "The $bucket 'boundaries' field must have at least 2 values");
  }
  for (size_t i = 1; i < bounds.size(); ++i) {
    if (TypeRank(bounds[i - 1].type()) != TypeRank(bounds[i].type())) {
      Fail(40193, "All values in the 'boundaries' option to $bucket must have the same type");
    }
    if (CompareValues(bounds[i - 1].view(), bounds[i].view(), options.collation.get()) >= 0) {
      Fail(40194, "The 'boundaries' option to $bucket must be sorted in ascending order");
    }
  }
  return bounds;
}

SortPattern ById(const Collation* collation) {
  const std::string spec = bson::Builder().Int32("_id", 1).Finish();
  return Unwrap(SortPattern::Parse(bson::Document(AsBytes(spec)), collation));
}

StagePtr ParseBucket(const bson::Value& spec, const ParseOptions& options) {
  if (spec.type() != bson::Type::kObject) {
    Fail(40201, "Argument to $bucket stage must be an object");
  }
  bson::Value by, boundaries, otherwise, output;
  for (const bson::Element& e : spec.Doc()) {
    if (e.name() == "groupBy") {
      RequireExpression(e.value(), 40202);
      by = e.value();
    } else if (e.name() == "boundaries") {
      boundaries = e.value();
    } else if (e.name() == "default") {
      otherwise = e.value();
    } else if (e.name() == "output") {
      output = e.value();
    } else {
      Fail(40197, "Unrecognized option to $bucket: " + std::string(e.name()));
    }
  }
  const std::vector<OwnedValue> checked =
      boundaries ? ParseBoundaries(boundaries, options) : std::vector<OwnedValue>();
  GroupSpec group;
  for (auto& accumulator : ParseOutput(output, 40196, options)) {
    group.fields.emplace_back().accumulator = std::move(accumulator);
  }
  if (!by || !boundaries) {
    Fail(40198, "$bucket requires 'groupBy' and 'boundaries' to be specified");
  }
  OwnedValue fallback;
  if (otherwise) {
    const auto expression = Unwrap(Expression::Parse(otherwise, options));
    if (!expression->IsConstant()) Fail(40195, "The $bucket 'default' field must be a constant");
    fallback = Unwrap(expression->Evaluate(bson::Document())).Keep();
    const ValueLess less{options.collation.get()};
    if (!less(fallback.view(), checked.front().view()) &&
        less(fallback.view(), checked.back().view())) {
      Fail(40199,
           "The $bucket 'default' field must be less than the lowest boundary or greater "
           "than or equal to the highest boundary.");
    }
  }
  std::shared_ptr<Expression> value = Unwrap(Expression::Parse(by, options));
  auto bounds = std::make_shared<std::vector<OwnedValue>>(checked);
  const bool has_fallback = static_cast<bool>(otherwise);
  group.collation = options.collation;
  group.id = [value, bounds, fallback, has_fallback,
              collation = options.collation](bson::Document doc) {
    const OwnedValue v = Unwrap(value->Evaluate(doc));
    const auto less = [&](const OwnedValue& a, const OwnedValue& b) {
      return CompareValues(a.view(), b.view(), collation.get()) < 0;
    };
    const auto above = std::upper_bound(bounds->begin(), bounds->end(), v, less);
    if (above != bounds->begin() && above != bounds->end()) return *(above - 1);
    if (!has_fallback) {
      Fail(40066,
           "$switch could not find a matching branch for an input, and no default was "
           "specified.");
    }
    return fallback;
  };
  return std::make_unique<BucketStage>(std::move(group), ById(options.collation.get()));
}

// --- $bucketAuto

struct BucketAuto {
  CollationPtr collation;
  std::shared_ptr<Expression> by;
  int64_t buckets = 0;
  std::optional<Granularity> granularity;
  Accumulators accumulators;
};

class BucketAutoSource final : public StoredSource {
 public:
  BucketAutoSource(SourcePtr input, const BucketAuto& spec, PipelineContext& context)
      : input_(std::move(input)), spec_(spec), context_(context) {}

 private:
  struct Row {
    OwnedValue key;
    Buffer document;
  };

  void Compute() override {
    std::vector<Row> rows;
    size_t bytes = 0;
    BatchReader reader(std::move(input_));
    while (const BatchDocument* doc = reader.Next()) {
      OwnedValue key = Unwrap(spec_.by->Evaluate(doc->view())).Keep();
      if (key.IsMissing()) key = OwnedValue::Null();
      if (spec_.granularity) RequirePreferable(key.view());
      bytes += key.size();
      rows.push_back({std::move(key), doc->Keep()});
      bytes += rows.back().document.size() + sizeof(Row);
      CheckMemory(bytes, context_, "$bucketAuto");
    }
    std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
      Meter::Work(1);
      return CompareValues(a.key.view(), b.key.view(), spec_.collation.get()) < 0;
    });
    Cut(rows);
  }

  static void RequirePreferable(const bson::Value& key) {
    if (!key.IsNumber()) {
      Fail(40258,
           "$bucketAuto can specify a 'granularity' with numeric boundaries only, but found " +
               std::string(TypeName(key.type())));
    }
    if (IsNan(key))
      Fail(40259, "$bucketAuto can specify a 'granularity' with numbers only, not NaN");
    if (ToDouble(key) < 0) {
      Fail(40260, "$bucketAuto can specify a 'granularity' with non-negative numbers only");
    }
  }

  // Even parts, moved so that equal keys stay together; a bucket's end is the next one's start.
  void Cut(const std::vector<Row>& rows) {
    const auto buckets = static_cast<size_t>(spec_.buckets);
    const size_t size = std::max<size_t>(
        1,
        static_cast<size_t>(static_cast<double>(rows.size()) / static_cast<double>(buckets) + 0.5));
    size_t at = 0;
    for (size_t b = 0; b < buckets && at < rows.size(); ++b) {
      size_t end = b + 1 == buckets ? rows.size() : std::min(rows.size(), at + size);
      if (spec_.granularity) {
        // The boundary moves up to a number of the series, and takes what lies below it along.
        const double up = spec_.granularity->Up(ToDouble(rows[end - 1].key.view()));
        while (end < rows.size() && ToDouble(rows[end].key.view()) < up) ++end;
      } else {
        while (end < rows.size() &&
               EqualValues(rows[end - 1].key.view(), rows[end].key.view(), spec_.collation.get())) {
          ++end;
        }
      }
      Emit(rows, at, end);
      at = end;
    }
  }

  void Emit(const std::vector<Row>& rows, size_t begin, size_t end) {
    bson::Builder out;
    out.OpenObject("_id");
    if (spec_.granularity) {
      const double low = begin == 0 ? spec_.granularity->Down(ToDouble(rows[0].key.view())) : high_;
      high_ = spec_.granularity->Up(ToDouble(rows[end - 1].key.view()));
      out.Double("min", low).Double("max", high_);
    } else {
      const Row& next = end < rows.size() ? rows[end] : rows[end - 1];
      out.Value("min", rows[begin].key.view()).Value("max", next.key.view());
    }
    out.Close();
    for (const auto& accumulator : spec_.accumulators) {
      const auto state = accumulator->NewState();
      for (size_t i = begin; i < end; ++i) {
        Meter::Work(1);
        state->Add(accumulator->Argument(bson::Document(rows[i].document.bytes())));
      }
      out.Value(accumulator->field, state->Finish().view());
    }
    documents_.push_back(Buffer::Own(out.Finish()));
  }

  SourcePtr input_;
  const BucketAuto& spec_;
  PipelineContext& context_;
  double high_ = 0;  // of the bucket before, with a granularity
};

class BucketAutoStage final : public Stage {
 public:
  explicit BucketAutoStage(BucketAuto spec) : spec_(std::move(spec)) {}
  SourcePtr Open(SourcePtr input, PipelineContext& context) const override {
    return std::make_unique<BucketAutoSource>(std::move(input), spec_, context);
  }

 private:
  BucketAuto spec_;
};

StagePtr ParseBucketAuto(const bson::Value& spec, const ParseOptions& options) {
  if (spec.type() != bson::Type::kObject) {
    Fail(40240, "The argument to $bucketAuto must be an object");
  }
  BucketAuto bucket;
  bucket.collation = options.collation;
  bson::Value output;
  bool has_buckets = false;
  for (const bson::Element& e : spec.Doc()) {
    if (e.name() == "groupBy") {
      RequireExpression(e.value(), 40239);
      bucket.by = Unwrap(Expression::Parse(e.value(), options));
    } else if (e.name() == "buckets") {
      if (!e.value().IsNumber()) {
        Fail(40241, "The $bucketAuto 'buckets' field must be a numeric value");
      }
      const std::optional<int64_t> n = ExactInt64(e.value());
      if (!n || *n > INT32_MAX || *n < INT32_MIN) {
        Fail(40242, "The $bucketAuto 'buckets' field must be representable as a 32-bit integer");
      }
      if (*n <= 0) Fail(40243, "The $bucketAuto 'buckets' field must be greater than 0");
      bucket.buckets = *n;
      has_buckets = true;
    } else if (e.name() == "output") {
      output = e.value();
      if (output.type() != bson::Type::kObject) {
        Fail(40244, "The $bucketAuto 'output' field must be an object");
      }
    } else if (e.name() == "granularity") {
      if (e.type() != bson::Type::kString) {
        Fail(40261, "The $bucketAuto 'granularity' field must be a string");
      }
      bucket.granularity = Granularity::Find(e.value().Text());
      if (!bucket.granularity) {
        Fail(40257, "Unknown rounding granularity '" + std::string(e.value().Text()) + "'");
      }
    } else {
      Fail(40245, "Unrecognized option to $bucketAuto: " + std::string(e.name()));
    }
  }
  if (bucket.by == nullptr || !has_buckets) {
    Fail(40246, "$bucketAuto requires 'groupBy' and 'buckets' to be specified");
  }
  bucket.accumulators = ParseOutput(output, 40244, options);
  return std::make_unique<BucketAutoStage>(std::move(bucket));
}

}  // namespace

StagePtr ParseBucketStage(std::string_view name, const bson::Value& spec,
                          const ParseOptions& options) {
  if (name == "$bucket") return ParseBucket(spec, options);
  if (name == "$bucketAuto") return ParseBucketAuto(spec, options);
  return nullptr;
}

}  // namespace nexadb::query
