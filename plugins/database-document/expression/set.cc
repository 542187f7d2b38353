// Set operators, $mergeObjects, $objectToArray, and the accumulators that also are expressions.
#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include "plugins/database-document/expression/arithmetic.h"
#include "plugins/database-document/expression/expression.h"
#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/value/compare.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

std::string NameOf(const bson::Value& v) { return std::string(TypeName(v.type())); }

void RequireArray(const bson::Value& v, int number, std::string_view op) {
  if (v.type() == bson::Type::kArray) return;
  Fail(number, "All operands of " + std::string(op) +
                   " must be arrays. One argument is of type: " + NameOf(v));
}

struct Less {
  const Collation* collation;
  bool operator()(const bson::Value& a, const bson::Value& b) const {
    Meter::WorkBytes(std::min(a.bytes().size(), b.bytes().size()));
    return CompareValues(a, b, collation) < 0;
  }
};

// Sorted, without repetition.
std::vector<bson::Value> SetOf(const bson::Value& array, const Collation* collation) {
  std::vector<bson::Value> items;
  for (const bson::Element& e : array.Doc()) items.push_back(e.value());
  std::stable_sort(items.begin(), items.end(), Less{collation});
  items.erase(std::unique(items.begin(), items.end(), ValueEqual{collation}), items.end());
  return items;
}

OwnedValue Build(const std::vector<bson::Value>& items) {
  ArrayBuilder out;
  for (const bson::Value& v : items) out.Add(v);
  return out.Finish();
}

OwnedValue AllElementsTrue(const Args& a) {
  RequireArray(a[0], 17040, "$allElementsTrue");
  for (const bson::Element& e : a[0].Doc()) {
    if (!IsTruthy(e.value())) return Truth(false);
  }
  return Truth(true);
}

OwnedValue AnyElementTrue(const Args& a) {
  RequireArray(a[0], 17041, "$anyElementTrue");
  for (const bson::Element& e : a[0].Doc()) {
    if (IsTruthy(e.value())) return Truth(true);
  }
  return Truth(false);
}

OwnedValue SetDifference(const Args& a) {
  if (a.AnyNullish()) return OwnedValue::Null();
  RequireArray(a[0], 17048, "$setDifference");
  RequireArray(a[1], 17049, "$setDifference");
  const Less less{a.collation()};
  const std::vector<bson::Value> taken = SetOf(a[1], a.collation());
  std::set<bson::Value, Less> given(less);
  ArrayBuilder out;
  for (const bson::Element& e : a[0].Doc()) {
    if (std::binary_search(taken.begin(), taken.end(), e.value(), less)) continue;
    if (given.insert(e.value()).second) out.Add(e.value());
  }
  return out.Finish();
}

OwnedValue SetEquals(const Args& a) {
  if (a.size() < 2) Fail(17045, "$setEquals needs at least two arguments");
  for (size_t i = 0; i < a.size(); ++i) RequireArray(a[i], i == 0 ? 17044 : 5887502, "$setEquals");
  const std::vector<bson::Value> first = SetOf(a[0], a.collation());
  for (size_t i = 1; i < a.size(); ++i) {
    const std::vector<bson::Value> other = SetOf(a[i], a.collation());
    if (!std::equal(first.begin(), first.end(), other.begin(), other.end(),
                    ValueEqual{a.collation()})) {
      return Truth(false);
    }
  }
  return Truth(true);
}

OwnedValue SetIntersection(const Args& a) {
  std::vector<bson::Value> common;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].IsNullish()) return OwnedValue::Null();
    RequireArray(a[i], 17047, "$setIntersection");
    const std::vector<bson::Value> other = SetOf(a[i], a.collation());
    if (i == 0) {
      common = other;
      continue;
    }
    std::erase_if(common, [&](const bson::Value& v) {
      return !std::binary_search(other.begin(), other.end(), v, Less{a.collation()});
    });
  }
  return Build(common);
}

OwnedValue SetIsSubset(const Args& a) {
  RequireArray(a[0], 17046, "$setIsSubset");
  RequireArray(a[1], 17042, "$setIsSubset");
  const std::vector<bson::Value> whole = SetOf(a[1], a.collation());
  const std::vector<bson::Value> part = SetOf(a[0], a.collation());
  return Truth(std::all_of(part.begin(), part.end(), [&](const bson::Value& v) {
    return std::binary_search(whole.begin(), whole.end(), v, Less{a.collation()});
  }));
}

OwnedValue SetUnion(const Args& a) {
  std::vector<bson::Value> all;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].IsNullish()) return OwnedValue::Null();
    RequireArray(a[i], 17043, "$setUnion");
    for (const bson::Element& e : a[i].Doc()) all.push_back(e.value());
  }
  std::stable_sort(all.begin(), all.end(), Less{a.collation()});
  all.erase(std::unique(all.begin(), all.end(), ValueEqual{a.collation()}), all.end());
  return Build(all);
}

OwnedValue MergeObjects(const Args& a) {
  std::vector<bson::Element> fields;
  std::unordered_map<std::string_view, size_t> places;
  const auto merge = [&](const bson::Value& v) {
    if (v.IsNullish()) return;
    if (v.type() != bson::Type::kObject) {
      Fail(40400, "$mergeObjects requires object inputs, but input is of type " + NameOf(v));
    }
    for (const bson::Element& e : v.Doc()) {
      const auto [at, fresh] = places.try_emplace(e.name(), fields.size());
      if (fresh) {
        fields.push_back(e);
      } else {
        fields[at->second] = e;
      }
    }
  };
  // One array stands for its elements.
  if (a.size() == 1 && a[0].type() == bson::Type::kArray) {
    for (const bson::Element& e : a[0].Doc()) merge(e.value());
  } else {
    for (size_t i = 0; i < a.size(); ++i) merge(a[i]);
  }
  bson::Builder b;
  for (const bson::Element& e : fields) b.Element(e);
  return OwnedValue::Object(b.Finish());
}

OwnedValue ObjectToArray(const Args& a) {
  if (a[0].IsNullish()) return OwnedValue::Null();
  if (a[0].type() != bson::Type::kObject) {
    Fail(40390, "$objectToArray requires a document input, found: " + NameOf(a[0]));
  }
  ArrayBuilder out;
  for (const bson::Element& e : a[0].Doc()) {
    const std::string pair = bson::Builder().Text("k", e.name()).Value("v", e.value()).Finish();
    out.Add(bson::Document(AsBytes(pair)).AsValue(bson::Type::kObject));
  }
  return out.Finish();
}

// $sum, $avg, … as expressions: over their arguments, or over the one array that is given.
template <class Visit>
void ForEach(const Args& a, Visit visit) {
  if (a.size() == 1 && a[0].type() == bson::Type::kArray) {
    for (const bson::Element& e : a[0].Doc()) visit(e.value());
    return;
  }
  for (size_t i = 0; i < a.size(); ++i) visit(a[i]);
}

OwnedValue SumOf(const Args& a) {
  Sum sum;
  ForEach(a, [&](const bson::Value& v) { sum.Add(v); });
  return sum.Total();
}
OwnedValue AverageOf(const Args& a) {
  Sum sum;
  ForEach(a, [&](const bson::Value& v) { sum.Add(v); });
  return sum.Average();
}

OwnedValue Extreme(const Args& a, bool most) {
  bson::Value best;
  ForEach(a, [&](const bson::Value& v) {
    if (v.IsNullish()) return;
    const int order = best ? CompareValues(v, best, a.collation()) : 0;
    if (!best || (most ? order > 0 : order < 0)) best = v;
  });
  return best ? OwnedValue::Copy(best) : OwnedValue::Null();
}

OwnedValue StandardDeviation(const Args& a, bool sample) {
  double mean = 0;
  double squares = 0;
  double n = 0;
  ForEach(a, [&](const bson::Value& v) {
    if (!v.IsNumber()) return;
    n += 1;
    const double d = ToDouble(v) - mean;
    mean += d / n;
    squares += d * (ToDouble(v) - mean);
  });
  if (n < (sample ? 2 : 1)) return OwnedValue::Null();
  return OwnedValue::Double(std::sqrt(squares / (sample ? n - 1 : n)));
}

constexpr PlainOperator kSetOperators[] = {
    {"$allElementsTrue", 1, 1, AllElementsTrue},
    {"$anyElementTrue", 1, 1, AnyElementTrue},
    {"$setDifference", 2, 2, SetDifference},
    {"$setEquals", 0, -1, SetEquals},
    {"$setIntersection", 0, -1, SetIntersection},
    {"$setIsSubset", 2, 2, SetIsSubset},
    {"$setUnion", 0, -1, SetUnion},
};

constexpr PlainOperator kObjectOperators[] = {
    {"$mergeObjects", 0, -1, MergeObjects},
    {"$objectToArray", 1, 1, ObjectToArray},
};

constexpr PlainOperator kAccumulatorOperators[] = {
    {"$sum", 0, -1, SumOf},
    {"$avg", 0, -1, AverageOf},
    {"$min", 0, -1, [](const Args& a) { return Extreme(a, false); }},
    {"$max", 0, -1, [](const Args& a) { return Extreme(a, true); }},
    {"$stdDevPop", 0, -1, [](const Args& a) { return StandardDeviation(a, false); }},
    {"$stdDevSamp", 0, -1, [](const Args& a) { return StandardDeviation(a, true); }},
};

}  // namespace

std::span<const PlainOperator> SetOperators() { return kSetOperators; }
std::span<const PlainOperator> ObjectOperators() { return kObjectOperators; }
std::span<const PlainOperator> AccumulatorOperators() { return kAccumulatorOperators; }

}  // namespace nexadb::query
