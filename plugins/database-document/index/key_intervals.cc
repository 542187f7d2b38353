#include "plugins/database-document/index/key_intervals.h"

#include <algorithm>
#include <limits>

#include "plugins/database-document/value/compare.h"
#include "plugins/database-document/value/key_encoding.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::database {

namespace {

// Below and above the first byte of every encoding, and of every inverted one.
constexpr std::string_view kLowest = "\x01";
constexpr std::string_view kHighest = "\xFF";
// What ends the escaped bytes of a string.
constexpr size_t kTextEndBytes = 2;

std::string Encode(const bson::Value& value, const query::Collation* collation = nullptr) {
  std::string out;
  query::AppendKey(value, collation, &out);
  return out;
}

std::string Invert(std::string bytes) {
  for (char& c : bytes) c = static_cast<char>(~c);
  return bytes;
}

std::string TagOf(const bson::Value& value) { return Encode(value).substr(0, 1); }

}  // namespace

std::string PrefixEnd(std::string prefix) {
  while (!prefix.empty() && static_cast<uint8_t>(prefix.back()) == 0xFF) prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(static_cast<uint8_t>(prefix.back()) + 1);
  return prefix;
}

void KeyIntervals::Add(KeyInterval interval) {
  if (interval.begin >= interval.end) return;
  if (intervals_.empty() || interval.begin >= intervals_.back().end) {
    intervals_.push_back(std::move(interval));
    return;
  }
  KeyInterval& last = intervals_.back();
  if (interval == last) return;
  last.point = false;
  last.end = std::max(last.end, std::move(interval.end));
}

KeyIntervals KeyIntervals::All() {
  KeyIntervals out;
  out.Add({std::string(kLowest), std::string(kHighest)});
  return out;
}

KeyIntervals KeyIntervals::Point(const bson::Value& value, const query::Collation* collation) {
  KeyIntervals out;
  const std::string key = Encode(value, collation);
  out.Add({key, PrefixEnd(key), true});
  return out;
}

KeyIntervals KeyIntervals::SameType(const bson::Value& operand) {
  KeyIntervals out;
  if (operand.IsNumber()) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const int32_t zero = 0;
    const auto* nan_bytes = reinterpret_cast<const uint8_t*>(&nan);
    const auto* zero_bytes = reinterpret_cast<const uint8_t*>(&zero);
    out.Add({TagOf({bson::Type::kDouble, nan_bytes, sizeof(nan)}),
             PrefixEnd(TagOf({bson::Type::kInt32, zero_bytes, sizeof(zero)}))});
  } else if (operand.type() == bson::Type::kBool) {
    constexpr uint8_t kFalse = 0, kTrue = 1;
    out.Add(
        {TagOf({bson::Type::kBool, &kFalse, 1}), PrefixEnd(TagOf({bson::Type::kBool, &kTrue, 1}))});
  } else {
    const std::string tag = TagOf(operand);
    out.Add({tag, PrefixEnd(tag)});
  }
  return out;
}

KeyIntervals KeyIntervals::TextPrefix(std::string_view prefix) {
  const std::string text = bson::Builder().Text("", prefix).Finish();
  std::string begin = Encode((*bson::Document(AsBytes(text)).begin()).value());
  begin.resize(begin.size() - kTextEndBytes);
  KeyIntervals out;
  out.Add({begin, PrefixEnd(begin)});
  return out;
}

KeyIntervals KeyIntervals::Above(const bson::Value& value, const query::Collation* collation) {
  KeyIntervals out;
  out.Add({PrefixEnd(Encode(value, collation)), std::string(kHighest)});
  return out;
}

KeyIntervals KeyIntervals::Below(const bson::Value& value, const query::Collation* collation) {
  KeyIntervals out;
  out.Add({std::string(kLowest), Encode(value, collation)});
  return out;
}

KeyIntervals KeyIntervals::Union(std::vector<KeyInterval> intervals) {
  std::sort(intervals.begin(), intervals.end(),
            [](const KeyInterval& a, const KeyInterval& b) { return a.begin < b.begin; });
  KeyIntervals out;
  for (KeyInterval& interval : intervals) out.Add(std::move(interval));
  return out;
}

void KeyIntervals::Unite(const KeyIntervals& other) {
  std::vector<KeyInterval> all = std::move(intervals_);
  all.insert(all.end(), other.intervals_.begin(), other.intervals_.end());
  *this = Union(std::move(all));
}

void KeyIntervals::Intersect(const KeyIntervals& other) {
  const std::vector<KeyInterval> mine = std::move(intervals_);
  intervals_.clear();
  size_t i = 0;
  size_t j = 0;
  while (i < mine.size() && j < other.intervals_.size()) {
    const KeyInterval& a = mine[i];
    const KeyInterval& b = other.intervals_[j];
    Add({std::max(a.begin, b.begin), std::min(a.end, b.end), a.point || b.point});
    ++(a.end < b.end ? i : j);
  }
}

KeyIntervals KeyIntervals::Complement() const {
  KeyIntervals out;
  std::string from(kLowest);
  for (const KeyInterval& interval : intervals_) {
    out.Add({from, interval.begin});
    from = interval.end;
  }
  out.Add({std::move(from), std::string(kHighest)});
  return out;
}

bool KeyIntervals::Includes(const KeyIntervals& other) const {
  KeyIntervals common = other;
  common.Intersect(*this);
  return common == other;
}

bool KeyIntervals::Contains(std::string_view encoding) const {
  return std::any_of(intervals_.begin(), intervals_.end(), [&](const KeyInterval& interval) {
    return encoding >= interval.begin && encoding < interval.end;
  });
}

bool KeyIntervals::IsAll() const {
  return intervals_.size() == 1 && intervals_[0].begin == kLowest && intervals_[0].end == kHighest;
}

bool KeyIntervals::AllPoints() const {
  return std::all_of(intervals_.begin(), intervals_.end(),
                     [](const KeyInterval& interval) { return interval.point; });
}

// Inverting turns the order around: what lies in [begin, end) lies above all that begin with the
// inverted end, up to and including what begins with the inverted begin.
KeyIntervals KeyIntervals::Inverted() const {
  KeyIntervals out;
  for (auto it = intervals_.rbegin(); it != intervals_.rend(); ++it) {
    KeyInterval turned{PrefixEnd(Invert(it->end)), PrefixEnd(Invert(it->begin)), it->point};
    if (it->point) turned = {Invert(it->begin), PrefixEnd(Invert(it->begin)), true};
    out.Add(std::move(turned));
  }
  return out;
}

}  // namespace nexadb::database
