#include "plugins/database-document/update/array_modifiers.h"

#include <algorithm>
#include <optional>

#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/match/matcher.h"
#include "plugins/database-document/project/sort.h"
#include "plugins/database-document/value/compare.h"
#include "plugins/database-document/value/failure.h"
#include "plugins/database-document/value/meter.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

using Values = std::vector<bson::Value>;

std::string NameOf(const bson::Value& v) { return std::string(TypeName(v.type())); }

Values Items(const bson::Value& array) {
  Values items;
  if (!array) return items;
  for (const bson::Element& e : array.Doc()) items.push_back(e.value());
  return items;
}

OwnedValue Build(const Values& items) {
  ArrayBuilder out;
  for (const bson::Value& v : items) out.Add(v);
  return out.Finish();
}

void RequireArray(const bson::Value& old, std::string_view op, std::string_view path, int number) {
  if (!old || old.type() == bson::Type::kArray) return;
  Fail(number, "Cannot apply " + std::string(op) + " to a non-array field. Field named '" +
                   std::string(path) + "' has non-array type " + NameOf(old));
}

int64_t WholeNumber(const bson::Element& e) {
  const std::optional<int64_t> n = e.value().IsNumber() ? ExactInt64(e.value()) : std::nullopt;
  if (!n) {
    Fail(code::kBadValue, "The value for " + std::string(e.name()) +
                              " must be an integer value but was given type: " + NameOf(e.value()));
  }
  return *n;
}

class PushModifier final : public Modifier {
 public:
  PushModifier(const bson::Element& operand, CollationPtr collation)
      : operand_(OwnedValue::Copy(operand.value())), collation_(std::move(collation)) {
    const bson::Value v = operand_.view();
    const bool each = v.type() == bson::Type::kObject && v.Doc()["$each"];
    if (!each) {
      items_.push_back(v);
      return;
    }
    for (const bson::Element& e : v.Doc()) Clause(e);
  }

  OwnedValue Apply(const bson::Value& old, std::string_view path) const override {
    RequireArray(old, "$push", path, code::kBadValue);
    Values all = Items(old);
    const auto size = static_cast<int64_t>(all.size());
    int64_t at = position_.value_or(size);
    if (at < 0) at = std::max<int64_t>(0, size + at);
    at = std::min(at, size);
    all.insert(all.begin() + at, items_.begin(), items_.end());
    if (sort_) Sort(&all);
    if (slice_) {
      const auto total = static_cast<int64_t>(all.size());
      if (*slice_ >= 0) {
        all.resize(static_cast<size_t>(std::min(*slice_, total)));
      } else if (-*slice_ < total) {
        all.erase(all.begin(), all.begin() + (total + *slice_));
      }
    }
    return Build(all);
  }

 private:
  void Clause(const bson::Element& e) {
    if (e.name() == "$each") {
      if (e.type() != bson::Type::kArray) {
        Fail(code::kBadValue,
             "The argument to $each in $push must be an array but it was of "
             "type: " +
                 NameOf(e.value()));
      }
      items_ = Items(e.value());
    } else if (e.name() == "$position") {
      position_ = WholeNumber(e);
    } else if (e.name() == "$slice") {
      slice_ = WholeNumber(e);
      slice_ = std::clamp<int64_t>(*slice_, -INT32_MAX, INT32_MAX);
    } else if (e.name() == "$sort") {
      ParseSort(e.value());
    } else {
      Fail(code::kBadValue, "Unrecognized clause in $push: " + std::string(e.name()));
    }
  }

  void ParseSort(const bson::Value& v) {
    sort_ = true;
    if (v.type() == bson::Type::kObject) {
      if (v.Doc().empty()) Fail(code::kBadValue, "The $sort pattern is empty");
      Result<SortPattern> pattern = SortPattern::Parse(v.Doc(), collation_.get());
      if (!pattern.ok()) Fail(code::kBadValue, pattern.status().message());
      pattern_ = *std::move(pattern);
      return;
    }
    const std::optional<int64_t> n = v.IsNumber() ? ExactInt64(v) : std::nullopt;
    if (n != 1 && n != -1) {
      Fail(code::kBadValue,
           "The $sort is invalid: use 1/-1 to sort the whole element, or "
           "{field:1/-1} to sort embedded fields");
    }
    descending_ = *n < 0;
  }

  void Sort(Values* all) const {
    if (pattern_.empty()) {
      std::stable_sort(all->begin(), all->end(), [&](const auto& a, const auto& b) {
        const int order = CompareValues(a, b, collation_.get());
        return descending_ ? order > 0 : order < 0;
      });
      return;
    }
    std::vector<std::pair<std::string, bson::Value>> keyed;
    for (const bson::Value& v : *all) {
      std::string key;
      const bool object = v.type() == bson::Type::kObject;
      Require(pattern_.AppendKey(object ? v.Doc() : bson::Document(), &key));
      keyed.emplace_back(std::move(key), v);
    }
    std::stable_sort(keyed.begin(), keyed.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (size_t i = 0; i < keyed.size(); ++i) (*all)[i] = keyed[i].second;
  }

  OwnedValue operand_;
  CollationPtr collation_;
  Values items_;
  std::optional<int64_t> position_;
  std::optional<int64_t> slice_;
  bool sort_ = false;
  bool descending_ = false;
  SortPattern pattern_;
};

class AddToSetModifier final : public Modifier {
 public:
  AddToSetModifier(const bson::Element& operand, CollationPtr collation)
      : operand_(OwnedValue::Copy(operand.value())), collation_(std::move(collation)) {
    const bson::Value v = operand_.view();
    const bool object = v.type() == bson::Type::kObject && !v.Doc().empty();
    if (!object || v.Doc().begin()->name() != "$each") {
      items_.push_back(v);
      return;
    }
    for (const bson::Element& e : v.Doc()) {
      if (e.name() != "$each") {
        Fail(code::kBadValue,
             "Found unexpected fields after $each in $addToSet: " + std::string(e.name()));
      }
      if (e.type() != bson::Type::kArray) {
        Fail(code::kTypeMismatch,
             "The argument to $each in $addToSet must be an array but it "
             "was of type " +
                 NameOf(e.value()));
      }
      items_ = Items(e.value());
    }
  }
  OwnedValue Apply(const bson::Value& old, std::string_view path) const override {
    RequireArray(old, "$addToSet", path, code::kBadValue);
    Values all = Items(old);
    const size_t before = all.size();
    for (const bson::Value& v : items_) {
      const bool there = std::any_of(all.begin(), all.end(), [&](const bson::Value& have) {
        return EqualValues(have, v, collation_.get());
      });
      Meter::Work(all.size());
      if (!there) all.push_back(v);
    }
    return old && all.size() == before ? OwnedValue::Borrow(old) : Build(all);
  }

 private:
  OwnedValue operand_;
  CollationPtr collation_;
  Values items_;
};

// Takes elements out; an absent array stays absent.
class RemovingModifier : public Modifier {
 public:
  RemovingModifier(std::string_view op, int type_code) : op_(op), type_code_(type_code) {}
  IfAbsent if_absent() const override { return IfAbsent::kLeaveAlone; }
  OwnedValue Apply(const bson::Value& old, std::string_view path) const override {
    RequireArray(old, op_, path, type_code_);
    const Values all = Items(old);
    ArrayBuilder kept;
    for (size_t i = 0; i < all.size(); ++i) {
      if (!Removes(all[i], i, all.size())) kept.Add(all[i]);
    }
    return kept.size() == all.size() ? OwnedValue::Borrow(old) : kept.Finish();
  }

 protected:
  virtual bool Removes(const bson::Value& v, size_t index, size_t size) const = 0;

 private:
  std::string_view op_;
  int type_code_;
};

class PullModifier final : public RemovingModifier {
 public:
  PullModifier(const bson::Element& operand, const ParseOptions& options)
      : RemovingModifier("$pull", code::kBadValue),
        operand_(OwnedValue::Copy(operand.value())),
        collation_(options.collation) {
    const bson::Type type = operand.type();
    if (type == bson::Type::kObject || type == bson::Type::kRegex) {
      matcher_ = Unwrap(Matcher::ParseValuePredicate(operand_.view(), options));
    }
  }

 protected:
  bool Removes(const bson::Value& v, size_t, size_t) const override {
    if (matcher_ != nullptr) return Unwrap(matcher_->MatchesValue(v));
    return EqualValues(v, operand_.view(), collation_.get());
  }

 private:
  OwnedValue operand_;
  CollationPtr collation_;
  std::unique_ptr<Matcher> matcher_;
};

class PullAllModifier final : public RemovingModifier {
 public:
  PullAllModifier(const bson::Element& operand, CollationPtr collation)
      : RemovingModifier("$pullAll", code::kBadValue),
        operand_(OwnedValue::Copy(operand.value())),
        collation_(std::move(collation)) {
    if (operand.type() != bson::Type::kArray) {
      Fail(code::kBadValue,
           "$pullAll requires an array argument but was given a " + NameOf(operand.value()));
    }
    items_ = Items(operand_.view());
  }

 protected:
  bool Removes(const bson::Value& v, size_t, size_t) const override {
    Meter::Work(items_.size());
    return std::any_of(items_.begin(), items_.end(), [&](const bson::Value& item) {
      return EqualValues(item, v, collation_.get());
    });
  }

 private:
  OwnedValue operand_;
  CollationPtr collation_;
  Values items_;
};

class PopModifier final : public RemovingModifier {
 public:
  explicit PopModifier(const bson::Element& operand)
      : RemovingModifier("$pop", code::kTypeMismatch) {
    const std::optional<int64_t> n =
        operand.value().IsNumber() ? ExactInt64(operand.value()) : std::nullopt;
    if (n != 1 && n != -1) {
      Fail(code::kFailedToParse, "$pop expects 1 or -1, found: " + NameOf(operand.value()));
    }
    first_ = *n < 0;
  }

 protected:
  bool Removes(const bson::Value&, size_t index, size_t size) const override {
    return index == (first_ ? 0 : size - 1);
  }

 private:
  bool first_ = false;
};

}  // namespace

std::unique_ptr<Modifier> ParseArrayModifier(std::string_view op, const bson::Element& operand,
                                             const ParseOptions& options) {
  if (op == "$push") return std::make_unique<PushModifier>(operand, options.collation);
  if (op == "$addToSet") return std::make_unique<AddToSetModifier>(operand, options.collation);
  if (op == "$pull") return std::make_unique<PullModifier>(operand, options);
  if (op == "$pullAll") return std::make_unique<PullAllModifier>(operand, options.collation);
  if (op == "$pop") return std::make_unique<PopModifier>(operand);
  return nullptr;
}

}  // namespace nexadb::query
