// For tests: documents with all types of BSON under a few names, in few values, so that random
// filters and groups find something to tell apart. Header-only; a pure function of the generator.
#pragma once
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "core/document/decimal.h"
#include "nexadb/bson.h"

namespace nexadb::query {

class RandomDocuments {
 public:
  explicit RandomDocuments(uint64_t seed) : random_(seed) {}

  size_t Below(size_t limit) { return static_cast<size_t>(random_() % limit); }

  std::string Name() {
    static constexpr const char* kNames[] = {
        "a", "b", "c", "quantity", "a name of twenty bytes", "fifteen_bytes_k", "0"};
    return kNames[Below(std::size(kNames))];
  }
  std::string Path() {
    std::string path = Name();
    for (size_t more = Below(3); more != 0; --more) path.append(".").append(Name());
    return path;
  }

  void AddValue(bson::Builder& out, const std::string& name, int depth) {
    static constexpr double kDoubles[] = {0.0,  -0.0, 1.0,    1.5,     -3.0,
                                          1e18, 7.0,  0x1p53, -0x1p63, 1e300};
    static constexpr int64_t kIntegers[] = {
        0, 1, 7, -3, int64_t{1} << 53, (int64_t{1} << 53) + 1, INT64_MAX, INT64_MIN};
    static constexpr const char* kTexts[] = {"", "a", "ab", "b", "zebra", "a longer text, by far"};
    static constexpr uint8_t kBytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    switch (Below(depth > 0 ? 22 : 20)) {
      case 0:
      case 1:
      case 2: out.Int32(name, static_cast<int32_t>(Below(9)) - 3); return;
      case 3:
      case 4: out.Int64(name, kIntegers[Below(std::size(kIntegers))]); return;
      case 5:
      case 6: out.Double(name, kDoubles[Below(std::size(kDoubles))]); return;
      case 7: out.Double(name, std::numeric_limits<double>::quiet_NaN()); return;
      case 8: out.Double(name, -std::numeric_limits<double>::infinity()); return;
      case 9: {
        const auto bytes = Decimal::FromInt64(static_cast<int64_t>(Below(9)) - 3).ToBytes();
        out.Decimal128(name, {bytes.data(), bytes.size()});
        return;
      }
      case 10:
      case 11: out.Text(name, kTexts[Below(std::size(kTexts))]); return;
      case 12: out.Null(name); return;
      case 13: out.Bool(name, Below(2) == 0); return;
      case 14: out.DateMs(name, static_cast<int64_t>(Below(3))); return;
      case 15: out.ObjectId(name, {kBytes, 12}); return;
      case 16: out.Binary(name, 0, {kBytes, Below(4)}); return;
      case 17: out.Regex(name, "^a", ""); return;
      case 18: out.Timestamp(name, Below(3)); return;
      case 19: Below(2) == 0 ? out.MinKey(name) : out.MaxKey(name); return;
      case 20: {
        out.OpenArray(name);
        const size_t count = Below(4);
        for (size_t i = 0; i < count; ++i) AddValue(out, std::to_string(i), depth - 1);
        out.Close();
        return;
      }
      default:
        out.OpenObject(name);
        AddFields(out, depth - 1);
        out.Close();
    }
  }
  // Names may come twice, as BSON allows.
  void AddFields(bson::Builder& out, int depth) {
    for (size_t count = Below(6); count != 0; --count) AddValue(out, Name(), depth);
  }
  std::string Document() {
    bson::Builder out;
    out.Int32("_id", static_cast<int32_t>(Below(1000)));
    AddFields(out, 3);
    return out.Finish();
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace nexadb::query
