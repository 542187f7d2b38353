#include "plugins/database-document/plan/advice.h"

#include <algorithm>

#include "plugins/database-document/plan/predicate.h"
#include "plugins/database-document/value/compare.h"

namespace nexadb::database {

namespace {

// More fields make an index larger and a query hardly faster.
constexpr size_t kAdvisedFieldsMax = 4;

class Advice {
 public:
  void Add(std::string_view path, bool descending) {
    const bool known = std::find(paths_.begin(), paths_.end(), path) != paths_.end();
    if (known || path == "_id" || paths_.size() == kAdvisedFieldsMax) return;
    paths_.emplace_back(path);
    key_.Int32(path, descending ? -1 : 1);
  }
  bool empty() const { return paths_.empty(); }
  std::string Take() { return key_.Finish(); }

 private:
  std::vector<std::string> paths_;
  bson::Builder key_;
};

}  // namespace

std::string AdviseIndex(const QueryPlan& plan, const query::Matcher& filter) {
  if (!plan.could_do_better || plan.entry == nullptr) return {};
  const Predicate predicate = PredicateOf(filter, filter.collation());
  Advice advice;
  for (const Demand& demand : predicate.demands) {
    if (demand.values.AllPoints()) advice.Add(demand.path, false);
  }
  for (const query::SortPattern::Part& part : plan.order) {
    advice.Add(part.path.text(), part.descending);
  }
  for (const Demand& demand : predicate.demands) {
    if (!demand.values.IsAll()) advice.Add(demand.path, false);
  }
  if (advice.empty()) return {};
  std::string key = advice.Take();
  const std::vector<IndexEntry>& indexes = plan.entry->indexes;
  const bool known = std::any_of(indexes.begin(), indexes.end(), [&](const IndexEntry& index) {
    return query::CompareDocuments(index.key(), bson::Document(AsBytes(key))) == 0;
  });
  return known ? std::string() : key;
}

}  // namespace nexadb::database
