#include "plugins/database-document/plan/view_graph.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "core/document/error.h"
#include "plugins/database-document/plan/namespace_source.h"
#include "plugins/database-document/plan/pipeline_access.h"

namespace nexadb::database {
namespace {

constexpr int32_t kGraphContainsCycle = 5;
constexpr int32_t kOptionNotSupportedOnView = 167;

// Of each name, what it reads, or what reads it.
using Edges = std::map<std::string_view, std::vector<std::string_view>>;

// The views of a database, with the one to be defined as it would be.
class ViewGraph {
 public:
  ViewGraph(const CatalogState& catalog, const ViewDefinition& view)
      : view_(view), entries_(catalog.InDatabase(view.database)) {
    for (const EntryPtr& entry : entries_) {
      if (entry->kind != EntryKind::kView || entry->name == view.name) continue;
      Add(entry->name, CollectionsOfView(*entry), entry->collation.get());
    }
    std::vector<std::string_view> reads = NamedCollections(view.pipeline);
    reads.push_back(view.on);
    Add(view.name, reads, view.collation);
  }

  // By Check(): the names that its answer relies on.
  const std::set<std::string_view>& reached() const { return reached_; }

  Status Check() {
    auto below = Longest(reads_, view_.name, 1);
    if (!below.ok()) return below.status();
    longest_.clear();
    auto above = Longest(read_by_, view_.name, 1);
    if (!above.ok()) return above.status();
    // The view itself is in both.
    return *below + *above - 1 > kViewDepthMax ? TooDeep() : Status();
  }

 private:
  void Add(std::string_view name, const std::vector<std::string_view>& reads,
           const query::Collation* collation) {
    collations_[name] = collation;
    reads_[name] = reads;
    for (const std::string_view other : reads) read_by_[other].push_back(name);
  }

  // How many views the longest way along `edges` has that begins with the view `name`, which is the
  // `depth`th of the way so far.
  Result<int> Longest(const Edges& edges, std::string_view name, int depth) {
    if (depth > kViewDepthMax) return TooDeep();
    const auto [known, is_new] = longest_.emplace(name, kOnTheWay);
    if (!is_new) {
      if (known->second != kOnTheWay) return known->second;
      return MongoError(kGraphContainsCycle, "View cycle detected: " + std::string(view_.name) +
                                                 " would be read through " + std::string(name) +
                                                 ", which is read through itself");
    }
    if (!query::SameCollation(collations_.find(name)->second, view_.collation)) {
      return MongoError(kOptionNotSupportedOnView, "View " + std::string(view_.name) +
                                                       " has conflicting collation with view " +
                                                       std::string(name));
    }
    int longest = 1;
    const auto next = edges.find(name);
    if (next != edges.end()) {
      for (const std::string_view other : next->second) {
        reached_.insert(other);
        if (!collations_.contains(other)) continue;  // no view
        auto further = Longest(edges, other, depth + 1);
        if (!further.ok()) return further;
        longest = std::max(longest, *further + 1);
      }
    }
    return longest_[name] = longest;
  }

  static Status TooDeep() {
    return MongoError(kViewDepthLimitExceeded, "View depth limit exceeded; maximum depth is " +
                                                   std::to_string(kViewDepthMax));
  }

  static constexpr int kOnTheWay = 0;
  const ViewDefinition& view_;
  const std::vector<EntryPtr> entries_;
  std::map<std::string_view, const query::Collation*> collations_;  // of all views
  Edges reads_;
  Edges read_by_;
  std::map<std::string_view, int> longest_;  // kOnTheWay while it is looked for
  std::set<std::string_view> reached_;       // whether there is such a collection or not
};

}  // namespace

Status CheckViewGraph(WriteSet& set, const ViewDefinition& view) {
  const CatalogPtr catalog = set.catalog();
  ViewGraph graph(*catalog, view);
  if (Status status = graph.Check(); !status.ok()) return status;
  for (const std::string_view name : graph.reached()) {
    Status status = set.Guard(EntryName(view.database, name));
    if (!status.ok()) return status;
  }
  return {};
}

}  // namespace nexadb::database
