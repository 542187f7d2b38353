// Arithmetic on BSON numbers with MongoDB's result types: int32 with int32 stays int32 while it
// fits, then int64, then double; any double makes a double, any decimal a decimal. Shared by
// expressions, accumulators and updates. Pure functions; callers check operand types.
#pragma once
#include "core/document/decimal.h"
#include "plugins/database-document/value/owned.h"

namespace nexadb::query {

// REQUIRES, for each: numbers.
OwnedValue AddNumbers(const bson::Value& a, const bson::Value& b);
OwnedValue SubtractNumbers(const bson::Value& a, const bson::Value& b);
OwnedValue MultiplyNumbers(const bson::Value& a, const bson::Value& b);
Decimal ToDecimal(const bson::Value& number);
OwnedValue FromDecimal(Decimal value);

// Sums as $sum and $avg do: exact for integers until 64 bits overflow, compensated for doubles.
class Sum {
 public:
  // Numbers count; anything else is left out.
  void Add(const bson::Value& value) {
    if (value.type() != bson::Type::kInt32) return AddOther(value);
    ++count_;
    integer_ += value.Int32();
  }
  // What another one has added up. Integers are exact; doubles and decimals round as in one sum of
  // both, but for the last digit.
  void Join(const Sum& other);
  OwnedValue Total() const;
  OwnedValue Average() const;  // null of nothing
  int64_t count() const { return count_; }

 private:
  void AddOther(const bson::Value& value);
  void AddDouble(double value);
  double DoubleTotal() const;
  bson::Type type_ = bson::Type::kInt32;
  int64_t count_ = 0;
  __extension__ __int128 integer_ = 0;
  double double_ = 0;
  double compensation_ = 0;
  bool has_special_ = false;
  double special_ = 0;  // infinities and NaN, summed plainly
  Decimal decimal_;
};

}  // namespace nexadb::query
