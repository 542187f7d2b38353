#include "plugins/database-document/plan/planner.h"

#include <algorithm>
#include <cmath>

#include "plugins/database-document/collection/statistics.h"
#include "plugins/database-document/index/entry_reader.h"
#include "plugins/database-document/plan/costs.h"
#include "plugins/database-document/plan/index_bounds.h"

namespace nexadb::database {

namespace {

// One way to answer the query.
struct Candidate {
  QueryPlan::Kind kind = QueryPlan::Kind::kCollection;
  std::vector<IndexRead> reads;
  bool sorted = false;
  double cost = 0;
  std::optional<std::vector<std::string>> covered = {};
  double told = 0;  // of its entries, those that need not be followed to their documents
};

// Of so many entries that the planner has looked at already.
constexpr size_t kReadEntries = 16;

std::string NameOf(const Candidate& candidate) {
  std::string name;
  for (const IndexRead& read : candidate.reads) {
    name += (name.empty() ? "" : ", ") + read.index->name;
  }
  return name;
}

class Planner {
 public:
  Planner(QueryContext& context, const PlanRequest& request)
      : request_(request), estimator_(context) {
    const Environment& environment = context.session().environment();
    plan_.slow_query_ms = environment.settings.slow_query_ms;
    plan_.log = environment.log;
    if (request.sort.pattern != nullptr) plan_.order = TotalOrder(*request.sort.pattern).parts();
  }

  Result<QueryPlan> Make() {
    plan_.entry = request_.entry;
    plan_.collection = ChooseAccess(entry().id, request_.filter, request_.direction);
    auto hint = ResolveHint(entry(), request_.hint);
    if (!hint.ok()) return hint.status();
    plan_.hinted = hint->kind != Hint::Kind::kNone;
    // Nothing beats a point read of _id; and without indexes there is nothing to compare.
    const bool point_read = plan_.collection.kind == AccessPath::Kind::kIdLookup;
    if (hint->kind != Hint::Kind::kIndex &&
        (plan_.hinted || point_read || entry().indexes.empty())) {
      plan_.could_do_better = !point_read && !plan_.collection.narrowed;
      return std::move(plan_);
    }
    predicate_ = PredicateOf(request_.filter, request_.filter.collation());
    if (predicate_.never) {
      plan_.kind = QueryPlan::Kind::kNothing;
      return std::move(plan_);
    }
    Status status = hint->kind == Hint::Kind::kIndex ? TakeHinted(*hint->index) : Compare();
    if (!status.ok()) return status;
    return std::move(plan_);
  }

 private:
  const CollectionEntry& entry() const { return *request_.entry; }

  // Even an index without bounds is followed; one that lacks documents is not, for that would
  // change the answer.
  Status TakeHinted(const IndexEntry& index) {
    const Predicate& predicate = PredicateFor(index);
    if (auto why = WhyIncomplete(index, predicate, request_.filter)) {
      plan_.rejected.push_back({index.name, std::move(*why)});
      return {};
    }
    IndexRead read;
    for (const std::string& way : WaysToRead(index, predicate)) {
      IndexRead other = BoundsFor(entry().id, index, predicate, way);
      auto keys = estimator_.Keys(other);
      if (!keys.ok()) return keys.status();
      other.estimated_keys = *keys;
      if (read.index == nullptr || *keys < read.estimated_keys) read = std::move(other);
    }
    plan_.kind = QueryPlan::Kind::kIndex;
    Candidate candidate;
    Arrange(&read, &candidate);
    plan_.sorted = candidate.sorted;
    plan_.covered = std::move(candidate.covered);
    plan_.cost = CostOf(read, candidate.sorted, candidate.told);
    plan_.reads = {std::move(read)};
    return {};
  }

  Status Compare() {
    auto documents = estimator_.Documents(entry().id);
    if (!documents.ok()) return documents.status();
    plan_.collection_documents = *documents;
    candidates_.push_back({});
    for (const IndexEntry& index : entry().indexes) {
      if (Status status = Consider(index); !status.ok()) return status;
    }
    if (Status status = SampleFilter(); !status.ok()) return status;
    candidates_[0].cost = CollectionCost();
    for (size_t i = 1; i < candidates_.size(); ++i) {
      Candidate& candidate = candidates_[i];
      candidate.cost = CostOf(candidate.reads[0], candidate.sorted, candidate.told);
    }
    for (const std::vector<Predicate>& branches : predicate_.alternatives) {
      if (Status status = ConsiderUnion(branches); !status.ok()) return status;
    }
    Take();
    return {};
  }

  // How much of the collection matches decides how far an index is read in the order of the sort
  // before enough of its documents do, and how much a scan has to sort.
  Status SampleFilter() {
    const bool decides = !plan_.order.empty() && request_.sort.first != 0 &&
                         !request_.filter.IsEmpty() &&
                         std::any_of(candidates_.begin(), candidates_.end(),
                                     [](const auto& c) { return c.sorted && !c.reads[0].exact; });
    if (!decides) return {};
    auto share = estimator_.Share(entry().id, request_.filter);
    if (!share.ok()) return share.status();
    plan_.sampled_share = *share;
    return {};
  }

  // Of the whole collection, what matches.
  double MatchingShare() const { return plan_.sampled_share.value_or(costs::kUnknownShare); }

  // Of a read's entries, those whose documents match: what bounds the read says of its filter is
  // met by all of them already.
  double MatchingShareOf(const IndexRead& read) const {
    if (read.exact || request_.filter.IsEmpty()) return 1;
    if (!plan_.sampled_share) return costs::kUnknownShare;
    const double matching = *plan_.sampled_share * static_cast<double>(plan_.collection_documents);
    return std::min(1.0, matching / std::max(1.0, static_cast<double>(read.estimated_keys)));
  }

  // The cheapest one wins, the others are rejected.
  void Take() {
    const auto best =
        std::min_element(candidates_.begin(), candidates_.end(),
                         [](const Candidate& a, const Candidate& b) { return a.cost < b.cost; });
    for (auto it = candidates_.begin(); it != candidates_.end(); ++it) {
      if (it == best) continue;
      plan_.rejected.push_back({NameOf(*it), "costs more", it->cost});
    }
    plan_.kind = best->kind;
    plan_.sorted = best->sorted;
    plan_.covered = std::move(best->covered);
    plan_.cost = best->cost;
    plan_.reads = std::move(best->reads);
    const bool few = plan_.kind == QueryPlan::Kind::kIndex && plan_.reads[0].exact;
    if (few && (plan_.sorted || plan_.order.empty())) plan_.first = request_.sort.first;
    const bool scans = plan_.kind == QueryPlan::Kind::kCollection && !plan_.collection.narrowed;
    plan_.could_do_better = scans || (!plan_.order.empty() && !plan_.sorted);
  }

  // Whether the index's strings are in the query's own order.
  bool Collates(const IndexEntry& index) const {
    return query::SameCollation(index.collation.get(), request_.filter.collation());
  }
  const Predicate& PredicateFor(const IndexEntry& index) {
    if (Collates(index)) return predicate_;
    other_predicate_ = PredicateOf(request_.filter, index.collation.get());
    return other_predicate_;
  }

  bool CanSort(IndexRead* read) const {
    if (plan_.order.empty() || !ReadInOrder(plan_.order, read)) return false;
    // A unique index's keys end before _id, so backwards no place can be found in them.
    const bool backwards = read->direction == ScanDirection::kReverse;
    return !(request_.sort.resumes && backwards && read->index->unique);
  }

  // Whether the first entries are enough and no order is asked for, so that the index's own will
  // do.
  bool CanStream(IndexRead* read) const {
    const bool few = request_.sort.first != 0 && request_.sort.first < read->estimated_keys;
    if (request_.order != Order::kAny || !plan_.order.empty() || !few) return false;
    if (!Collates(*read->index)) return false;
    return ReadInOrder(TotalOrder(OwnOrder(*read->index)).parts(), read);
  }

  // How the read's entries come, and whether they are enough.
  void Arrange(IndexRead* read, Candidate* out) {
    out->sorted = CanSort(read);
    const bool streams = !out->sorted && CanStream(read);
    out->sorted |= streams;
    out->covered = Cover(*read, streams);
    if (out->covered) out->told = ToldShare(*read, *out->covered);
  }

  // The paths at which the query looks, where entries have all of them. Who follows an index in its
  // own order asks where it stands.
  std::optional<std::vector<std::string>> Cover(const IndexRead& read, bool streams) const {
    if (!request_.looks_at) return std::nullopt;
    std::vector<std::string> paths = *request_.looks_at;
    if (!read.exact) {
      const auto filtered = request_.filter.Paths();
      if (!filtered) return std::nullopt;
      paths.insert(paths.end(), filtered->begin(), filtered->end());
    }
    if (streams) {
      for (const IndexRead::Part& part : read.parts) paths.push_back(part.path);
    }
    if (!EntryReader::Holds(*read.index, paths)) return std::nullopt;
    return paths;
  }

  static double ToldShare(const IndexRead& read, std::span<const std::string> paths) {
    if (read.probed == nullptr || read.probed->count == 0) return 1;
    EntryReader reader(*read.index, paths);
    const size_t count = std::min(kReadEntries, read.probed->count);
    std::string document;
    size_t told = 0;
    for (size_t i = 0; i < count; ++i) {
      const Row& row = read.probed->rows[i];
      document.clear();
      told += reader.Read(AsText(row.key), AsText(row.value), &document) ? 1 : 0;
    }
    return static_cast<double>(told) / static_cast<double>(count);
  }

  // Why an index cannot help, or the read that it offers.
  Result<IndexRead> ReadOf(const IndexEntry& index, const Predicate& predicate,
                           const std::string& way) {
    const auto reject = [&](std::string reason) {
      plan_.rejected.push_back({index.name, std::move(reason)});
      return IndexRead();
    };
    if (index.building) return reject("being built");
    if (index.hidden()) return reject("hidden");
    IndexRead read = BoundsFor(entry().id, index, predicate, way);
    if (BoundParts(read) == 0 && !CanSort(&read)) {
      const std::string sorts =
          plan_.order.empty() ? "" : ", nor does it have the order of the sort";
      return reject("the filter does not bound its first field '" + read.parts[0].path + "'" +
                    sorts);
    }
    if (auto why = WhyIncomplete(index, predicate, request_.filter)) {
      return reject(std::move(*why));
    }
    auto keys = estimator_.Keys(read);
    if (!keys.ok()) return keys.status();
    read.estimated_keys = *keys;
    return read;
  }

  Status Consider(const IndexEntry& index) {
    const Predicate& predicate = PredicateFor(index);
    const std::vector<std::string> ways = WaysToRead(index, predicate);
    if (ways.empty()) {
      plan_.rejected.push_back({index.name, *WhyIncomplete(index, predicate, request_.filter)});
    }
    for (const std::string& way : ways) {
      auto read = ReadOf(index, predicate, way);
      if (!read.ok()) return read.status();
      if (read->index == nullptr) continue;
      Candidate candidate;
      candidate.kind = QueryPlan::Kind::kIndex;
      Arrange(&*read, &candidate);
      candidate.reads.push_back(std::move(*read));
      candidates_.push_back(std::move(candidate));
    }
    return {};
  }

  // One index for each branch, or the union is none.
  Status ConsiderUnion(const std::vector<Predicate>& branches) {
    const std::vector<RejectedPlan> rejected = plan_.rejected;
    Candidate candidate;
    candidate.kind = QueryPlan::Kind::kUnion;
    for (const Predicate& branch : branches) {
      // What holds beside the $or holds in each of its branches.
      Predicate both = branch;
      both.demands.insert(both.demands.end(), predicate_.demands.begin(), predicate_.demands.end());
      auto best = CheapestRead(both);
      plan_.rejected = rejected;
      if (!best.ok()) return best.status();
      if (best->index == nullptr) return {};
      candidate.cost += CostOf(*best, false, 0);
      // Of the $or and what stands beside it, only the filter knows all.
      best->exact = false;
      candidate.reads.push_back(std::move(*best));
    }
    candidates_.push_back(std::move(candidate));
    return {};
  }

  Result<IndexRead> CheapestRead(const Predicate& predicate) {
    IndexRead best;
    for (const IndexEntry& index : entry().indexes) {
      // The predicate is about indexes of the query's collation.
      if (!Collates(index)) continue;
      for (const std::string& way : WaysToRead(index, predicate)) {
        auto read = ReadOf(index, predicate, way);
        if (!read.ok()) return read;
        if (read->index == nullptr || BoundParts(*read) == 0) continue;
        if (best.index == nullptr || read->estimated_keys < best.estimated_keys) {
          best = std::move(*read);
        }
      }
    }
    return best;
  }

  double SortCost(double documents) const {
    if (plan_.order.empty()) return 0;
    const double kept = request_.sort.first == 0
                            ? documents
                            : std::min(documents, static_cast<double>(request_.sort.first));
    return documents * costs::kSortStep * (1 + std::log2(kept + 1));
  }

  double CollectionCost() const {
    const double documents = static_cast<double>(plan_.collection_documents) *
                             (plan_.collection.narrowed ? costs::kNarrowedShare : 1);
    const double matching = request_.filter.IsEmpty() ? documents : documents * MatchingShare();
    return costs::kSeek + documents * costs::kScanDocument + SortCost(matching);
  }

  double CostOf(const IndexRead& read, bool sorted, double told) const {
    double entries = static_cast<double>(read.estimated_keys);
    if (sorted && request_.sort.first != 0) {
      // The entries are read until enough of them match.
      entries = std::min(entries, static_cast<double>(request_.sort.first) / MatchingShareOf(read));
    }
    const double order = sorted ? 0 : SortCost(entries);
    return costs::kSeek * static_cast<double>(read.spans.size()) + order +
           entries *
               (costs::kScanEntry + told * costs::kReadEntry + (1 - told) * costs::kFetchDocument);
  }

  const PlanRequest& request_;
  Predicate predicate_;
  Predicate other_predicate_;  // about indexes of another collation than the query's
  Estimator estimator_;
  std::vector<Candidate> candidates_;
  QueryPlan plan_;
};

}  // namespace

Result<QueryPlan> MakePlan(QueryContext& context, const PlanRequest& request) {
  return Planner(context, request).Make();
}

}  // namespace nexadb::database
