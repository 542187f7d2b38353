// $group and $sortByCount: what they are asked for.
#include "plugins/database-document/stage/group.h"
#include "plugins/database-document/project/sort.h"
#include "plugins/database-document/stage/accumulator.h"
#include "plugins/database-document/stage/partial.h"
#include "plugins/database-document/stage/sort_stage.h"
#include "plugins/database-document/stage/stage.h"
#include "plugins/database-document/value/key_encoding.h"

namespace nexadb::query {
namespace {

Stage::Looks AddGroupPaths(const GroupSpec& spec, std::vector<std::string>* out) {
  if (spec.id_path) {
    out->push_back(spec.id_path->text());
  } else if (!spec.id_constant) {
    return Stage::Looks::kAnywhere;
  }
  for (const GroupField& field : spec.fields) {
    if (field.path) {
      out->push_back(field.path->text());
    } else if (!field.constant) {
      return Stage::Looks::kAnywhere;
    }
  }
  return Stage::Looks::kThereAlone;
}

class GroupStage final : public Stage {
 public:
  explicit GroupStage(GroupSpec spec) : spec_(std::move(spec)) {}
  SourcePtr Open(SourcePtr input, PipelineContext& context) const override {
    return OpenGroup(std::move(input), spec_, context);
  }
  bool HasPartials() const override { return GroupHasPartials(spec_); }
  std::unique_ptr<Partial> NewPartial(PipelineContext& context) const override {
    return NewPartialGroup(spec_, context);
  }
  Looks AddPaths(std::vector<std::string>* out) const override { return AddGroupPaths(spec_, out); }

 private:
  GroupSpec spec_;
};

class SortByCountStage final : public Stage {
 public:
  SortByCountStage(GroupSpec spec, SortPattern pattern)
      : spec_(std::move(spec)), pattern_(std::move(pattern)) {}
  SourcePtr Open(SourcePtr input, PipelineContext& context) const override {
    return OpenSort(OpenGroup(std::move(input), spec_, context), pattern_, 0, context);
  }
  bool HasPartials() const override { return GroupHasPartials(spec_); }
  std::unique_ptr<Partial> NewPartial(PipelineContext& context) const override {
    return NewPartialGroup(spec_, context);
  }
  SourcePtr OpenJoined(std::unique_ptr<Partial> joined, PipelineContext& context) const override {
    return OpenSort(std::move(joined), pattern_, 0, context);
  }
  Looks AddPaths(std::vector<std::string>* out) const override { return AddGroupPaths(spec_, out); }

 private:
  GroupSpec spec_;
  SortPattern pattern_;
};

// Accumulators whose argument is one expression, and whether a group's state keeps its size.
struct PlainAccumulator {
  std::string_view name;
  bool fixed_size;
};
constexpr PlainAccumulator kPlainAccumulators[] = {
    {"$sum", true},          {"$avg", true},       {"$stdDevPop", true}, {"$stdDevSamp", true},
    {"$min", false},         {"$max", false},      {"$first", false},    {"$last", false},
    {"$push", false},        {"$addToSet", false}, {"$setUnion", false}, {"$concatArrays", false},
    {"$mergeObjects", false}};

// "$a.b": the field at a path, and nothing else.
std::optional<Path> FieldOf(const bson::Value& spec) {
  if (spec.type() != bson::Type::kString) return std::nullopt;
  const std::string_view text = spec.Text();
  if (text.size() < 2 || text[0] != '$' || text[1] == '$') return std::nullopt;
  return Path(text.substr(1));
}

void ParseId(const bson::Value& spec, const ParseOptions& options, GroupSpec* group) {
  std::shared_ptr<Expression> id = Unwrap(Expression::Parse(spec, options));
  group->id = [id](bson::Document doc) { return Unwrap(id->Evaluate(doc)); };
  group->id_path = FieldOf(spec);
  group->id_constant = id->IsConstant();
  group->collation = options.collation;
}

StagePtr ParseGroup(const bson::Value& spec, const ParseOptions& options) {
  if (spec.type() != bson::Type::kObject) {
    Fail(15947, "a group's fields must be specified in an object");
  }
  GroupSpec group;
  for (const bson::Element& e : spec.Doc()) {
    if (e.name() == "_id") {
      if (group.id) Fail(15948, "a group's _id may only be specified once");
      ParseId(e.value(), options, &group);
    } else {
      group.fields.push_back(ParseGroupField(e.name(), e.value(), options));
    }
  }
  if (!group.id) Fail(15955, "a group specification must include an _id");
  return std::make_unique<GroupStage>(std::move(group));
}

StagePtr ParseSortByCount(const bson::Value& spec, const ParseOptions& options) {
  const bool text = spec.type() == bson::Type::kString;
  if (text && !spec.Text().starts_with('$')) {
    Fail(40148, "the sortByCount field must be defined as a $-prefixed path or an expression");
  }
  if (spec.type() == bson::Type::kObject) {
    const auto first = spec.Doc().begin();
    if (!*first || !first->name().starts_with('$')) {
      Fail(40147, "the sortByCount field must be defined as a $-prefixed path or an expression");
    }
  } else if (!text) {
    Fail(40149, "the sortByCount field must be specified as a string or as an object");
  }
  GroupSpec group;
  ParseId(spec, options, &group);
  const std::string sum = bson::Builder().Int32("$sum", 1).Finish();
  group.fields.push_back(
      ParseGroupField("count", bson::Document(AsBytes(sum)).AsValue(bson::Type::kObject), options));
  const std::string order = bson::Builder().Int32("count", -1).Finish();
  return std::make_unique<SortByCountStage>(
      std::move(group), Unwrap(SortPattern::Parse(bson::Document(AsBytes(order)))));
}

}  // namespace

GroupField ParseGroupField(std::string_view field, const bson::Value& spec,
                           const ParseOptions& options) {
  GroupField out;
  out.accumulator = ParseAccumulator(field, spec, options);
  const bson::Element e = *spec.Doc().begin();
  if (e.name() == "$count") {
    out.constant = OwnedValue::Int32(1);
    out.sums = GroupField::Sums::kTotal;
    out.fixed_size = true;
    return out;
  }
  for (const PlainAccumulator& plain : kPlainAccumulators) {
    if (plain.name != e.name()) continue;
    out.fixed_size = plain.fixed_size;
    out.path = FieldOf(e.value());
    if (e.name() == "$sum") out.sums = GroupField::Sums::kTotal;
    if (e.name() == "$avg") out.sums = GroupField::Sums::kAverage;
    if (e.value().IsNumber()) out.constant = OwnedValue::Copy(e.value());
  }
  return out;
}

StagePtr ParseGroupStage(std::string_view name, const bson::Value& spec,
                         const ParseOptions& options) {
  if (name == "$group") return ParseGroup(spec, options);
  if (name == "$sortByCount") return ParseSortByCount(spec, options);
  return nullptr;
}

}  // namespace nexadb::query
