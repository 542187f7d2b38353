#include "plugins/database-document/match/node.h"

#include <algorithm>
#include <cmath>

#include "plugins/database-document/value/compare.h"
#include "plugins/database-document/value/meter.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

// An array takes about a step for each of its elements.
void WorkOn(const bson::Value& array) {
  constexpr size_t kElementBytes = 16;
  Meter::Work(array.bytes().size() / kElementBytes);
}

bool TestExpanded(const ValueTest& test, const bson::Value& value, int64_t* index) {
  if (test.Test(value)) {
    *index = -1;
    return true;
  }
  if (value.type() != bson::Type::kArray || test.expand() == Expand::kNo) return false;
  WorkOn(value);
  int64_t i = 0;
  for (const bson::Element& e : value.Doc()) {
    if (test.Test(e.value())) {
      *index = i;
      return true;
    }
    ++i;
  }
  return false;
}

// An $elemMatch says itself which element it was.
int64_t ElementOf(const ValueTest& test, const bson::Value& value, int64_t index) {
  if (index >= 0 || value.type() != bson::Type::kArray) return index;
  if (const auto* objects = dynamic_cast<const ElemMatchObjectTest*>(&test)) {
    return objects->FirstMatch(value);
  }
  if (const auto* values = dynamic_cast<const ElemMatchValueTest*>(&test)) {
    return values->FirstMatch(value);
  }
  return index;
}

bool BitOfInteger(int64_t v, uint64_t position) {
  if (position > 63) return v < 0;  // sign-extended
  return ((static_cast<uint64_t>(v) >> position) & 1) != 0;
}

bool BitOfBytes(BytesView bytes, uint64_t position) {
  const uint64_t byte = position / 8;
  return byte < bytes.size() && ((bytes[byte] >> (position % 8)) & 1) != 0;
}

}  // namespace

bool LeafNode::Match(bson::Document doc, MatchDetails& details) const {
  return VisitPath(doc, path_, [&](const bson::Value& value, int64_t position) {
    if (position >= 0) Meter::Work(1);  // one of an array's
    int64_t index = -1;
    if (!TestExpanded(*test_, value, &index)) return false;
    details.position = position >= 0 ? position : ElementOf(*test_, value, index);
    return true;
  });
}

bool LeafNode::MatchValue(const bson::Value& value, Expand expand) const {
  int64_t index = -1;
  return expand == Expand::kElements ? TestExpanded(*test_, value, &index) : test_->Test(value);
}

bool AndNode::Match(bson::Document doc, MatchDetails& details) const {
  for (const NodePtr& child : children_) {
    // A child that met no array leaves an earlier child's position alone.
    MatchDetails own;
    if (!child->Match(doc, own)) return false;
    if (own.position >= 0) details = own;
  }
  return true;
}

bool AndNode::MatchValue(const bson::Value& value, Expand expand) const {
  return std::all_of(children_.begin(), children_.end(),
                     [&](const NodePtr& child) { return child->MatchValue(value, expand); });
}

bool OrNode::Match(bson::Document doc, MatchDetails& details) const {
  for (const NodePtr& child : children_) {
    MatchDetails own;
    if (!child->Match(doc, own)) continue;
    if (own.position >= 0) details = own;
    return true;
  }
  return false;
}

bool OrNode::MatchValue(const bson::Value& value, Expand expand) const {
  return std::any_of(children_.begin(), children_.end(),
                     [&](const NodePtr& child) { return child->MatchValue(value, expand); });
}

bool NotNode::Match(bson::Document doc, MatchDetails&) const {
  MatchDetails ignored;
  return !child_->Match(doc, ignored);
}

bool NotNode::MatchValue(const bson::Value& value, Expand expand) const {
  return !child_->MatchValue(value, expand);
}

CompareTest::CompareTest(Comparison comparison, const bson::Value& operand, CollationPtr collation)
    : comparison_(comparison),
      operand_(operand),
      collation_(std::move(collation)),
      rank_(TypeRank(operand.type())),
      unbracketed_(operand.type() == bson::Type::kMinKey || operand.type() == bson::Type::kMaxKey),
      operand_nan_(IsNan(operand)) {}

bool CompareTest::Test(const bson::Value& value) const {
  static constexpr bson::Value kNull(bson::Type::kNull, nullptr, 0);
  const bson::Value& v = !value && operand_.type() == bson::Type::kNull ? kNull : value;
  if (TypeRank(v.type()) != rank_ && !(unbracketed_ && comparison_ != Comparison::kEqual)) {
    return false;
  }
  const int order = CompareValues(v, operand_, collation_.get());
  if (comparison_ == Comparison::kEqual) return order == 0;
  // NaN is only ever equal to itself.
  if (operand_nan_ || IsNan(v)) {
    const bool inclusive =
        comparison_ == Comparison::kLessOrEqual || comparison_ == Comparison::kGreaterOrEqual;
    return (unbracketed_ || (inclusive && order == 0)) && (!unbracketed_ || order != 0);
  }
  switch (comparison_) {
    case Comparison::kLess: return order < 0;
    case Comparison::kLessOrEqual: return order <= 0;
    case Comparison::kGreater: return order > 0;
    case Comparison::kGreaterOrEqual: return order >= 0;
    case Comparison::kEqual: break;
  }
  return false;
}

InTest::InTest(bson::Document source, std::vector<bson::Value> values, std::vector<Regex> regexes,
               CollationPtr collation)
    : source_(source),
      values_(std::move(values)),
      regexes_(std::move(regexes)),
      collation_(std::move(collation)) {
  std::sort(values_.begin(), values_.end(), ValueLess{collation_.get()});
  for (const bson::Value& v : values_) matches_null_ |= v.type() == bson::Type::kNull;
}

bool InTest::Test(const bson::Value& value) const {
  if (!value) return matches_null_;
  const auto at =
      std::lower_bound(values_.begin(), values_.end(), value, ValueLess{collation_.get()});
  if (at != values_.end() && EqualValues(*at, value, collation_.get())) return true;
  if (value.type() != bson::Type::kString && value.type() != bson::Type::kSymbol) return false;
  Meter::Work(regexes_.size() * (1 + value.bytes().size() / Meter::kBytesPerStep));
  return std::any_of(regexes_.begin(), regexes_.end(),
                     [&](const Regex& r) { return r.Search(value.Text()); });
}

bool RegexTest::Test(const bson::Value& value) const {
  if (value.type() == bson::Type::kString || value.type() == bson::Type::kSymbol) {
    return regex_.Search(value.Text());
  }
  return value.type() == bson::Type::kRegex && value.RegexPattern() == regex_.pattern() &&
         value.RegexFlags() == regex_.flags();
}

bool TypeTest::Test(const bson::Value& value) const {
  return value && std::find(types_.begin(), types_.end(), value.type()) != types_.end();
}

bool SizeTest::Test(const bson::Value& value) const {
  return value.type() == bson::Type::kArray &&
         value.Doc().CountElements() == static_cast<size_t>(size_);
}

bool ModTest::Test(const bson::Value& value) const {
  if (!value.IsNumber()) return false;
  int64_t dividend = 0;
  if (value.type() == bson::Type::kInt32) {
    dividend = value.Int32();
  } else if (value.type() == bson::Type::kInt64) {
    dividend = value.Int64();
  } else {
    const double d = TruncateToDouble(value);
    if (!(d < 0x1p63 && d >= -0x1p63)) return false;  // also NaN
    dividend = static_cast<int64_t>(d);
  }
  if (divisor_ == -1) return remainder_ == 0;  // INT64_MIN % -1 does not fit
  return dividend % divisor_ == remainder_;
}

bool BitsTest::Test(const bson::Value& value) const {
  int64_t integer = 0;
  const bool binary = value.type() == bson::Type::kBinary;
  if (!binary) {
    if (!value.IsNumber()) return false;
    const std::optional<int64_t> exact = ExactInt64(value);
    if (!exact) return false;
    integer = *exact;
  }
  const bool want = question_ == BitsQuestion::kAllSet || question_ == BitsQuestion::kAnySet;
  const bool any = question_ == BitsQuestion::kAnySet || question_ == BitsQuestion::kAnyClear;
  for (const uint64_t position : positions_) {
    const bool set =
        binary ? BitOfBytes(value.Binary(), position) : BitOfInteger(integer, position);
    if ((set == want) == any) return any;
  }
  return !any;
}

int64_t ElemMatchObjectTest::FirstMatch(const bson::Value& array) const {
  if (array.type() != bson::Type::kArray) return -1;
  WorkOn(array);
  int64_t i = 0;
  for (const bson::Element& e : array.Doc()) {
    MatchDetails ignored;
    const bool document = e.type() == bson::Type::kObject || e.type() == bson::Type::kArray;
    if (document && child_->Match(e.value().Doc(), ignored)) return i;
    ++i;
  }
  return -1;
}

int64_t ElemMatchValueTest::FirstMatch(const bson::Value& array) const {
  if (array.type() != bson::Type::kArray) return -1;
  WorkOn(array);
  int64_t i = 0;
  for (const bson::Element& e : array.Doc()) {
    if (child_->MatchValue(e.value(), Expand::kNo)) return i;
    ++i;
  }
  return -1;
}

}  // namespace nexadb::query
