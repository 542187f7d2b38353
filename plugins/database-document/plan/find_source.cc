#include "plugins/database-document/plan/find_source.h"

#include <algorithm>
#include <limits>

#include "core/document/error.h"
#include "plugins/database-document/plan/document_scan.h"
#include "plugins/database-document/plan/hint.h"
#include "plugins/database-document/plan/index_bounds.h"
#include "plugins/database-document/plan/namespace_source.h"
#include "plugins/database-document/plan/planner.h"
#include "plugins/database-document/plan/position.h"
#include "plugins/database-document/stage/sort_stage.h"
#include "plugins/database-document/value/key_encoding.h"

namespace nexadb::database {

namespace {

bool IsDescending(const bson::Value& v) {
  return (v.type() == bson::Type::kInt32 && v.Int32() < 0) ||
         (v.type() == bson::Type::kInt64 && v.Int64() < 0) ||
         (v.type() == bson::Type::kDouble && v.Double() < 0);
}

// Lets through what sorts after a place.
class AfterSource final : public query::DocumentSource {
 public:
  AfterSource(query::SourcePtr input, const query::SortPattern& pattern, std::string after)
      : input_(std::move(input)), pattern_(pattern), after_(std::move(after)) {}
  Result<size_t> Next(std::span<query::BatchDocument> out) override {
    for (;;) {
      auto count = input_->Next(out);
      if (!count.ok() || *count == 0) return count;
      size_t kept = 0;
      for (size_t i = 0; i < *count; ++i) {
        key_.clear();
        Status status = pattern_.AppendKey(out[i].view(), &key_);
        if (!status.ok()) return status;
        if (key_ <= after_) continue;
        if (kept != i) out[kept] = std::move(out[i]);
        ++kept;
      }
      if (kept != 0) return kept;
    }
  }

 private:
  query::SourcePtr input_;
  const query::SortPattern& pattern_;
  std::string after_;
  std::string key_;
};

}  // namespace

std::optional<std::vector<std::string>> PathsOfFind(const query::Projection& projection,
                                                    bson::Document sort) {
  auto paths = projection.KeptPaths();
  if (!paths) return paths;
  paths->push_back("_id");
  for (const bson::Element& e : sort) paths->emplace_back(e.name());
  return paths;
}

Result<std::unique_ptr<FindSource>> FindSource::Open(QueryContext& context,
                                                     const FindRequest& request,
                                                     std::string_view after) {
  std::unique_ptr<FindSource> source(new FindSource(context));
  if (Status status = source->Prepare(request, after); !status.ok()) return status;
  return source;
}

Status FindSource::Prepare(const FindRequest& request, std::string_view after) {
  const query::ParseOptions options = context_.parse_options();
  auto filter = query::Matcher::Parse(request.filter, options);
  if (!filter.ok()) return filter.status();
  filter_ = std::move(*filter);
  auto projection = query::Projection::ParseFind(request.projection, request.filter, options);
  if (!projection.ok()) return projection.status();
  projection_ = std::move(*projection);
  fingerprint_ = request.Fingerprint();
  remaining_ = request.limit != 0 ? request.limit : std::numeric_limits<uint64_t>::max();
  skip_ = request.skip;
  std::string_view place;
  if (!after.empty()) {
    auto position = DecodePosition(after, fingerprint_);
    if (!position.ok()) return position.status();
    if (!position->order.empty()) own_order_ = AsText(position->order.bytes());
    place = position->place;
    skip_ = 0;
  }
  const bool natural = !request.sort.empty() && (*request.sort.begin()).name() == "$natural";
  if (!natural) {
    auto pattern = query::SortPattern::Parse(request.sort, context_.collation());
    if (!pattern.ok()) return pattern.status();
  }
  Status status =
      context_.session().CheckAccess(Action::kRead, context_.database(), request.collection);
  if (!status.ok()) return status;
  const EntryPtr entry = context_.scope().Find(context_.database(), request.collection);
  if (entry == nullptr) {
    input_ = std::make_unique<EmptySource>();
    return {};
  }
  if (Status bad = CheckHint(*entry, request.command["hint"].value()); !bad.ok()) return bad;
  if (entry->kind == EntryKind::kView) return OpenView(request);
  if (!own_order_.empty()) {
    return OpenSorted(request, bson::Document(AsBytes(own_order_)), entry, place);
  }
  return IsKeyOrder(request.sort) ? OpenOrdered(request, entry, place)
                                  : OpenSorted(request, request.sort, entry, place);
}

// {$natural: 1 or -1}, or a pattern that begins with _id: the order of the keys, which is that of
// the bytes of _id.
bool FindSource::IsKeyOrder(bson::Document sort) const {
  if (sort.empty()) return true;
  const bson::Element first = *sort.begin();
  return (first.name() == "_id" && context_.collation() == nullptr) || first.name() == "$natural";
}

Status FindSource::OpenOrdered(const FindRequest& request, const EntryPtr& entry,
                               std::string_view after) {
  const bool reverse = !request.sort.empty() && IsDescending((*request.sort.begin()).value());
  PlanRequest wanted{entry, *filter_};
  wanted.direction = reverse ? ScanDirection::kReverse : ScanDirection::kForward;
  wanted.hint = request.command["hint"].value();
  wanted.sort.first = FirstWanted();
  // Pages that began in the order of _id go on in it.
  wanted.looks_at = PathsOfFind(*projection_, {});
  if (request.sort.empty() && after.empty()) wanted.order = Order::kAny;
  auto plan = MakePlan(context_, wanted);
  if (!plan.ok()) return plan.status();
  if (plan->sorted) {
    if (Status status = TakeOrderOf(*plan->reads[0].index); !status.ok()) return status;
  }
  auto scan = std::make_unique<DocumentScan>(context_, std::move(*plan), filter_);
  if (!after.empty()) {
    scan->ResumeAfter(SpacePrefix(entry->id, Space::kDocument).append(after));
  }
  input_ = std::make_unique<PlannedSource>(std::move(scan));
  return {};
}

// The order that the plan has chosen, as a sort that asks for it.
Status FindSource::TakeOrderOf(const IndexEntry& index) {
  const query::SortPattern order = OwnOrder(index);
  bson::Builder sort;
  for (const query::SortPattern::Part& part : order.parts()) {
    sort.Int32(part.path.text(), part.descending ? -1 : 1);
  }
  own_order_ = sort.Finish();
  auto pattern =
      query::SortPattern::Parse(bson::Document(AsBytes(own_order_)), context_.collation());
  if (!pattern.ok()) return pattern.status();
  position_pattern_ = TotalOrder(*pattern);
  return {};
}

// One more than is given, to know whether anything follows; 0: all.
uint64_t FindSource::FirstWanted() const {
  const bool limited = remaining_ < static_cast<uint64_t>(INT64_MAX) - skip_ - 1;
  return limited ? skip_ + remaining_ + 1 : 0;
}

// An order that an index has is read from it, and any place in it is found again; otherwise what
// matches is sorted.
Status FindSource::OpenSorted(const FindRequest& request, bson::Document sort,
                              const EntryPtr& entry, std::string_view after) {
  auto pattern = query::SortPattern::Parse(sort, context_.collation());
  if (!pattern.ok()) return pattern.status();
  position_pattern_ = TotalOrder(*pattern);
  PlanRequest wanted{entry, *filter_};
  wanted.hint = request.command["hint"].value();
  wanted.looks_at = PathsOfFind(*projection_, sort);
  wanted.sort.pattern = &*position_pattern_;
  wanted.sort.resumes = !after.empty();
  wanted.sort.first = FirstWanted();
  const bool limited = wanted.sort.first != 0;
  auto plan = MakePlan(context_, wanted);
  if (!plan.ok()) return plan.status();
  const bool sorted = plan->sorted || plan->kind == QueryPlan::Kind::kNothing;
  auto scan = std::make_unique<DocumentScan>(context_, std::move(*plan), filter_);
  if (sorted && !after.empty()) scan->ResumeAfter(after);
  input_ = std::make_unique<PlannedSource>(std::move(scan));
  if (!sorted) Sort(after, limited);
  return {};
}

// Puts what `input_` gives in order, from the place on.
void FindSource::Sort(std::string_view after, bool limited) {
  if (!after.empty()) {
    input_ =
        std::make_unique<AfterSource>(std::move(input_), *position_pattern_, std::string(after));
  }
  // One more than is given, to know whether anything follows.
  const uint64_t most = limited ? skip_ + remaining_ + 1 : 0;
  input_ = query::OpenSort(std::move(input_), *position_pattern_, most, stages_);
}

Status FindSource::OpenView(const FindRequest& request) {
  keeps_position_ = false;
  auto source = OpenNamespace(context_, request.collection, request.filter);
  if (!source.ok()) return source.status();
  input_ = std::move(*source);
  if (IsKeyOrder(request.sort) && !request.sort["_id"]) return {};
  bson::Builder stages;
  stages.OpenObject("0").Object("$sort", request.sort).Close();
  const std::string bytes = stages.Finish();
  auto sorting =
      query::Pipeline::Parse(bson::Document(AsBytes(bytes)), stages_, context_.parse_options());
  if (!sorting.ok()) return sorting.status();
  sorting_ = std::move(*sorting);
  auto opened = sorting_->Open(std::move(input_));
  if (!opened.ok()) return opened.status();
  input_ = std::move(*opened);
  return {};
}

Status FindSource::SkipFirst() {
  std::vector<query::BatchDocument> skipped(
      static_cast<size_t>(std::min<uint64_t>(skip_, query::kBatchDocuments)));
  while (skip_ != 0) {
    const auto wanted = static_cast<size_t>(std::min<uint64_t>(skip_, skipped.size()));
    auto count = input_->Next(std::span(skipped).first(wanted));
    if (!count.ok()) return count.status();
    if (*count == 0) {
      remaining_ = 0;
      more_ = false;
      break;
    }
    skip_ -= *count;
  }
  skip_ = 0;
  return {};
}

// The last document that may be given has been: is there another behind it?
Status FindSource::LookAhead(std::span<query::BatchDocument> given) {
  for (query::BatchDocument& document : given) {
    document = query::BatchDocument::Share(document.Keep());
  }
  query::BatchDocument next;
  auto count = input_->Next(std::span(&next, 1));
  if (!count.ok()) return count.status();
  more_ = *count != 0;
  return {};
}

Status FindSource::Remember(bson::Document last) {
  if (!keeps_position_) return {};
  last_.clear();
  if (position_pattern_) return position_pattern_->AppendKey(last, &last_);
  query::AppendKey(last["_id"].value(), &last_);
  return {};
}

Status FindSource::Project(std::span<query::BatchDocument> given) const {
  if (projection_->IsEmpty()) return {};
  for (query::BatchDocument& document : given) {
    query::MatchDetails details;
    if (projection_->NeedsPosition()) {
      auto matches = filter_->Matches(document.view(), &details);
      if (!matches.ok()) return matches.status();
    }
    auto projected = projection_->Apply(document.view(), details);
    if (!projected.ok()) return projected.status();
    document = query::BatchDocument::Own(std::move(*projected));
  }
  return {};
}

Result<size_t> FindSource::Next(std::span<query::BatchDocument> out) {
  if (skip_ != 0) {
    if (Status status = SkipFirst(); !status.ok()) return status;
  }
  if (remaining_ == 0 || out.empty()) return size_t{0};
  const auto wanted = static_cast<size_t>(std::min<uint64_t>(remaining_, out.size()));
  // Where there is room for one more than is given, it tells whether anything follows.
  const size_t asked = wanted < out.size() ? wanted + 1 : wanted;
  auto count = input_->Next(out.first(asked));
  if (!count.ok()) return count;
  const std::span<query::BatchDocument> given = out.first(std::min(*count, wanted));
  if (given.empty()) {
    more_ = false;
    remaining_ = 0;
    return size_t{0};
  }
  if (Status status = Remember(given.back().view()); !status.ok()) return status;
  remaining_ -= given.size();
  if (remaining_ == 0 && *count == given.size()) {
    if (Status status = LookAhead(given); !status.ok()) return status;
  }
  if (Status status = Project(given); !status.ok()) return status;
  return given.size();
}

std::string FindSource::Position() const {
  if (!keeps_position_ || !more_ || last_.empty()) return {};
  return EncodePosition(fingerprint_, {bson::Document(AsBytes(own_order_)), last_});
}

}  // namespace nexadb::database
