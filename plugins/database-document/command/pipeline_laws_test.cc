// The law of optimisation: a pipeline gives what its stages give one after the other. Random
// pipelines run as written, and with a stage between all others that keeps every document and lets
// no rewrite through.
#include <random>

#include "plugins/database-document/testing/fixture.h"

namespace nexadb::database {
namespace {

constexpr int kPipelines = 300;
constexpr int kDocuments = 60;
constexpr const char* kBarrier = R"({"$redact": "$$KEEP"})";

class RandomPipelines : public DatabaseFixture {
 protected:
  void SetUp() override {
    DatabaseFixture::SetUp();
    const uint64_t seed =
        ::testing::UnitTest::GetInstance()->random_seed() != 0
            ? static_cast<uint64_t>(::testing::UnitTest::GetInstance()->random_seed())
            : std::random_device{}();
    RecordProperty("seed", std::to_string(seed));
    random_.seed(seed);
    seed_ = seed;
    std::string documents;
    for (int i = 0; i < kDocuments; ++i) {
      documents += (i == 0 ? "" : ", ") + Document(i);
    }
    Run(R"({"insert": "c", "documents": [)" + documents + "]}");
    Run(R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a"},
           {"key": {"b": -1, "a": 1}, "name": "b"}, {"key": {"t": 1}, "name": "t"}]})");
  }

  size_t Below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
  std::string Number() { return std::to_string(static_cast<int>(Below(10)) - 2); }
  std::string Value() {
    const size_t kind = Below(8);
    if (kind == 0) return "null";
    if (kind == 1) return (Below(2) == 0 ? "\"x" : "\"X") + std::to_string(Below(4)) + "\"";
    if (kind == 2) return Number() + ".5";
    return Number();
  }
  std::string Field() { return std::string(1, "abtk"[Below(4)]); }

  std::string Document(int id) {
    std::string out = "{\"_id\": " + std::to_string(id);
    if (Below(5) != 0) out += R"(, "a": )" + Value();
    if (Below(5) != 0) out += R"(, "b": )" + Value();
    if (Below(4) != 0) out += R"(, "t": [)" + Value() + ", " + Value() + "]";
    return out + R"(, "k": )" + std::to_string(Below(4)) + "}";
  }

  std::string Filter() {
    const std::string field = "\"" + Field() + "\": ";
    switch (Below(7)) {
      case 0: return "{" + field + Value() + "}";
      case 1: return "{" + field + R"({"$gt": )" + Number() + "}}";
      case 2: return "{" + field + R"({"$lte": )" + Number() + R"(, "$ne": )" + Value() + "}}";
      case 3: return "{" + field + R"({"$in": [)" + Value() + ", " + Value() + "]}}";
      case 4: return "{" + field + R"({"$exists": )" + (Below(2) == 0 ? "true" : "false") + "}}";
      case 5: return R"({"$or": [)" + Filter() + ", " + Filter() + "]}";
      default: return "{" + field + R"({"$not": {"$gte": )" + Number() + "}}}";
    }
  }

  std::string Stage() {
    const std::string field = Field();
    switch (Below(9)) {
      case 0:
      case 1: return R"({"$match": )" + Filter() + "}";
      // Broken until only equal documents tie, so that there is one order.
      case 2:
        return R"({"$sort": {")" + field + R"(": )" + (Below(2) == 0 ? "1" : "-1") +
               (field == "t" ? "" : R"(, "t": 1)") + R"(, "_id": 1}})";
      case 3: return R"({"$skip": )" + std::to_string(Below(6)) + "}";
      case 4: return R"({"$limit": )" + std::to_string(1 + Below(20)) + "}";
      case 5: return R"({"$project": {")" + field + R"(": 1}})";
      case 6:
        return R"({"$set": {")" + field + R"(": {"$ifNull": ["$)" + Field() + R"(", )" + Value() +
               "]}}}";
      case 7: return R"({"$unset": ")" + field + "\"}";
      default: return R"({"$unwind": "$t"})";
    }
  }

  std::string seed_text() const { return "seed " + std::to_string(seed_); }

 private:
  std::mt19937_64 random_;
  uint64_t seed_ = 0;
};

TEST_F(RandomPipelines, GiveTheSameWithAndWithoutRewrites) {
  for (int i = 0; i < kPipelines; ++i) {
    // A known order to begin with: a $limit of documents in no order may keep any of them.
    std::string plain = R"({"$match": )" + Filter() + R"(}, {"$sort": {"_id": 1}})";
    std::string barred = std::string(kBarrier) + ", " + plain;
    const size_t stages = 1 + Below(5);
    for (size_t s = 0; s < stages; ++s) {
      const std::string stage = Stage();
      plain += ", " + stage;
      barred += ", " + std::string(kBarrier) + ", " + stage;
    }
    if (Below(3) == 0) {
      const std::string group = R"({"$group": {"_id": "$k", "n": {"$sum": 1}, "s": {"$sum": "$a"},
          "l": {"$max": "$b"}}}, {"$sort": {"_id": 1}})";
      plain += ", " + group;
      barred += ", " + std::string(kBarrier) + ", " + group;
    }
    const std::string collation =
        Below(2) == 0 ? "" : R"(, "collation": {"locale": "en", "strength": 1})";
    const auto run = [&](const std::string& pipeline) {
      return Batch(R"({"aggregate": "c", "cursor": {}, "pipeline": [)" + pipeline + "]" +
                   collation + "}");
    };
    ASSERT_EQ(run(plain), run(barred)) << seed_text() << "\n" << plain;
  }
}

}  // namespace
}  // namespace nexadb::database
