// $group, $sortByCount, and the grouping that $bucket uses.
#include <unordered_map>

#include "plugins/database-document/project/sort.h"
#include "plugins/database-document/stage/accumulator.h"
#include "plugins/database-document/stage/group.h"
#include "plugins/database-document/stage/sort_stage.h"
#include "plugins/database-document/stage/stage.h"
#include "plugins/database-document/value/key_encoding.h"

namespace nexadb::query {
namespace {

// Groups by the encoded key; the first value seen represents the group.
class GroupSource final : public StoredSource {
 public:
  GroupSource(SourcePtr input, const GroupSpec& spec, PipelineContext& context)
      : input_(std::move(input)), spec_(spec), context_(context) {}

 private:
  struct Group {
    OwnedValue id;
    std::vector<std::unique_ptr<AccumulatorState>> states;
  };

  void Compute() override {
    BatchReader reader(std::move(input_));
    std::string key;
    size_t rows = 0;
    while (const BatchDocument* doc = reader.Next()) {
      const OwnedValue id = spec_.id(doc->view());
      key.clear();
      AppendKey(id.view(), &key);
      auto [at, fresh] = index_.try_emplace(key, groups_.size());
      if (fresh) {
        groups_.push_back({id.IsMissing() ? OwnedValue::Null() : id.Keep(), {}});
        for (const auto& a : spec_.accumulators) groups_.back().states.push_back(a->NewState());
        bytes_ += 2 * key.size() + 128;
      }
      Group& group = groups_[at->second];
      for (size_t i = 0; i < group.states.size(); ++i) {
        const size_t before = group.states[i]->bytes();
        group.states[i]->Add(spec_.accumulators[i]->Argument(doc->view()));
        bytes_ += group.states[i]->bytes() - before;
      }
      CheckMemory(bytes_, context_, "$group");
      if (++rows % kBatchDocuments == 0) Require(context_.CheckInterrupt());
    }
    for (Group& group : groups_) {
      bson::Builder out;
      out.Value("_id", group.id.view());
      for (size_t i = 0; i < group.states.size(); ++i) {
        const OwnedValue v = group.states[i]->Finish();
        if (!v.IsMissing()) out.Value(spec_.accumulators[i]->field, v.view());
      }
      documents_.push_back(Buffer::Own(out.Finish()));
    }
    groups_.clear();
    index_.clear();
  }

  SourcePtr input_;
  const GroupSpec& spec_;
  PipelineContext& context_;
  std::vector<Group> groups_;
  std::unordered_map<std::string, size_t> index_;
  size_t bytes_ = 0;
};

class GroupStage final : public Stage {
 public:
  explicit GroupStage(GroupSpec spec) : spec_(std::move(spec)) {}
  SourcePtr Open(SourcePtr input, PipelineContext& context) const override {
    return OpenGroup(std::move(input), spec_, context);
  }

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

 private:
  GroupSpec spec_;
  SortPattern pattern_;
};

std::function<OwnedValue(bson::Document)> IdOf(const bson::Value& spec,
                                               const ParseOptions& options) {
  std::shared_ptr<Expression> id = Unwrap(Expression::Parse(spec, options));
  return [id](bson::Document doc) { return Unwrap(id->Evaluate(doc)); };
}

StagePtr ParseGroup(const bson::Value& spec, const ParseOptions& options) {
  if (spec.type() != bson::Type::kObject) {
    Fail(15947, "a group's fields must be specified in an object");
  }
  GroupSpec group;
  for (const bson::Element& e : spec.Doc()) {
    if (e.name() == "_id") {
      if (group.id) Fail(15948, "a group's _id may only be specified once");
      group.id = IdOf(e.value(), options);
    } else {
      group.accumulators.push_back(ParseAccumulator(e.name(), e.value(), options));
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
  group.id = IdOf(spec, options);
  const std::string sum = bson::Builder().Int32("$sum", 1).Finish();
  group.accumulators.push_back(ParseAccumulator(
      "count", bson::Document(AsBytes(sum)).AsValue(bson::Type::kObject), options));
  const std::string order = bson::Builder().Int32("count", -1).Finish();
  return std::make_unique<SortByCountStage>(
      std::move(group), Unwrap(SortPattern::Parse(bson::Document(AsBytes(order)))));
}

}  // namespace

SourcePtr OpenGroup(SourcePtr input, const GroupSpec& spec, PipelineContext& context) {
  return std::make_unique<GroupSource>(std::move(input), spec, context);
}

StagePtr ParseGroupStage(std::string_view name, const bson::Value& spec,
                         const ParseOptions& options) {
  if (name == "$group") return ParseGroup(spec, options);
  if (name == "$sortByCount") return ParseSortByCount(spec, options);
  return nullptr;
}

}  // namespace nexadb::query
