#include "plugins/database-document/stage/pipeline.h"

#include "core/document/error.h"
#include "core/document/limits.h"
#include "plugins/database-document/stage/metadata.h"
#include "plugins/database-document/stage/partial.h"
#include "plugins/database-document/stage/rank_fusion.h"
#include "plugins/database-document/stage/stage.h"
#include "plugins/database-document/value/meter.h"

namespace nexadb::query {
namespace {

// A stage that the database opens.
class DatabaseStage final : public Stage {
 public:
  DatabaseStage(bson::Document stage, bool brings)
      : stage_(AsText(stage.bytes())), brings_(brings) {}
  SourcePtr Open(SourcePtr input, PipelineContext& context) const override {
    return Unwrap(context.OpenDatabaseStage(bson::Document(AsBytes(stage_)), std::move(input)));
  }
  bool BringsDocuments() const override { return brings_; }

 private:
  std::string stage_;
  bool brings_;
};

constexpr int kUnknownStage = 40324;
// Every stage there is, for the one that a mistyped name probably means.
constexpr std::string_view kStageNames[] = {"$addFields",   "$bucket",
                                            "$bucketAuto",  "$collStats",
                                            "$count",       "$densify",
                                            "$documents",   "$facet",
                                            "$fill",        "$graphLookup",
                                            "$group",       "$indexStats",
                                            "$limit",       "$listClusterCatalog",
                                            "$lookup",      "$match",
                                            "$merge",       "$out",
                                            "$project",     "$rankFusion",
                                            "$redact",      "$replaceRoot",
                                            "$replaceWith", "$sample",
                                            "$set",         "$setWindowFields",
                                            "$skip",        "$sort",
                                            "$sortByCount", "$unionWith",
                                            "$unset",       "$unwind"};

// A stage that this library does not know; the database might.
void CheckDatabaseStage(PipelineContext& context, bson::Document stage, bool first, bool last,
                        int64_t index) {
  Status status = context.ParseDatabaseStage(stage, first, last);
  if (status.domain() != kMongoDomain || status.number() != kUnknownStage) return Require(status);
  FailUnknown(kUnknownStage, status.message(), stage.begin()->name(), kStageNames,
              std::size(kStageNames), "/pipeline/" + std::to_string(index));
}

// A $match goes into the stage before it that can test it while it makes documents.
void PushFilters(std::vector<StagePtr>& stages) {
  for (size_t i = 0; i + 1 < stages.size(); ++i) {
    std::unique_ptr<Matcher>* filter = stages[i + 1]->OwnFilter();
    if (filter == nullptr || !stages[i]->TakeFilter(*filter)) continue;
    stages.erase(stages.begin() + static_cast<ptrdiff_t>(i) + 1);
  }
}

// A stage followed by $skip and $limit needs to give no more than they let through.
void TellLimits(std::vector<StagePtr>& stages) {
  for (size_t i = 0; i < stages.size(); ++i) {
    uint64_t skipped = 0;
    for (size_t j = i + 1; j < stages.size(); ++j) {
      uint64_t sum = 0;
      if (const auto takes = stages[j]->Takes()) {
        if (!__builtin_add_overflow(skipped, *takes, &sum)) stages[i]->KeepFirst(sum);
        break;
      }
      const auto skips = stages[j]->Skips();
      if (!skips || __builtin_add_overflow(skipped, *skips, &sum)) break;
      skipped = sum;
    }
  }
}

// Any but $rankFusion and the database's own. Null when `name` is none of them.
StagePtr ParsePlainStage(std::string_view name, const bson::Value& spec,
                         const ParseOptions& options, PipelineContext& context) {
  StagePtr parsed = ParseBasicStage(name, spec, options);
  if (parsed == nullptr) {
    if (auto transform = ParseTransform(name, spec, options)) {
      if (options.metadata) transform = KeepMetadata(std::move(transform));
      parsed = MakeTransformStage(std::move(transform));
    }
  }
  if (parsed == nullptr) parsed = ParseSortStage(name, spec, options);
  if (parsed == nullptr) parsed = ParseGroupStage(name, spec, options);
  if (parsed == nullptr) parsed = ParseBucketStage(name, spec, options);
  if (parsed == nullptr) parsed = ParseJoinStage(name, spec, options, context);
  if (parsed == nullptr) parsed = ParseRedactStage(name, spec, options);
  if (parsed == nullptr) parsed = ParseWindowStage(name, spec, options);
  if (parsed == nullptr) parsed = ParseDensifyStage(name, spec, options);
  if (parsed == nullptr) parsed = ParseGraphStage(name, spec, options);
  if (parsed == nullptr) parsed = ParseFacetStage(name, spec, options, context);
  return parsed;
}

bool IsOutput(std::string_view name) { return name == "$out" || name == "$merge"; }

}  // namespace

Pipeline::Pipeline(PipelineContext& context) : context_(context) {}
Pipeline::~Pipeline() = default;

Result<std::unique_ptr<Pipeline>> Pipeline::Parse(bson::Document stages, PipelineContext& context,
                                                  const ParseOptions& given) {
  return Catch<std::unique_ptr<Pipeline>>([&] {
    const EvaluationScope scope(EvaluationScope::Kind::kParse);
    std::unique_ptr<Pipeline> pipeline(new Pipeline(context));
    const auto count = static_cast<int64_t>(stages.CountElements());
    if (count > kPipelineStagesMax) {
      Require(LimitError(ErrorId::kPipelineTooLong, "pipeline_stages", kPipelineStagesMax, count));
    }
    const ParseOptions* options = &given;
    std::optional<ParseOptions> with_metadata;  // behind the stage that gives it
    int64_t i = 0;
    for (const bson::Element& e : stages) {
      if (e.type() != bson::Type::kObject) {
        Fail(code::kTypeMismatch, "Each element of the 'pipeline' array must be an object");
      }
      const bson::Document stage = e.value().Doc();
      if (stage.CountElements() != 1) {
        Fail(40323, "A pipeline stage specification object must contain exactly one field.");
      }
      const std::string_view name = stage.begin()->name();
      const bson::Value& spec = stage.begin()->value();
      const bool first = i == 0;
      const bool last = ++i == count;
      StagePtr parsed = ParsePlainStage(name, spec, *options, context);
      if (parsed == nullptr && name == "$rankFusion") {
        parsed = ParseRankFusion(spec, *options, context, first);
        options = &with_metadata.emplace(given);
        with_metadata->metadata = true;
      }
      if (parsed == nullptr) {
        CheckDatabaseStage(context, stage, first, last, i - 1);
        if (IsOutput(name) && !last) {
          Fail(40601, std::string(name) + " can only be the final stage in the pipeline");
        }
        if (options->metadata) pipeline->stages_.push_back(MakeMetadataRemoval());
        parsed = std::make_unique<DatabaseStage>(stage, first && !IsOutput(name));
      }
      if (parsed->BringsDocuments() && !first) {
        Fail(40602, std::string(name) + " is only valid as the first stage in a pipeline.");
      }
      parsed->name = name;
      pipeline->stages_.push_back(std::move(parsed));
    }
    if (options->metadata) pipeline->stages_.push_back(MakeMetadataRemoval());
    PushFilters(pipeline->stages_);
    TellLimits(pipeline->stages_);
    return pipeline;
  });
}

std::optional<std::string> Pipeline::TakeLeadingMatch() {
  std::vector<std::string> filters;
  while (!stages_.empty() && stages_.front()->Filter() != nullptr) {
    filters.push_back(*stages_.front()->Filter());
    stages_.erase(stages_.begin());
  }
  if (filters.empty()) return std::nullopt;
  if (filters.size() == 1) return filters.front();
  bson::Builder b;
  b.OpenArray("$and");
  for (size_t i = 0; i < filters.size(); ++i) {
    b.Object(std::to_string(i), bson::Document(AsBytes(filters[i])));
  }
  b.Close();
  return b.Finish();
}

Pipeline::LeadingSort Pipeline::leading_sort() const noexcept {
  if (stages_.empty()) return {};
  return {stages_.front()->Order(), stages_.front()->First()};
}

void Pipeline::BreakLeadingTies() {
  if (!stages_.empty()) stages_.front()->BreakTiesById();
}

void Pipeline::DropLeadingSort() { stages_.erase(stages_.begin()); }

std::optional<std::vector<std::string>> Pipeline::InputPaths() const {
  std::vector<std::string> paths;
  for (const auto& stage : stages_) {
    switch (stage->AddPaths(&paths)) {
      case Stage::Looks::kAnywhere: return std::nullopt;
      case Stage::Looks::kAndHandsOn: break;
      case Stage::Looks::kThereAlone: return paths;
    }
  }
  return std::nullopt;
}

bool Pipeline::BringsDocuments() const noexcept {
  return !stages_.empty() && stages_.front()->BringsDocuments();
}

std::string_view Pipeline::LastStageName() const noexcept {
  return stages_.empty() ? std::string_view() : std::string_view(stages_.back()->name);
}

std::vector<std::string> Pipeline::ForeignCollections() const {
  std::vector<std::string> names;
  for (const auto& stage : stages_) stage->AddForeign(&names);
  return names;
}

Result<SourcePtr> Pipeline::Open(SourcePtr input) {
  return Catch<SourcePtr>([&] {
    SourcePtr source = std::move(input);
    for (const auto& stage : stages_) source = stage->Open(std::move(source), context_);
    return source;
  });
}

std::optional<size_t> Pipeline::StagesBeforeParts() const noexcept {
  for (size_t i = 0; i < stages_.size(); ++i) {
    if (stages_[i]->HasPartials()) return i;
    if (!stages_[i]->TreatsEachAlone()) break;
  }
  return std::nullopt;
}

bool Pipeline::HasParts() const noexcept { return StagesBeforeParts().has_value(); }

Result<Pipeline::Part> Pipeline::OpenPart(SourcePtr input) {
  return Catch<Part>([&] {
    const size_t before = *StagesBeforeParts();
    Part part{std::move(input), nullptr};
    for (size_t i = 0; i < before; ++i) {
      part.documents = stages_[i]->Open(std::move(part.documents), context_);
    }
    part.result = stages_[before]->NewPartial(context_);
    return part;
  });
}

Result<SourcePtr> Pipeline::OpenJoined(std::unique_ptr<Partial> joined) {
  return Catch<SourcePtr>([&] {
    size_t i = *StagesBeforeParts();
    SourcePtr source = stages_[i]->OpenJoined(std::move(joined), context_);
    for (++i; i < stages_.size(); ++i) source = stages_[i]->Open(std::move(source), context_);
    return source;
  });
}

}  // namespace nexadb::query
