#include "plugins/database-document/plan/split_span.h"

#include <algorithm>
#include <optional>
#include <string>

namespace nexadb::database {

namespace {

// A middle is good enough when it is off by this share of what it should divide.
constexpr uint64_t kSlackShare = 16;
constexpr size_t kNumberBytes = sizeof(uint64_t);

// The bytes of a key behind `from`, as a number: what a key lacks is zero.
uint64_t NumberAt(std::string_view key, size_t from) {
  uint64_t number = 0;
  for (size_t i = from; i < from + kNumberBytes; ++i) {
    number = number << 8 | (i < key.size() ? static_cast<uint8_t>(key[i]) : 0);
  }
  return number;
}

// Keys between two keys, as numbers behind what the two have in common.
class KeyLine {
 public:
  KeyLine(std::string_view low, std::string_view high) {
    const size_t most = std::min(low.size(), high.size());
    size_t common = 0;
    while (common < most && low[common] == high[common]) ++common;
    prefix_ = low.substr(0, common);
    low_ = NumberAt(low, common);
    high_ = NumberAt(high, common);
  }
  uint64_t low() const { return low_; }
  uint64_t high() const { return high_; }
  std::string KeyOf(uint64_t number) const {
    std::string key(prefix_);
    AppendBigEndian64(number, &key);
    return key;
  }

 private:
  std::string_view prefix_;
  uint64_t low_;
  uint64_t high_;
};

class Splitter {
 public:
  explicit Splitter(const RowsIn& rows_in) : rows_in_(rows_in) {}
  std::vector<KeySpan> Take() { return std::move(spans_); }

  // `span` in `parts`, behind those that there are.
  Status Split(const KeySpan& span, std::string_view first, std::string_view last, size_t parts) {
    if (parts > 1) {
      auto rows = rows_in_(span.begin, span.end);
      if (!rows.ok()) return rows.status();
      const size_t left = parts / 2;
      auto middle = Find(span, first, last, *rows / parts * left);
      if (!middle.ok()) return middle.status();
      if (*middle) {
        const std::string& key = **middle;
        if (Status bad = Split({span.begin, key}, first, key, left); !bad.ok()) return bad;
        return Split({key, span.end}, key, last, parts - left);
      }
    }
    spans_.push_back(span);
    return {};
  }

 private:
  // A key that about `wanted` rows come before; none where there is no such key to be found.
  Result<std::optional<std::string>> Find(const KeySpan& span, std::string_view first,
                                          std::string_view last, uint64_t wanted) {
    const uint64_t slack = wanted / kSlackShare;
    const KeyLine line(first, last);
    uint64_t low = line.low();
    uint64_t high = line.high();
    std::string low_key = span.begin;
    uint64_t before = 0;  // rows before low_key
    std::optional<std::string> found;
    while (low < high && high - low > 1) {
      const uint64_t middle = low + (high - low) / 2;
      std::string key = line.KeyOf(middle);
      auto more = rows_in_(low_key, key);
      if (!more.ok()) return more.status();
      if (key > span.begin && key < span.end) found = key;
      const uint64_t rows = before + *more;
      if (rows + slack >= wanted && rows <= wanted + slack) break;
      if (rows > wanted) {
        high = middle;
      } else {
        low = middle;
        low_key = std::move(key);
        before = rows;
      }
    }
    return found;
  }

  const RowsIn& rows_in_;
  std::vector<KeySpan> spans_;
};

}  // namespace

Result<std::vector<KeySpan>> SplitSpan(const KeySpan& span, std::string_view first,
                                       std::string_view last, size_t parts, const RowsIn& rows_in) {
  Splitter splitter(rows_in);
  if (Status bad = splitter.Split(span, first, last, parts); !bad.ok()) return bad;
  return splitter.Take();
}

}  // namespace nexadb::database
