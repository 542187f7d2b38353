// For tests: an interpreter of filters that knows nothing of the database's own: it walks documents
// by recursion, compares values by hand, and is slow. Knows the operators that the laws of indexes
// try, over the types that they write. Header-only; used by *_test.cc alone.
#pragma once
#include <cmath>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "core/document/json.h"
#include "nexadb/bson.h"

namespace nexadb::database::plain {

inline int Rank(const bson::Value& v) {
  switch (v.type()) {
    case bson::Type::kEnd: return 0;
    case bson::Type::kNull: return 1;
    case bson::Type::kInt32:
    case bson::Type::kInt64:
    case bson::Type::kDouble:
    case bson::Type::kDecimal128: return 2;
    case bson::Type::kString: return 3;
    case bson::Type::kObject: return 4;
    case bson::Type::kArray: return 5;
    case bson::Type::kBool: return 6;
    case bson::Type::kDate: return 7;
    default: return 8;
  }
}

inline long double NumberOf(const bson::Value& v) {
  if (v.type() == bson::Type::kInt32) return v.Int32();
  if (v.type() == bson::Type::kInt64) return static_cast<long double>(v.Int64());
  if (v.type() == bson::Type::kDouble) return v.Double();
  // {"v":{"$numberDecimal":"2.5"}}
  const std::string doc = bson::Builder().Value("v", v).Finish();
  const std::string json = BsonToJson(bson::Document(AsBytes(doc)), JsonMode::kRelaxed);
  const size_t at = json.find("Decimal\":\"");
  return std::strtold(json.c_str() + at + 10, nullptr);
}

inline int Sign(long double a, long double b) {
  if (std::isnan(a) || std::isnan(b)) return static_cast<int>(std::isnan(b)) - std::isnan(a);
  return a < b ? -1 : (a > b ? 1 : 0);
}

// The order that sorts have.
inline int Order(const bson::Value& a, const bson::Value& b) {
  if (Rank(a) != Rank(b)) return Rank(a) < Rank(b) ? -1 : 1;
  switch (Rank(a)) {
    case 2: return Sign(NumberOf(a), NumberOf(b));
    case 3: return a.Text().compare(b.Text());
    case 6: return static_cast<int>(a.Bool()) - static_cast<int>(b.Bool());
    case 7: return a.DateMs() < b.DateMs() ? -1 : (a.DateMs() > b.DateMs() ? 1 : 0);
    case 4:
    case 5: {
      std::vector<bson::Element> x, y;
      for (const bson::Element& e : a.Doc()) x.push_back(e);
      for (const bson::Element& e : b.Doc()) y.push_back(e);
      for (size_t i = 0; i < x.size() && i < y.size(); ++i) {
        if (Rank(a) == 4 && Rank(x[i].value()) != Rank(y[i].value())) {
          return Rank(x[i].value()) < Rank(y[i].value()) ? -1 : 1;
        }
        if (Rank(a) == 4 && x[i].name() != y[i].name()) return x[i].name().compare(y[i].name());
        if (const int order = Order(x[i].value(), y[i].value())) return order;
      }
      return x.size() < y.size() ? -1 : (x.size() > y.size() ? 1 : 0);
    }
    default: return 0;
  }
}

// All values that a path reaches; a missing one is a value of type kEnd.
inline void Reach(const bson::Value& at, const std::vector<std::string>& path, size_t next,
                  std::vector<bson::Value>* out) {
  if (next == path.size()) return out->push_back(at);
  if (at.type() == bson::Type::kObject) {
    return Reach(at.Doc()[path[next]].value(), path, next + 1, out);
  }
  if (at.type() != bson::Type::kArray) return out->push_back(bson::Value());
  for (const bson::Element& e : at.Doc()) {
    if (e.type() == bson::Type::kObject) Reach(e.value(), path, next, out);
    if (e.name() == path[next]) {
      // What a position leads to is gone on from, but a plain value ends there.
      const bool goes_on = next + 1 == path.size() || e.type() == bson::Type::kObject ||
                           e.type() == bson::Type::kArray;
      if (goes_on) Reach(e.value(), path, next + 1, out);
    }
  }
}

inline std::vector<bson::Value> Reached(bson::Document doc, std::string_view dotted) {
  std::vector<std::string> path{""};
  for (const char c : dotted) {
    if (c == '.') {
      path.emplace_back();
    } else {
      path.back().push_back(c);
    }
  }
  std::vector<bson::Value> out;
  Reach(doc.AsValue(bson::Type::kObject), path, 0, &out);
  return out;
}

inline bool Matches(bson::Document doc, bson::Document filter);
inline bool Operators(const std::vector<bson::Value>& values, bson::Document operators,
                      bool elements);

inline bool Equal(const bson::Value& v, const bson::Value& operand) {
  if (!v) return operand.type() == bson::Type::kNull;
  return Order(v, operand) == 0;
}

inline bool Compares(std::string_view name, const bson::Value& v, const bson::Value& operand) {
  const bson::Value null(bson::Type::kNull, nullptr, 0);
  const bson::Value value = v ? v : null;
  if (Rank(value) != Rank(operand)) return false;
  const int order = Order(value, operand);
  const bool nan =
      Rank(value) == 2 && (std::isnan(NumberOf(value)) || std::isnan(NumberOf(operand)));
  const bool or_equal = name == "$gte" || name == "$lte";
  if (nan) return or_equal && order == 0;
  if (or_equal && order == 0) return true;
  return name.starts_with("$g") ? order > 0 : order < 0;
}

// One operator of one value, which stands for itself.
inline bool Test(const bson::Element& op, const bson::Value& v) {
  const std::string_view name = op.name();
  if (name == "$eq") return Equal(v, op.value());
  if (name == "$gt" || name == "$gte" || name == "$lt" || name == "$lte") {
    return Compares(name, v, op.value());
  }
  if (name == "$in") {
    for (const bson::Element& e : op.value().Doc()) {
      if (Equal(v, e.value())) return true;
    }
    return false;
  }
  if (name == "$type") return Rank(v) == 2;  // "number"
  if (name == "$regex") {
    // ^a and ^ab?, which both say: begins with an a.
    return Rank(v) == 3 && v.Text().starts_with("a");
  }
  std::abort();
}

inline bool AnyOf(const std::vector<bson::Value>& values, const bson::Element& op, bool elements) {
  for (const bson::Value& v : values) {
    if (Test(op, v)) return true;
    if (!elements || v.type() != bson::Type::kArray) continue;
    for (const bson::Element& e : v.Doc()) {
      if (Test(op, e.value())) return true;
    }
  }
  return false;
}

inline bool Exists(const std::vector<bson::Value>& values) {
  for (const bson::Value& v : values) {
    if (v) return true;
  }
  return false;
}

inline bool ElementMatches(const std::vector<bson::Value>& values, bson::Document wanted) {
  const bool operators = wanted.begin()->name().starts_with("$");
  for (const bson::Value& v : values) {
    if (v.type() != bson::Type::kArray) continue;
    for (const bson::Element& e : v.Doc()) {
      const bool document = e.type() == bson::Type::kObject || e.type() == bson::Type::kArray;
      if (operators ? Operators({e.value()}, wanted, false)
                    : document && Matches(e.value().Doc(), wanted)) {
        return true;
      }
    }
  }
  return false;
}

inline bool Operator(const std::vector<bson::Value>& values, const bson::Element& op,
                     bool elements) {
  const std::string_view name = op.name();
  const auto negated = [&](std::string_view as) {
    const std::string positive = bson::Builder().Value(as, op.value()).Finish();
    return !AnyOf(values, *bson::Document(AsBytes(positive)).begin(), elements);
  };
  if (name == "$ne") return negated("$eq");
  if (name == "$nin") return negated("$in");
  if (name == "$not") return !Operators(values, op.value().Doc(), elements);
  if (name == "$exists") return Exists(values) == op.value().Bool();
  if (name == "$elemMatch") return ElementMatches(values, op.value().Doc());
  return AnyOf(values, op, elements);
}

inline bool Operators(const std::vector<bson::Value>& values, bson::Document operators,
                      bool elements) {
  for (const bson::Element& op : operators) {
    if (!Operator(values, op, elements)) return false;
  }
  return true;
}

inline bool Matches(bson::Document doc, bson::Document filter) {
  for (const bson::Element& e : filter) {
    if (e.name() == "$and" || e.name() == "$or" || e.name() == "$nor") {
      size_t count = 0, matching = 0;
      for (const bson::Element& branch : e.value().Doc()) {
        ++count;
        matching += Matches(doc, branch.value().Doc()) ? 1 : 0;
      }
      const bool good =
          e.name() == "$and" ? matching == count : (matching > 0) == (e.name() == "$or");
      if (!good) return false;
      continue;
    }
    const std::vector<bson::Value> values = Reached(doc, e.name());
    const bool operators = e.type() == bson::Type::kObject && !e.value().Doc().empty() &&
                           e.value().Doc().begin()->name().starts_with("$");
    if (operators) {
      if (!Operators(values, e.value().Doc(), true)) return false;
    } else {
      const std::string equal = bson::Builder().Value("$eq", e.value()).Finish();
      if (!AnyOf(values, *bson::Document(AsBytes(equal)).begin(), true)) return false;
    }
  }
  return true;
}

}  // namespace nexadb::database::plain
