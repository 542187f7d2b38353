#include "plugins/database-document/plan/divided_source.h"

#include <algorithm>

#include "nexadb/sdk/guard.h"
#include "plugins/database-document/session/call_meter.h"
#include "plugins/database-document/stage/partial.h"
#include "plugins/database-document/value/failure.h"

namespace nexadb::database {

namespace {

// Threads that are done early take over parts of those that are not.
constexpr size_t kPartsPerThread = 4;

}  // namespace

// All that one part needs, so that threads share nothing but the snapshot. Members are destroyed in
// reverse.
struct DividedSource::Part {
  Part(const QueryContext& query, std::string_view collection, int depth)
      : context(query), pipeline_context(context, collection, depth) {
    context.set_divisible(false);
  }
  QueryContext context;
  DatabaseContext pipeline_context;
  std::unique_ptr<query::Pipeline> pipeline;
  query::Pipeline::Part opened;
  Status status;
};

size_t DividedSource::ThreadsOf(const QueryContext& context) {
  const Environment& environment = context.session().environment();
  const bool may = context.divisible() && environment.executor != nullptr &&
                   context.scope().write_set() == nullptr &&
                   context.session().waiting() == Waiting::kAllowed;
  if (!may) return 1;
  return std::min<size_t>(environment.settings.query_threads,
                          environment.executor->ComputeThreads());
}

DividedSource::DividedSource(QueryContext& context, std::string_view collection, int depth,
                             bson::Document stages, query::Pipeline& pipeline,
                             query::SourcePtr input)
    : context_(context),
      collection_(collection),
      depth_(depth),
      stages_(AsText(stages.bytes())),
      pipeline_(pipeline),
      input_(std::move(input)) {}

DividedSource::~DividedSource() = default;

Result<size_t> DividedSource::Next(std::span<query::BatchDocument> out) {
  if (source_ == nullptr) {
    if (Status status = Open(); !status.ok()) return status;
  }
  return source_->Next(out);
}

Status DividedSource::Open() {
  query::Division into;
  into.threads = ThreadsOf(context_);
  // Each part of a $lookup asks anew for what it joins.
  const bool joins = !pipeline_.ForeignCollections().empty();
  into.parts = into.threads * (joins ? 1 : kPartsPerThread);
  auto inputs = input_->Divide(into);
  if (!inputs.ok()) return inputs.status();
  bool read = false;
  if (inputs->size() > 1) {
    if (Status status = OpenParts(std::move(*inputs)); !status.ok()) return status;
    auto fits = ReadParts(into.threads);
    if (!fits.ok()) return fits.status();
    read = *fits;
  }
  if (!read) parts_.clear();
  auto source = read ? JoinParts() : pipeline_.Open(std::move(input_));
  if (!source.ok()) return source.status();
  source_ = std::move(*source);
  return {};
}

Status DividedSource::OpenParts(std::vector<query::SourcePtr> inputs) {
  for (query::SourcePtr& input : inputs) {
    auto part = OpenPart(std::move(input));
    if (!part.ok()) return part.status();
    parts_.push_back(std::move(*part));
  }
  return {};
}

Result<std::unique_ptr<DividedSource::Part>> DividedSource::OpenPart(query::SourcePtr input) {
  auto part = std::make_unique<Part>(context_, collection_, depth_);
  query::ParseOptions options = part->context.parse_options();
  options.collection = collection_;
  auto pipeline =
      query::Pipeline::Parse(bson::Document(AsBytes(stages_)), part->pipeline_context, options);
  if (!pipeline.ok()) return pipeline.status();
  part->pipeline = std::move(*pipeline);
  part->pipeline->TakeLeadingMatch();
  auto opened = part->pipeline->OpenPart(std::move(input));
  if (!opened.ok()) return opened.status();
  part->opened = std::move(*opened);
  return part;
}

Result<bool> DividedSource::ReadParts(size_t threads) {
  failed_part_.store(parts_.size());
  context_.session().environment().executor->ParallelFor(
      std::min(threads, parts_.size()),
      [](void* self, uint64_t) noexcept { static_cast<DividedSource*>(self)->ReadSome(); }, this);
  // The scans tell what they looked at, for the log: those that are not at their end do it now.
  for (const auto& part : parts_) part->opened.documents.reset();
  if (held_bytes_.load() > context_.session().memory_bytes()) return false;
  const size_t failed = failed_part_.load();
  if (failed < parts_.size()) return parts_[failed]->status;
  return true;
}

void DividedSource::ReadSome() {
  for (size_t at = next_part_++; at < parts_.size(); at = next_part_++) {
    Status status = sdk::Guard([&]() -> Status { return Read(at); });
    if (status.ok()) continue;
    parts_[at]->status = std::move(status);
    size_t failed = failed_part_.load();
    while (at < failed && !failed_part_.compare_exchange_weak(failed, at)) {
    }
  }
}

Status DividedSource::Read(size_t at) {
  const CallMeter meter(context_.session());
  const size_t bytes_max = context_.session().memory_bytes();
  query::Pipeline::Part& part = parts_[at]->opened;
  auto done = query::Catch<bool>([&] {
    size_t held = 0;
    while (failed_part_.load(std::memory_order_relaxed) > at &&
           held_bytes_.load(std::memory_order_relaxed) <= bytes_max &&
           part.result->Read(*part.documents)) {
      const size_t now = part.result->bytes();
      held_bytes_ += now - held;
      held = now;
    }
    return true;
  });
  return done.status();
}

Result<query::SourcePtr> DividedSource::JoinParts() {
  return query::Catch<query::SourcePtr>([&] {
    query::Partial& first = *parts_.front()->opened.result;
    for (size_t i = 1; i < parts_.size(); ++i) first.Join(*parts_[i]->opened.result);
    return query::Unwrap(pipeline_.OpenJoined(std::move(parts_.front()->opened.result)));
  });
}

}  // namespace nexadb::database
