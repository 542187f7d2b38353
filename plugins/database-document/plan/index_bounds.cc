#include "plugins/database-document/plan/index_bounds.h"

#include <algorithm>
#include <iterator>

#include "plugins/database-document/index/index_keys.h"
#include "plugins/database-document/index/wildcard.h"

namespace nexadb::database {

namespace {

// Which of two demands of one path to read an index by, when only one can be: single values before
// ranges, ranges before everything.
int Rank(const KeyIntervals& values) {
  if (values.empty()) return 0;
  if (values.AllPoints()) return 1;
  return values.IsAll() ? 3 : 2;
}

bool IsBetter(const KeyIntervals& a, const KeyIntervals& b) {
  if (Rank(a) != Rank(b)) return Rank(a) < Rank(b);
  return a.intervals().size() < b.intervals().size();
}

// The bounds of a part, and which demands they come from.
struct Chosen {
  KeyIntervals values = KeyIntervals::All();
  bool exact = true;              // the demands taken are exact
  size_t demands = 0;             // so many of them
  const void* element = nullptr;  // the $elemMatch that they are of
};

// All demands of one group at once; `element` null takes those that are of none.
Chosen Together(std::span<const Demand* const> demands) {
  Chosen out;
  for (const Demand* demand : demands) {
    out.values.Intersect(demand->values);
    out.exact &= demand->exact;
    out.element = demand->element;
    ++out.demands;
  }
  return out;
}

// Chooses bounds for the parts of one index, from the first to the last.
class BoundsChooser {
 public:
  // `path`: what the index's wildcard stands for, where it has one.
  BoundsChooser(const IndexEntry& index, const Predicate& predicate, const std::string& path)
      : index_(index),
        predicate_(predicate),
        parts_(PartsOf(index)),
        wildcard_(Wildcard::Of(index)) {
    if (wildcard_) parts_[wildcard_->part()].path = query::Path(path);
  }

  IndexRead Choose() {
    IndexRead read;
    read.index = &index_;
    for (size_t i = 0; i < parts_.size(); ++i) {
      const bool is_wildcard = wildcard_ && wildcard_->part() == i;
      chosen_.push_back(is_wildcard ? ForWildcard() : ForPart(i));
      read.parts.push_back({parts_[i].path.text(), parts_[i].descending, chosen_.back().values});
      if (is_wildcard) read.parts.back().values = wildcard_values_;
    }
    return read;
  }
  // Nothing is left to test once the first `applied` parts' bounds are kept.
  bool Exact(size_t applied) const {
    size_t taken = 0;
    for (size_t i = 0; i < applied; ++i) {
      if (!chosen_[i].exact) return false;
      taken += chosen_[i].demands;
    }
    return predicate_.complete && predicate_.alternatives.empty() &&
           taken == predicate_.demands.size();
  }

 private:
  // Values that no array led to meet all demands of the path; the others are bounded by one of
  // them.
  Chosen ForWildcard() {
    const std::string& path = parts_[wildcard_->part()].path.text();
    std::vector<const Demand*> all;
    const Demand* best = nullptr;
    for (const Demand& demand : predicate_.demands) {
      if (demand.path != path) continue;
      all.push_back(&demand);
      if (!Wildcard::Holds(demand.values)) continue;
      if (best == nullptr || IsBetter(demand.values, best->values)) best = &demand;
    }
    Chosen out = Together(all);
    std::vector<KeyInterval> intervals;
    const auto add = [&](const KeyIntervals& values, Wildcard::Through through) {
      const std::string prefix = Wildcard::EntryPrefix(path, through);
      for (const KeyInterval& interval : values.intervals()) {
        intervals.push_back({prefix + interval.begin, prefix + interval.end, interval.point});
      }
    };
    add(out.values, Wildcard::Through::kObjects);
    add(best->values, Wildcard::Through::kArrays);
    wildcard_values_ = index_.arrays.Any() ? best->values : out.values;
    out.values = KeyIntervals::Union(std::move(intervals));
    // What the other demands say of arrays is left to test.
    out.exact = best->exact;
    out.demands = 1;
    return out;
  }

  // Without arrays on the path there is one value, which meets all demands. With arrays each
  // element has an entry of its own: only what one $elemMatch says of one element is met by one.
  Chosen ForPart(size_t part) const {
    std::vector<const Demand*> all;
    for (const Demand& demand : predicate_.demands) {
      if (demand.path == parts_[part].path.text()) all.push_back(&demand);
    }
    const uint32_t arrays = index_.arrays.of(part);
    if (arrays == 0) return Together(all);
    Chosen best;
    for (const Demand* demand : all) {
      std::vector<const Demand*> group{demand};
      if (demand->element != nullptr && (arrays & ~demand->element_arrays) == 0) {
        group.clear();
        std::copy_if(all.begin(), all.end(), std::back_inserter(group),
                     [&](const Demand* other) { return other->element == demand->element; });
      }
      Chosen candidate = Together(group);
      if (Fits(part, candidate, *demand) && IsBetter(candidate.values, best.values)) {
        best = std::move(candidate);
      }
    }
    return best;
  }

  // A part that shares an array with an earlier one has its values from the same element, so its
  // demands must be of the same element too.
  bool Fits(size_t part, const Chosen& candidate, const Demand& demand) const {
    for (size_t earlier = 0; earlier < part; ++earlier) {
      if (chosen_[earlier].values.IsAll()) continue;
      const uint32_t shared = SharedArrays(part, earlier);
      if (shared == 0) continue;
      const bool same = candidate.element != nullptr &&
                        candidate.element == chosen_[earlier].element &&
                        (shared & ~demand.element_arrays) == 0;
      if (!same) return false;
    }
    return true;
  }

  uint32_t SharedArrays(size_t a, size_t b) const {
    const query::Path& x = parts_[a].path;
    const query::Path& y = parts_[b].path;
    size_t common = 0;
    while (common < x.size() && common < y.size() && x[common].name == y[common].name) ++common;
    if (common == 0) return 0;
    const uint32_t mask =
        UINT32_MAX >> (ArrayMasks::kComponentsMax - std::min(common, ArrayMasks::kComponentsMax));
    return (index_.arrays.of(a) | index_.arrays.of(b)) & mask;
  }

  const IndexEntry& index_;
  const Predicate& predicate_;
  std::vector<IndexPart> parts_;
  const std::optional<Wildcard> wildcard_;
  KeyIntervals wildcard_values_;
  std::vector<Chosen> chosen_;
};

// The storage keys that the first parts' bounds allow; says how many parts that took.
size_t MakeSpans(const std::string& prefix, IndexRead* read) {
  std::vector<std::string> prefixes{prefix};
  size_t applied = 0;
  for (const IndexRead::Part& part : read->parts) {
    if (part.bounds.IsAll()) break;
    const size_t combinations = prefixes.size() * part.bounds.intervals().size();
    // So many are read as ranges of the parts before.
    if (applied > 0 && combinations > kIndexSpansMax) break;
    ++applied;
    const KeyIntervals bounds = part.descending ? part.bounds.Inverted() : part.bounds;
    const bool goes_on = bounds.AllPoints() && combinations <= kIndexSpansMax;
    std::vector<std::string> longer;
    for (const std::string& before : prefixes) {
      for (const KeyInterval& interval : bounds.intervals()) {
        if (goes_on) {
          longer.push_back(before + interval.begin);
        } else {
          read->spans.push_back({before + interval.begin, before + interval.end});
        }
      }
    }
    if (!goes_on) return applied;
    prefixes = std::move(longer);
  }
  for (std::string& before : prefixes) {
    std::string end = PrefixEnd(before);
    read->spans.push_back({std::move(before), std::move(end)});
  }
  return applied;
}

bool Implies(const Demand& known, const Demand& wanted) {
  if (known.path != wanted.path) return false;
  if (wanted.exact && wanted.values.Includes(known.values)) return true;
  return wanted.values.IsAll() && wanted.present && known.present;
}

// Every member of the partial filter follows from the query's filter: one that stands in it as it
// is, or a demand that a narrower one implies.
bool ImpliesFilter(const Predicate& predicate, const query::Matcher& filter,
                   const IndexEntry& index, bson::Document partial) {
  query::ParseOptions options;
  options.collation = index.collation;
  const bool agree = query::SameCollation(filter.collation(), index.collation.get());
  for (const bson::Element& e : partial) {
    const bson::Element same = filter.Source()[e.name()];
    const bool means_same = agree || !query::HasText(e.value());
    if (same && means_same && AsText(same.raw()) == AsText(e.raw())) continue;
    const std::string single = bson::Builder().Element(e).Finish();
    auto matcher = query::Matcher::Parse(bson::Document(AsBytes(single)), options);
    if (!matcher.ok()) return false;
    const Predicate wanted = PredicateOf(**matcher, index.collation.get());
    if (!wanted.complete || !wanted.alternatives.empty() || wanted.never) return false;
    for (const Demand& demand : wanted.demands) {
      const bool implied = std::any_of(predicate.demands.begin(), predicate.demands.end(),
                                       [&](const Demand& known) { return Implies(known, demand); });
      if (!implied) return false;
    }
  }
  return true;
}

}  // namespace

std::optional<std::string> WhyIncomplete(const IndexEntry& index, const Predicate& predicate,
                                         const query::Matcher& filter) {
  if (WaysToRead(index, predicate).empty()) {
    return "wildcard: the filter has no condition on one of its paths that neither null nor "
           "objects "
           "meet";
  }
  if (index.sparse) {
    const bson::Document key = index.key();
    const bool present =
        std::any_of(predicate.demands.begin(), predicate.demands.end(),
                    [&](const Demand& demand) { return demand.present && key[demand.path]; });
    if (!present) return "sparse: the filter also wants documents without the indexed fields";
  }
  const bson::Element partial = bson::Document(AsBytes(index.spec))["partialFilterExpression"];
  if (partial.type() != bson::Type::kObject) return std::nullopt;
  if (ImpliesFilter(predicate, filter, index, partial.value().Doc())) return std::nullopt;
  return "partial: the filter does not imply the index's partialFilterExpression";
}

std::vector<std::string> WaysToRead(const IndexEntry& index, const Predicate& predicate) {
  const std::optional<Wildcard> wildcard = Wildcard::Of(index);
  if (!wildcard) return {""};
  std::vector<std::string> paths;
  for (const Demand& demand : predicate.demands) {
    const bool known = std::find(paths.begin(), paths.end(), demand.path) != paths.end();
    if (known || !wildcard->Covers(query::Path(demand.path))) continue;
    if (Wildcard::Holds(demand.values)) paths.push_back(demand.path);
  }
  return paths;
}

IndexRead BoundsFor(uint32_t collection_id, const IndexEntry& index, const Predicate& predicate,
                    const std::string& path) {
  BoundsChooser chooser(index, predicate, path);
  IndexRead read = chooser.Choose();
  const size_t applied = MakeSpans(IndexPrefix(collection_id, index.id), &read);
  read.exact = chooser.Exact(applied);
  read.sort_prefix = IndexPrefix(collection_id, index.id);
  return read;
}

size_t BoundParts(const IndexRead& read) {
  size_t count = 0;
  while (count < read.parts.size() && !read.parts[count].bounds.IsAll()) ++count;
  return count;
}

query::SortPattern TotalOrder(const query::SortPattern& sort) {
  bool descending = false;
  query::SortPattern order;
  for (const query::SortPattern::Part& part : sort.parts()) {
    order.Append(part);
    if (part.path.text() == "_id" && part.collation == nullptr) return order;
    descending = part.descending;
  }
  order.Append({query::Path("_id"), descending});
  return order;
}

query::SortPattern OwnOrder(const IndexEntry& index) {
  query::SortPattern order;
  for (IndexPart& part : PartsOf(index)) {
    order.Append({std::move(part.path), part.descending, index.collation});
  }
  return order;
}

namespace {

bool IsSinglePoint(const KeyIntervals& bounds) {
  return bounds.intervals().size() == 1 && bounds.AllPoints();
}

// Whether the key's parts from `first` on are the order's, to the key's end.
bool PartsMatch(std::span<const query::SortPattern::Part> order, const IndexRead& read,
                size_t first, ScanDirection direction) {
  const bool reverse = direction == ScanDirection::kReverse;
  const size_t left = read.parts.size() - first;
  // The document's key, _id, follows the values in the direction of the last part.
  const bool by_document_key = left + 1 == order.size();
  if (left == 0 || (left != order.size() && !by_document_key)) return false;
  for (size_t i = 0; i < left; ++i) {
    const IndexRead::Part& part = read.parts[first + i];
    if (part.values || part.path != order[i].path.text()) return false;
    if ((part.descending != order[i].descending) != reverse) return false;
    if (!query::SameCollation(order[i].collation.get(), read.index->collation.get())) return false;
    if (read.index->arrays.of(first + i) != 0) return false;
  }
  if (!by_document_key || read.index->unique) return true;
  return (read.parts.back().descending != order.back().descending) == reverse;
}

}  // namespace

bool ReadInOrder(std::span<const query::SortPattern::Part> order, IndexRead* read) {
  std::string prefix = read->sort_prefix;
  for (size_t first = 0; first < read->parts.size(); ++first) {
    for (const ScanDirection direction : {ScanDirection::kForward, ScanDirection::kReverse}) {
      if (!PartsMatch(order, *read, first, direction)) continue;
      read->direction = direction;
      read->sort_prefix = std::move(prefix);
      return true;
    }
    const IndexRead::Part& part = read->parts[first];
    if (!IsSinglePoint(part.bounds)) return false;
    const KeyIntervals bounds = part.descending ? part.bounds.Inverted() : part.bounds;
    prefix += bounds.intervals()[0].begin;
  }
  return false;
}

}  // namespace nexadb::database
