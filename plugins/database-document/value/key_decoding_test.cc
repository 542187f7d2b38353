// Laws of decoding keys: a value comes back byte for byte, or it is said that there is no way back;
// and whatever bytes are given, nothing is read behind them.
#include "plugins/database-document/value/key_decoding.h"

#include <gtest/gtest.h>

#include "plugins/database-document/execute/random_documents.h"

namespace nexadb::query {
namespace {

constexpr uint64_t kSeed = 7011;
constexpr int kDocuments = 4000;

bool HasAWayBack(const bson::Value& value) {
  switch (value.type()) {
    case bson::Type::kDouble: return value.Double() == value.Double();
    case bson::Type::kInt32:
    case bson::Type::kInt64:
    case bson::Type::kString:
    case bson::Type::kBinary:
    case bson::Type::kObjectId:
    case bson::Type::kBool:
    case bson::Type::kDate:
    case bson::Type::kTimestamp:
    case bson::Type::kMinKey:
    case bson::Type::kMaxKey: return true;
    default: return false;
  }
}

TEST(KeyDecoding, AValueComesBackAsItWas) {
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  RandomDocuments random(kSeed);
  int came_back = 0;
  for (int i = 0; i < kDocuments; ++i) {
    const std::string bytes = random.Document();
    for (const bson::Element& e : bson::Document(AsBytes(bytes))) {
      for (const KeyOrder order : {KeyOrder::kAscending, KeyOrder::kDescending}) {
        std::string key;
        AppendKey(e.value(), order, nullptr, &key);
        const size_t size = key.size();
        key += "\x20what follows";
        BytesView left = AsBytes(key);
        std::string out = "before";
        bson::Type type = bson::Type::kEnd;
        const KeyLoss loss = KeyLossOf(e.value());
        const Decoded decoded = DecodeKey(&left, order, loss, &type, &out);
        if (decoded == Decoded::kValue) {
          ++came_back;
          ASSERT_EQ(type, e.type());
          ASSERT_EQ(out, "before" + std::string(AsText(e.value().bytes())));
        } else {
          ASSERT_EQ(out, "before");
          ASSERT_EQ(decoded == Decoded::kNullish, e.type() == bson::Type::kNull);
          ASSERT_TRUE(loss == KeyLoss::kMore || !HasAWayBack(e.value()));
        }
        ASSERT_EQ(left.size(), decoded == Decoded::kUnknown ? key.size() : key.size() - size);
      }
    }
  }
  EXPECT_GT(came_back, kDocuments);
}

TEST(KeyDecoding, MinusZeroAndTextWithZerosAreKept) {
  const double minus_zero = -0.0;
  const bson::Value zero(bson::Type::kDouble, reinterpret_cast<const uint8_t*>(&minus_zero), 8);
  EXPECT_EQ(KeyLossOf(zero), KeyLoss::kMore);
  for (const std::string_view text :
       {std::string_view("a\0b", 3), std::string_view("\0", 1), std::string_view("\0\0\xff", 3),
        std::string_view("\xff\0", 2)}) {
    const std::string document = bson::Builder().Text("a", text).Finish();
    for (const KeyOrder order : {KeyOrder::kAscending, KeyOrder::kDescending}) {
      std::string key, out;
      AppendKey(bson::Document(AsBytes(document))["a"].value(), order, nullptr, &key);
      BytesView left = AsBytes(key);
      bson::Type type = bson::Type::kEnd;
      ASSERT_EQ(DecodeKey(&left, order, KeyLoss::kNothing, &type, &out), Decoded::kValue);
      EXPECT_EQ(left.size(), 0u);
      EXPECT_EQ(out.substr(4, text.size()), text);
    }
  }
}

TEST(KeyDecoding, DamagedBytesAreNoValueOrAnotherOne) {
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  RandomDocuments random(kSeed);
  for (int i = 0; i < kDocuments; ++i) {
    const std::string bytes = random.Document();
    for (const bson::Element& e : bson::Document(AsBytes(bytes))) {
      std::string key;
      AppendKey(e.value(), &key);
      key.resize(random.Below(key.size() + 1));
      if (!key.empty()) key[random.Below(key.size())] = static_cast<char>(random.Below(256));
      // The heap's end is where the bytes end, which sanitizers watch.
      const std::vector<uint8_t> damaged(key.begin(), key.end());
      BytesView left(damaged.data(), damaged.size());
      std::string out;
      bson::Type type = bson::Type::kEnd;
      const auto loss = static_cast<KeyLoss>(random.Below(4));
      if (DecodeKey(&left, KeyOrder::kAscending, loss, &type, &out) != Decoded::kValue) continue;
      ASSERT_LE(left.size(), damaged.size());
      bson::Builder whole;
      whole.Value("a", {type, reinterpret_cast<const uint8_t*>(out.data()), out.size()});
      const std::string document = whole.Finish();
      // Text is given as it stands there.
      const char* wrong = bson::Validate(AsBytes(document));
      ASSERT_TRUE(wrong == nullptr || wrong == std::string("string is not UTF-8")) << wrong;
    }
  }
}

}  // namespace
}  // namespace nexadb::query
