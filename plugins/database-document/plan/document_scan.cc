#include "plugins/database-document/plan/document_scan.h"

#include <algorithm>

#include "core/document/error.h"
#include "core/document/json.h"
#include "nexadb/log.h"
#include "plugins/database-document/collection/statistics.h"
#include "plugins/database-document/plan/advice.h"
#include "plugins/database-document/plan/explain.h"
#include "plugins/database-document/plan/split_span.h"

namespace nexadb::database {

namespace {

// Keys may take so much of the query's memory; the rest is for what it does with the documents.
constexpr size_t kKeyMemoryShare = 4;
// A query with a limit most often ends within its first batch, which has as many keys as are wanted
// or, where that is not known, so many.
constexpr size_t kFirstKeys = 32;
constexpr size_t kKeysMax = 256;
constexpr uint64_t kNsPerMs = 1'000'000;
// Fewer documents are scanned in less time than it takes to wake threads up and split the range.
constexpr int64_t kDividedDocumentsMin = 20'000;

// The key of the first row of a range, or of the last one; empty when there is none.
Result<std::string> EdgeKey(Reader& reader, const KeySpan& span, ScanDirection from) {
  ScanOptions options;
  options.begin = AsBytes(span.begin);
  options.end = AsBytes(span.end);
  options.reverse = from == ScanDirection::kReverse ? 1 : 0;
  auto cursor = reader.Scan(options);
  if (!cursor.ok()) return cursor.status();
  Row row;
  auto count = (*cursor)->Next(Span<Row>(&row, 1));
  if (!count.ok()) return count.status();
  return *count == 0 ? std::string() : std::string(AsText(row.key));
}

}  // namespace

class DocumentScan::Stopwatch {
 public:
  explicit Stopwatch(DocumentScan& scan) : scan_(scan), begun_(Now()) {}
  ~Stopwatch() { scan_.took_ns_ += Now() - begun_; }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  uint64_t Now() const { return scan_.context_.session().environment().NowNs(); }
  DocumentScan& scan_;
  const uint64_t begun_;
};

DocumentScan::DocumentScan(QueryContext& context, QueryPlan plan,
                           std::shared_ptr<const query::Matcher> filter)
    : context_(context), plan_(std::move(plan)), filter_(std::move(filter)) {}

DocumentScan::~DocumentScan() {
  const uint64_t slow_ms = plan_.entry == nullptr ? 0 : plan_.slow_query_ms;
  if (slow_ms != 0 && took_ns_ >= slow_ms * kNsPerMs) LogSlow();
}

void DocumentScan::LogSlow() const {
  std::string text = "slow query on " + Namespace(plan_.entry->database, plan_.entry->name) + ": " +
                     std::string(fell_back_ ? "COLLSCAN" : StageOf(plan_)) + ", " +
                     std::to_string(keys_examined()) + " keys and " +
                     std::to_string(documents_examined()) + " documents examined for " +
                     std::to_string(returned_) + " in " + std::to_string(took_ns_ / kNsPerMs) +
                     " ms";
  if (const std::string key = AdviseIndex(plan_, *filter_); !key.empty()) {
    text += "; an index on " + BsonToJson(bson::Document(AsBytes(key)), JsonMode::kRelaxed) +
            " would help";
  }
  plan_.log->Warning(text);
}

template <class Read, class Covered>
Result<size_t> DocumentScan::Pull(Read&& read, Covered&& covered) {
  const Stopwatch timing(*this);
  if (plan_.kind == QueryPlan::Kind::kNothing) return size_t{0};
  if (!opened_) {
    if (Status status = Open(); !status.ok()) return status;
  }
  if (covered_) {
    auto count = covered(*covered_);
    if (count.ok()) returned_ += *count;
    return count;
  }
  for (;;) {
    if (documents_) {
      auto count = read(*documents_);
      if (count.ok()) returned_ += *count;
      if (!count.ok() || *count != 0 || !(stream_ || gathered_)) return count;
    }
    auto more = OpenBatch();
    if (!more.ok()) return more.status();
    if (!*more) return size_t{0};
  }
}

Result<size_t> DocumentScan::Next(std::span<ScannedDocument> out) {
  return Pull([&](CollectionScan& documents) { return documents.Next(out); },
              [](CoveredScan&) -> Result<size_t> {
                return Status::Error(Code::kInternal, "an index was asked for stored documents");
              });
}

Result<size_t> DocumentScan::NextBodies(std::span<query::BatchDocument> out) {
  return Pull([&](CollectionScan& documents) { return documents.NextBodies(out); },
              [&](CoveredScan& entries) { return entries.Next(out); });
}

Status DocumentScan::Open() {
  opened_ = true;
  if (plan_.covered) {
    covered_.emplace(context_, plan_, filter_);
    auto fits = covered_->Open(resume_after_, KeyBytesMax());
    if (!fits.ok()) return fits.status();
    if (*fits) return {};
    keys_examined_ += covered_->keys_examined();
    covered_.reset();
    return OpenCollection();
  }
  batch_filter_ = filter_;
  if (plan_.reads.size() == 1 && plan_.reads[0].exact) {
    auto every = query::Matcher::Parse(bson::Document(), context_.parse_options());
    if (!every.ok()) return every.status();
    batch_filter_ = std::move(*every);
  }
  if (plan_.sorted) {
    stream_.emplace(context_, plan_, plan_.reads[0]);
    if (!resume_after_.empty()) stream_->ResumeAfter(resume_after_);
    return {};
  }
  if (!plan_.reads.empty()) {
    auto fits = GatherAll();
    if (!fits.ok()) return fits.status();
    if (*fits) {
      SkipGathered();
      return {};
    }
    gathered_.reset();
    return OpenCollection();
  }
  return OpenRange();
}

Status DocumentScan::OpenCollection() {
  fell_back_ = true;
  return OpenRange();
}

Status DocumentScan::OpenRange() {
  AccessPath path = plan_.collection;
  if (!resume_after_.empty()) path.ResumeAfter(resume_after_);
  documents_.emplace(context_, std::move(path), filter_);
  return {};
}

Result<bool> DocumentScan::OpenBatch() {
  if (documents_) documents_examined_ += documents_->examined();
  documents_.reset();
  if (batch_keys_ == 0) {
    batch_keys_ = plan_.first == 0 ? kFirstKeys : std::min<uint64_t>(plan_.first, kKeysMax);
  }
  AccessPath path;
  path.kind = AccessPath::Kind::kIdLookup;
  auto keys = NextKeys();
  if (!keys.ok()) return keys.status();
  if (keys->empty()) return false;
  path.keys = std::move(*keys);
  batch_keys_ = std::min(batch_keys_ * 2, kKeysMax);
  documents_.emplace(context_, std::move(path), batch_filter_);
  return true;
}

Result<KeyBatch> DocumentScan::NextKeys() {
  if (gathered_) return NextGathered();
  KeyBatch keys;
  auto count = stream_->Next(batch_keys_, &keys);
  if (!count.ok()) return count.status();
  return keys;
}

KeyBatch DocumentScan::NextGathered() {
  const bool reverse = plan_.collection.direction == ScanDirection::kReverse;
  KeyBatch keys;
  for (; keys.size() < batch_keys_ && next_gathered_ < gathered_->size(); ++next_gathered_) {
    gathered_->CopyTo(&keys, reverse ? gathered_->size() - 1 - next_gathered_ : next_gathered_);
  }
  return keys;
}

void DocumentScan::SkipGathered() {
  if (resume_after_.empty()) return;
  next_gathered_ = gathered_->CountUpTo(resume_after_, plan_.collection.direction);
}

size_t DocumentScan::KeyBytesMax() const {
  return std::min(context_.session().memory_bytes() / kKeyMemoryShare, KeyList::kBytesMax);
}

Result<bool> DocumentScan::GatherAll() {
  const size_t bytes_max = KeyBytesMax();
  gathered_.emplace(SpacePrefix(plan_.entry->id, Space::kDocument));
  for (const IndexRead& read : plan_.reads) {
    IndexStream stream(context_, plan_, read);
    for (;;) {
      auto count = stream.Next(&*gathered_);
      if (!count.ok()) return count.status();
      if (*count == 0) break;
      keys_examined_ += *count;
      if (gathered_->bytes() > bytes_max) return false;
    }
  }
  gathered_->Sort();
  return true;
}

// Without arrays every document has one entry; with them their keys tell which are the same.
Status DocumentScan::CountByIndex() {
  if (!plan_.reads[0].index->arrays.Any()) {
    IndexStream stream(context_, plan_, plan_.reads[0]);
    auto count = stream.Count();
    if (!count.ok()) return count.status();
    keys_examined_ += *count;
    counted_ = *count;
    return {};
  }
  auto fits = GatherAll();
  if (!fits.ok()) return fits.status();
  if (*fits) counted_ = gathered_->size();
  gathered_.reset();
  return {};
}

Result<size_t> DocumentScan::Pass(size_t most) {
  const bool index_alone = plan_.kind == QueryPlan::Kind::kIndex && plan_.reads[0].exact &&
                           !opened_ && resume_after_.empty();
  if (index_alone && !counted_) {
    const Stopwatch timing(*this);
    if (Status status = CountByIndex(); !status.ok()) return status;
  }
  if (counted_) {
    const size_t passed = std::min(most, *counted_);
    *counted_ -= passed;
    returned_ += passed;
    return passed;
  }
  return Pull([&](CollectionScan& documents) { return documents.Pass(most); },
              [&](CoveredScan& entries) {
                passed_.resize(std::min(most, kKeysMax));
                return entries.Next(passed_);
              });
}

// What a scan of a part shares with nobody.
class DocumentScan::PartSource final : public query::DocumentSource {
 public:
  PartSource(DocumentScan& whole, size_t threads, std::unique_ptr<QueryContext> context,
             QueryPlan plan, std::shared_ptr<const query::Matcher> filter)
      : whole_(whole),
        threads_(threads),
        context_(std::move(context)),
        scan_(*context_, std::move(plan), std::move(filter)) {}
  ~PartSource() override { whole_.AddPart(scan_, threads_); }
  Result<size_t> Next(std::span<query::BatchDocument> out) override {
    return scan_.NextBodies(out);
  }
  Result<size_t> Pass(size_t most) override { return scan_.Pass(most); }

 private:
  DocumentScan& whole_;
  const size_t threads_;
  const std::unique_ptr<QueryContext> context_;
  DocumentScan scan_;
};

Result<std::vector<query::SourcePtr>> DocumentScan::Divide(const query::Division& into) {
  std::vector<query::SourcePtr> parts;
  const bool scans = plan_.kind == QueryPlan::Kind::kCollection &&
                     plan_.collection.kind == AccessPath::Kind::kRange &&
                     plan_.collection.direction == ScanDirection::kForward;
  if (!scans || into.parts < 2 || into.threads < 2) return parts;
  const Stopwatch timing(*this);
  auto spans = SplitCollection(into.parts);
  if (!spans.ok()) return spans.status();
  for (KeySpan& span : *spans) {
    auto context = std::make_unique<QueryContext>(context_);
    auto filter = query::Matcher::Parse(filter_->Source(), context->parse_options());
    if (!filter.ok()) return filter.status();
    QueryPlan plan;
    plan.entry = plan_.entry;
    plan.collection.span = std::move(span);
    parts.push_back(std::make_unique<PartSource>(*this, into.threads, std::move(context),
                                                 std::move(plan), std::move(*filter)));
  }
  return parts;
}

Result<std::vector<KeySpan>> DocumentScan::SplitCollection(size_t parts) {
  StorageEngine& store = context_.session().environment().store();
  const RowsIn rows_in = [&](std::string_view begin, std::string_view end) -> Result<uint64_t> {
    auto estimate = store.EstimateRange(AsBytes(begin), AsBytes(end));
    if (!estimate.ok()) return estimate.status();
    return estimate->rows;
  };
  const KeySpan& whole = plan_.collection.span;
  Reader& reader = context_.scope().reader();
  auto documents = CountDocuments(reader, plan_.entry->id);
  if (!documents.ok()) return documents.status();
  if (*documents < kDividedDocumentsMin) return std::vector<KeySpan>();
  if (plan_.collection.narrowed) {
    auto rows = rows_in(whole.begin, whole.end);
    if (!rows.ok()) return rows.status();
    if (*rows < static_cast<uint64_t>(kDividedDocumentsMin)) return std::vector<KeySpan>();
  }
  auto first = EdgeKey(reader, whole, ScanDirection::kForward);
  if (!first.ok()) return first.status();
  auto last = EdgeKey(reader, whole, ScanDirection::kReverse);
  if (!last.ok()) return last.status();
  return SplitSpan(whole, *first, *last, parts, rows_in);
}

void DocumentScan::AddPart(const DocumentScan& part, size_t threads) {
  const std::lock_guard hold(parts_mutex_);
  documents_examined_ += part.documents_examined();
  returned_ += part.returned_;
  took_ns_ += part.took_ns_ / threads;
}

}  // namespace nexadb::database
