// $median and $percentile over an array, exactly.
#include "plugins/database-document/expression/percentile.h"

#include <algorithm>
#include <cmath>

#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

constexpr int kSpecNotObject = 7436200;

// An array's numbers, or the one number that is given.
std::vector<double> NumbersOf(const bson::Value& input) {
  std::vector<double> numbers;
  if (input.IsNumber()) numbers.push_back(ToDouble(input));
  if (input.type() == bson::Type::kArray) {
    for (const bson::Element& e : input.Doc()) {
      if (e.value().IsNumber()) numbers.push_back(ToDouble(e.value()));
    }
  }
  std::sort(numbers.begin(), numbers.end(), [](double a, double b) {
    Meter::Work(1);
    return a < b;
  });
  return numbers;
}

OwnedValue Median(const Args& a) {
  CheckPercentileMethod(a[1]);
  return NearestRank(NumbersOf(a[0]), 0.5);
}

OwnedValue Percentile(const Args& a) {
  const std::vector<double> shares = PercentileShares(a[1]);
  CheckPercentileMethod(a[2]);
  const std::vector<double> numbers = NumbersOf(a[0]);
  ArrayBuilder out;
  for (const double share : shares) out.Add(NearestRank(numbers, share).view());
  return out.Finish();
}

constexpr NamedArgument kMedianArguments[] = {{"input", code::kMissingField},
                                              {"method", code::kMissingField}};
constexpr NamedArgument kPercentileArguments[] = {
    {"input", code::kMissingField}, {"p", code::kMissingField}, {"method", code::kMissingField}};
constexpr NamedOperator kOperators[] = {
    {"$median", kSpecNotObject, code::kUnknownField, kMedianArguments, Median},
    {"$percentile", kSpecNotObject, code::kUnknownField, kPercentileArguments, Percentile},
};

}  // namespace

std::span<const NamedOperator> PercentileOperators() { return kOperators; }

OwnedValue NearestRank(std::span<const double> sorted, double share) {
  if (sorted.empty()) return OwnedValue::Null();
  const double rank = std::max(0.0, std::ceil(share * static_cast<double>(sorted.size())) - 1);
  return OwnedValue::Double(sorted[std::min(static_cast<size_t>(rank), sorted.size() - 1)]);
}

std::vector<double> PercentileShares(const bson::Value& p) {
  if (p.type() != bson::Type::kArray || p.Doc().empty()) {
    Fail(7750301, "The $percentile 'p' field must be an array of numbers from [0.0, 1.0]");
  }
  std::vector<double> shares;
  for (const bson::Element& e : p.Doc()) {
    if (!e.value().IsNumber()) Fail(7750302, "'p' must hold numbers from [0.0, 1.0]");
    const double share = ToDouble(e.value());
    if (!(share >= 0 && share <= 1)) Fail(7750303, "'p' must hold numbers from [0.0, 1.0]");
    shares.push_back(share);
  }
  return shares;
}

void CheckPercentileMethod(const bson::Value& method) {
  if (method.type() != bson::Type::kString) Fail(code::kTypeMismatch, "'method' must be a string");
  if (method.Text() != "approximate") {
    Fail(code::kBadValue, "Currently only 'approximate' can be used as percentile 'method'.");
  }
}

}  // namespace nexadb::query
