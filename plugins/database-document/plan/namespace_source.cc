#include "plugins/database-document/plan/namespace_source.h"

#include "core/document/error.h"
#include "plugins/database-document/plan/divided_source.h"
#include "plugins/database-document/plan/document_scan.h"
#include "plugins/database-document/plan/pipeline_access.h"
#include "plugins/database-document/plan/planner.h"

namespace nexadb::database {

namespace {

constexpr int32_t kOptionNotSupportedOnView = 167;

// Members are destroyed in reverse: the source before the pipeline that made it, that before the
// context which it borrows.
class PipelineSource final : public query::DocumentSource {
 public:
  PipelineSource(QueryContext& context, std::string_view collection, int depth)
      : context_(context, collection, depth) {}
  Status Open(QueryContext& context, std::string_view collection, bson::Document stages,
              const bson::Value& hint, int depth) {
    query::ParseOptions options = context.parse_options();
    options.collection = collection;
    auto pipeline = query::Pipeline::Parse(stages, context_, options);
    if (!pipeline.ok()) return pipeline.status();
    pipeline_ = std::move(*pipeline);
    query::SourcePtr input;
    if (!pipeline_->BringsDocuments()) {
      const auto match = pipeline_->TakeLeadingMatch();
      const bson::Document filter = match ? bson::Document(AsBytes(*match)) : bson::Document();
      WantedOrder order{pipeline_->leading_sort()};
      auto opened = collection.empty()
                        ? Result<query::SourcePtr>(std::make_unique<EmptySource>())
                        : OpenNamespace(context, collection, filter, hint, depth,
                                        order.sort.pattern == nullptr ? nullptr : &order,
                                        PathsOfPipeline(*pipeline_));
      if (!opened.ok()) return opened.status();
      input = std::move(*opened);
      if (order.given) {
        pipeline_->DropLeadingSort();
      } else if (order.total) {
        pipeline_->BreakLeadingTies();
      }
    }
    if (input != nullptr && pipeline_->HasParts() && DividedSource::ThreadsOf(context) > 1) {
      source_ = std::make_unique<DividedSource>(context, collection, depth, stages, *pipeline_,
                                                std::move(input));
      return {};
    }
    auto source = pipeline_->Open(std::move(input));
    if (!source.ok()) return source.status();
    source_ = std::move(*source);
    return {};
  }
  Result<size_t> Next(std::span<query::BatchDocument> out) override { return source_->Next(out); }
  Result<size_t> Pass(size_t most) override { return source_->Pass(most); }

 private:
  DatabaseContext context_;
  std::unique_ptr<query::Pipeline> pipeline_;
  query::SourcePtr source_;
};

Result<query::SourcePtr> OpenView(QueryContext& context, const CollectionEntry& view,
                                  bson::Document filter, int depth) {
  if (depth >= kViewDepthMax) {
    return MongoError(kViewDepthLimitExceeded, "view depth too deep or view cycle detected at " +
                                                   Namespace(view.database, view.name));
  }
  if (!query::SameCollation(view.collation.get(), context.collation())) {
    return MongoError(kOptionNotSupportedOnView,
                      "the view " + Namespace(view.database, view.name) +
                          " has another collation than the query asks for");
  }
  const bson::Document options = view.option_document();
  const bson::Element on = options["viewOn"];
  const bson::Element pipeline = options["pipeline"];
  if (on.type() != bson::Type::kString) {
    return MakeError(ErrorId::kCorruption, "the view " + view.name + " has no viewOn");
  }
  const bson::Document stages =
      pipeline.type() == bson::Type::kArray ? pipeline.value().Doc() : bson::Document();
  // At once, as for a caller's own pipeline: not when the first document comes to a $lookup.
  Status may_read =
      CheckPipelineAccess(context.session(), context.scope().catalog(), context.database(), stages);
  if (!may_read.ok()) return may_read;
  bson::Builder match;
  if (!filter.empty()) match.OpenObject("0").Object("$match", filter).Close();
  const std::string joined = JoinStages(stages, bson::Document(AsBytes(match.Finish())));
  return OpenPipeline(context, on.value().Text(), bson::Document(AsBytes(joined)), {}, depth + 1);
}

// Asks for the order of a $sort. True when it is that of _id, which every plan keeps.
bool OrderById(const query::Pipeline::LeadingSort& sort, PlanRequest* request) {
  const auto& parts = sort.pattern->parts();
  const bool by_id = !parts.empty() && parts.front().path.text() == "_id";
  if (by_id && parts.front().collation == nullptr) {
    request->direction =
        parts.front().descending ? ScanDirection::kReverse : ScanDirection::kForward;
    return true;
  }
  request->sort.pattern = sort.pattern;
  request->sort.first = sort.first;
  return false;
}

}  // namespace

std::optional<std::vector<std::string>> PathsOfPipeline(const query::Pipeline& pipeline) {
  auto paths = pipeline.InputPaths();
  // Ties are broken by it.
  if (paths && pipeline.leading_sort().pattern != nullptr) paths->push_back("_id");
  return paths;
}

std::string JoinStages(bson::Document first, bson::Document second) {
  bson::Builder out;
  size_t i = 0;
  for (const bson::Document& part : {first, second}) {
    for (const bson::Element& e : part) out.Value(std::to_string(i++), e.value());
  }
  return out.Finish();
}

Result<query::SourcePtr> OpenNamespace(QueryContext& context, std::string_view collection,
                                       bson::Document filter, const bson::Value& hint, int depth,
                                       WantedOrder* order,
                                       std::optional<std::vector<std::string>> looks_at) {
  Status status = context.session().CheckAccess(Action::kRead, context.database(), collection);
  if (!status.ok()) return status;
  const EntryPtr entry = context.scope().Find(context.database(), collection);
  if (entry != nullptr && entry->kind == EntryKind::kView) {
    return OpenView(context, *entry, filter, depth);
  }
  auto parsed = query::Matcher::Parse(filter, context.parse_options());
  if (!parsed.ok()) return parsed.status();
  if (entry == nullptr) return query::SourcePtr(std::make_unique<EmptySource>());
  const std::shared_ptr<const query::Matcher> matcher = std::move(*parsed);
  PlanRequest request{entry, *matcher};
  request.hint = hint;
  request.looks_at = std::move(looks_at);
  const bool by_id = order != nullptr && OrderById(order->sort, &request);
  auto plan = MakePlan(context, request);
  if (!plan.ok()) return plan.status();
  if (order != nullptr) {
    order->given = by_id || plan->sorted || plan->kind == QueryPlan::Kind::kNothing;
    order->total = true;
  }
  return query::SourcePtr(std::make_unique<PlannedSource>(
      std::make_unique<DocumentScan>(context, std::move(*plan), matcher)));
}

Result<query::SourcePtr> OpenPipeline(QueryContext& context, std::string_view collection,
                                      bson::Document stages, const bson::Value& hint, int depth) {
  auto source = std::make_unique<PipelineSource>(context, collection, depth);
  Status status = source->Open(context, collection, stages, hint, depth);
  if (!status.ok()) return status;
  return query::SourcePtr(std::move(source));
}

}  // namespace nexadb::database
