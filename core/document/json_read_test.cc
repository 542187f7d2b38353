#include <gtest/gtest.h>

#include <limits>

#include "core/document/error.h"
#include "core/document/json.h"

namespace nexadb {
namespace {

using bson::Type;

// The document, in canonical form; or the error's name.
std::string Canonical(std::string_view json, const JsonOptions& options = {}) {
  Result<std::string> bson = JsonToBson(json, options);
  if (!bson.ok()) return std::string(ErrorOf(bson.status()).name);
  EXPECT_EQ(bson::Validate(AsBytes(*bson)), nullptr) << json;
  return BsonToJson(bson::Document(AsBytes(*bson)), JsonMode::kCanonical);
}

struct Place {
  std::string pointer;
  int64_t line;
  int32_t column;
  friend bool operator==(const Place&, const Place&) = default;
  friend void PrintTo(const Place& p, std::ostream* out) {
    *out << p.pointer << " " << p.line << ":" << p.column;
  }
};

Place ErrorPlace(std::string_view json, const JsonOptions& options = {}) {
  Result<std::string> bson = JsonToBson(json, options);
  EXPECT_FALSE(bson.ok()) << json;
  const bson::Document detail(bson.status().detail());
  return {std::string(detail["pointer"].value().Text()), detail["line"].value().Int64(),
          detail["column"].value().Int32()};
}

Type TypeOf(std::string_view number) {
  Result<JsonValue> v = ParseJsonValue(number);
  EXPECT_TRUE(v.ok()) << number;
  return v->value().type();
}

TEST(JsonToBson, IntegersTakeTheNarrowestTypeThatHoldsThem) {
  EXPECT_EQ(TypeOf("0"), Type::kInt32);
  EXPECT_EQ(TypeOf("2147483647"), Type::kInt32);
  EXPECT_EQ(TypeOf("-2147483648"), Type::kInt32);
  EXPECT_EQ(TypeOf("2147483648"), Type::kInt64);
  EXPECT_EQ(TypeOf("9223372036854775807"), Type::kInt64);
  EXPECT_EQ(TypeOf("-9223372036854775808"), Type::kInt64);
  EXPECT_EQ(TypeOf("9223372036854775808"), Type::kDouble);
  EXPECT_EQ(TypeOf("100000000000000000000"), Type::kDouble);
  EXPECT_EQ(TypeOf("1.0"), Type::kDouble);
  EXPECT_EQ(TypeOf("1e2"), Type::kDouble);
}

TEST(JsonToBson, IntegersThatNothingHoldsAreRefused) {
  for (const char* number : {"9223372036854775809", "-9223372036854775809", "18446744073709551615",
                             "123456789012345678901234567890"}) {
    EXPECT_TRUE(Is(ParseJsonValue(number).status(), ErrorId::kInvalidJson)) << number;
  }
}

TEST(JsonToBson, DoublesAreReadToTheLastBit) {
  const std::pair<const char*, double> kCases[] = {
      {"0.1", 0.1},
      {"1.7976931348623157e308", std::numeric_limits<double>::max()},
      {"2.2250738585072011e-308", 2.2250738585072011e-308},
      {"5e-324", std::numeric_limits<double>::denorm_min()},
      {"9007199254740993.0", 9007199254740992.0},
      {"1e-400", 0.0},
      {"-1e-99999999999", -0.0},
      {"123456789012345680000", 123456789012345680000.0},
  };
  for (const auto& [text, value] : kCases) {
    Result<JsonValue> v = ParseJsonValue(text);
    ASSERT_TRUE(v.ok()) << text;
    EXPECT_EQ(v->value().Double(), value) << text;
  }
  EXPECT_EQ(Canonical(R"({"a":1e309})"), "invalid_json");
  EXPECT_EQ(Canonical(R"({"a":-1e99999999999})"), "invalid_json");
}

TEST(JsonToBson, EveryWrapperIsRead) {
  const std::pair<const char*, const char*> kCases[] = {
      {R"({"$oid":"0123456789abcdef01234567"})", R"({"$oid":"0123456789abcdef01234567"})"},
      {R"({"$date":"2024-02-29T12:00:00Z"})", R"({"$date":{"$numberLong":"1709208000000"}})"},
      {R"({"$date":"1969-12-31T23:59:59.999+00:00"})", R"({"$date":{"$numberLong":"-1"}})"},
      {R"({"$date":"2024-01-01T02:30:00+0230"})", R"({"$date":{"$numberLong":"1704067200000"}})"},
      {R"({"$date":{"$numberLong":"-5"}})", R"({"$date":{"$numberLong":"-5"}})"},
      {R"({"$date":12})", R"({"$date":{"$numberLong":"12"}})"},
      {R"({"$numberInt":"-7"})", R"({"$numberInt":"-7"})"},
      {R"({"$numberLong":"5"})", R"({"$numberLong":"5"})"},
      {R"({"$numberDouble":"1"})", R"({"$numberDouble":"1.0"})"},
      {R"({"$numberDouble":"NaN"})", R"({"$numberDouble":"NaN"})"},
      {R"({"$numberDouble":"-Infinity"})", R"({"$numberDouble":"-Infinity"})"},
      {R"({"$numberDecimal":"1.10"})", R"({"$numberDecimal":"1.10"})"},
      {R"({"$binary":{"base64":"AQID","subType":"80"}})",
       R"({"$binary":{"base64":"AQID","subType":"80"}})"},
      {R"({"$binary":"AQ==","$type":"0"})", R"({"$binary":{"base64":"AQ==","subType":"00"}})"},
      {R"({"$uuid":"00112233-4455-6677-8899-aabbccddeeff"})",
       R"({"$binary":{"base64":"ABEiM0RVZneImaq7zN3u/w==","subType":"04"}})"},
      {R"({"$regularExpression":{"pattern":"^a","options":"mi"}})",
       R"({"$regularExpression":{"pattern":"^a","options":"im"}})"},
      {R"({"$timestamp":{"t":4294967295,"i":1}})", R"({"$timestamp":{"t":4294967295,"i":1}})"},
      {R"({"$minKey":1})", R"({"$minKey":1})"},
      {R"({"$maxKey":1})", R"({"$maxKey":1})"},
      {R"({"$undefined":true})", R"({"$undefined":true})"},
      {R"({"$symbol":"s"})", R"({"$symbol":"s"})"},
      {R"({"$code":"f"})", R"({"$code":"f"})"},
      {R"({"$code":"f","$scope":{"x":{"$numberInt":"1"}}})",
       R"({"$code":"f","$scope":{"x":{"$numberInt":"1"}}})"},
      {R"({"$dbPointer":{"$ref":"c","$id":{"$oid":"0123456789abcdef01234567"}}})",
       R"({"$dbPointer":{"$ref":"c","$id":{"$oid":"0123456789abcdef01234567"}}})"},
      // Operators and references are ordinary objects.
      {R"({"$gte":"x"})", R"({"$gte":"x"})"},
      {R"({"$regex":"a","$options":"i"})", R"({"$regex":"a","$options":"i"})"},
      {R"({"$ref":"c","$id":"x","$db":"d"})", R"({"$ref":"c","$id":"x","$db":"d"})"},
      {R"({"x":"a","$oid":"b"})", R"({"x":"a","$oid":"b"})"},
  };
  for (const auto& [in, out] : kCases) {
    const std::string v = in;
    EXPECT_EQ(Canonical("{\"v\":" + v + "}"), std::string("{\"v\":") + out + "}");
    EXPECT_EQ(Canonical("{\"v\":[\"s\"," + v + "]}"), std::string("{\"v\":[\"s\",") + out + "]}");
    Result<JsonValue> alone = ParseJsonValue(in);
    ASSERT_TRUE(alone.ok()) << in;
    std::string written;
    AppendJson(written, alone->value(), JsonMode::kCanonical);
    EXPECT_EQ(written, out);
  }
}

TEST(JsonToBson, MalformedWrappersAreRefused) {
  for (const char* v : {R"({"$oid":"xyz"})",
                        R"({"$oid":5})",
                        R"({"$oid":"0123456789abcdef01234567","a":1})",
                        R"({"$date":"yesterday"})",
                        R"({"$date":"2023-02-29T00:00:00Z"})",
                        R"({"$date":1.5})",
                        R"({"$date":"2024-01-01T00:00:00"})",
                        R"({"$numberInt":"2147483648"})",
                        R"({"$numberInt":"1.5"})",
                        R"({"$numberLong":"9223372036854775808"})",
                        R"({"$numberLong":""})",
                        R"({"$numberDouble":"inf"})",
                        R"({"$numberDouble":"nan"})",
                        R"({"$numberDouble":"1e999"})",
                        R"({"$numberDecimal":"abc"})",
                        R"({"$binary":{"base64":"A","subType":"00"}})",
                        R"({"$binary":{"base64":"AQID"}})",
                        R"({"$binary":{"base64":"AQID","subType":"100"}})",
                        R"({"$binary":"AQID"})",
                        R"({"$uuid":"0011"})",
                        R"({"$regularExpression":{"pattern":"a"}})",
                        R"({"$regularExpression":{"pattern":"a\u0000","options":""}})",
                        R"({"$timestamp":{"t":-1,"i":0}})",
                        R"({"$timestamp":{"t":4294967296,"i":0}})",
                        R"({"$minKey":2})",
                        R"({"$undefined":false})",
                        R"({"$symbol":1})",
                        R"({"$code":1})",
                        R"({"$code":"","$scope":1})",
                        R"({"$dbPointer":{"$ref":"a","$id":"b"}})"}) {
    EXPECT_EQ(Canonical(std::string("{\"v\":") + v + "}"), "invalid_extended_json") << v;
  }
}

TEST(JsonToBson, PlainDialectKnowsNoWrappers) {
  const JsonOptions plain{.dialect = JsonDialect::kPlain};
  EXPECT_EQ(Canonical(R"({"v":{"$oid":"xyz"}})", plain), R"({"v":{"$oid":"xyz"}})");
}

TEST(JsonToBson, ADocumentIsNeverAWrapperItself) {
  EXPECT_EQ(Canonical(R"({"$oid":"xyz"})"), R"({"$oid":"xyz"})");
}

TEST(JsonToBson, NestingHoldsAtItsEdgeAndBombsAreRefused) {
  auto nested = [](size_t levels) {
    return "{\"a\":" + std::string(levels - 1, '[') + std::string(levels - 1, ']') + "}";
  };
  EXPECT_NE(Canonical(nested(200)), "too_deep");
  EXPECT_EQ(Canonical(nested(201)), "too_deep");
  EXPECT_EQ(Canonical("{\"a\":" + std::string(1'000'000, '[')), "too_deep");
  std::string objects;
  for (int i = 0; i < 200'000; ++i) objects += "{\"a\":";
  EXPECT_EQ(Canonical(objects), "too_deep");
  EXPECT_NE(Canonical(nested(220), kEnvelopeJson), "too_deep");
}

TEST(JsonToBson, FieldsAndBytesHoldAtTheirEdges) {
  const JsonOptions three{.fields_max = 3};
  EXPECT_NE(Canonical(R"({"a":1,"b":{"c":[1,2,3,4]}})", three), "too_many_fields");
  EXPECT_EQ(Canonical(R"({"a":1,"b":{"c":[1],"d":2}})", three), "too_many_fields");
  const JsonOptions small{.bson_bytes_max = 32};
  // 32 = 5 around, 1 type, 2 name, 4 length, 19 letters, 1 terminator.
  EXPECT_NE(Canonical("{\"a\":\"" + std::string(19, 'x') + "\"}", small), "document_too_large");
  EXPECT_EQ(Canonical("{\"a\":\"" + std::string(20, 'x') + "\"}", small), "document_too_large");
}

TEST(JsonToBson, AMemberThatStandsTwiceIsRefusedInSmallAndLargeObjects) {
  EXPECT_EQ(Canonical(R"({"a":1,"b":2,"a":3})"), "duplicate_member");
  EXPECT_EQ(Canonical(R"({"a":1,"\u0061":3})"), "duplicate_member");
  EXPECT_EQ(Canonical(R"({"a":{"b":1},"b":{"a":1}})"),
            R"({"a":{"b":{"$numberInt":"1"}},"b":{"a":{"$numberInt":"1"}}})");
  for (int count : {32, 33, 34, 5000}) {
    std::string json = "{\"o\":{";
    for (int i = 0; i < count; ++i) json += "\"f" + std::to_string(i) + "\":" + "0,";
    EXPECT_NE(Canonical(json + "\"other\":1}}"), "duplicate_member") << count;
    Result<std::string> twice = JsonToBson(json + "\"f7\":1}}");
    ASSERT_FALSE(twice.ok()) << count;
    EXPECT_TRUE(Is(twice.status(), ErrorId::kDuplicateMember)) << count;
    EXPECT_EQ(bson::Document(twice.status().detail())["pointer"].value().Text(), "/o/f7") << count;
  }
}

TEST(JsonToBson, ErrorsSayWhere) {
  EXPECT_EQ(ErrorPlace("{\"a\": tru}"), (Place{"/a", 1, 10}));
  EXPECT_EQ(ErrorPlace("{\n  \"a\": 1,\n  \"b\": [1, 2,, 3]\n}"), (Place{"/b/1", 3, 14}));
  EXPECT_EQ(ErrorPlace("{\"é\": \"ü\" x}"), (Place{"/é", 1, 11}));
  EXPECT_EQ(ErrorPlace("{\"a/b~c\": [{\"d\": }]}"), (Place{"/a~1b~0c/0/d", 1, 18}));
  EXPECT_EQ(ErrorPlace("{\"a\":{\"b\":{\"$oid\":\"q\"}}}").pointer, "/a/b/$oid");
  EXPECT_EQ(ErrorPlace(""), (Place{"", 1, 1}));
}

TEST(JsonToBson, ExcerptsAreShortAndWhole) {
  const std::string wide(500, 'x');
  Result<std::string> bson = JsonToBson("{\"" + wide + "\": @, \"" + wide + "\": 1}");
  ASSERT_FALSE(bson.ok());
  const std::string_view excerpt = bson::Document(bson.status().detail())["excerpt"].value().Text();
  EXPECT_LE(excerpt.size(), 40u);
  EXPECT_NE(excerpt.find('@'), std::string_view::npos);
}

TEST(JsonToBson, TextsThatAreNotJsonAreRefused) {
  for (std::string_view json : {std::string_view("{"),
                                std::string_view("{\"a\"}"),
                                std::string_view("{\"a\":1,}"),
                                std::string_view("{'a':1}"),
                                std::string_view("{a:1}"),
                                std::string_view("{\"a\":NaN}"),
                                std::string_view("{\"a\":Infinity}"),
                                std::string_view("{\"a\":-Infinity}"),
                                std::string_view("{\"a\":+1}"),
                                std::string_view("{\"a\":01}"),
                                std::string_view("{\"a\":1.}"),
                                std::string_view("{\"a\":.5}"),
                                std::string_view("{\"a\":0x1}"),
                                std::string_view("{\"a\":1}}"),
                                std::string_view("{\"a\":1} {}"),
                                std::string_view("{\"a\":\"\t\"}"),
                                std::string_view("{\"a\":\"\\x\"}"),
                                std::string_view("{\"a\":\"\\ud800\"}"),
                                std::string_view("{\"a\":\"\\udc00\"}"),
                                std::string_view("{\"\\udc00\":1}"),
                                std::string_view("{\"a\":\"\\ud800\\u0041\"}"),
                                std::string_view("{\"a\\u0000\":1}"),
                                std::string_view("{\"a\":\"\xFF\"}"),
                                std::string_view("{\"a\":\"\xC0\x80\"}"),
                                std::string_view("{\"a\":\"\xED\xA0\x80\"}"),
                                std::string_view("{\"a\":\"\xF5\x80\x80\x80\"}"),
                                std::string_view("{}\0", 3),
                                std::string_view("{}\0{}", 5),
                                std::string_view("\0", 1),
                                std::string_view("{\"a\0b\":1}", 9),
                                std::string_view("// x\n{}"),
                                std::string_view("\xEF\xBB"),
                                std::string_view("{\"a\":\"")}) {
    EXPECT_EQ(Canonical(json), "invalid_json") << json;
  }
  EXPECT_EQ(Canonical("[]"), "not_an_object");
  EXPECT_EQ(Canonical("5"), "not_an_object");
  EXPECT_EQ(Canonical("null"), "not_an_object");
}

TEST(JsonToBson, NaughtyButLegalTextsAreRead) {
  EXPECT_EQ(Canonical(" \t\r\n{ } \n"), "{}");
  EXPECT_EQ(Canonical("\xEF\xBB\xBF{}"), "{}");
  EXPECT_EQ(Canonical(R"({"":""})"), R"({"":""})");
  EXPECT_EQ(Canonical(R"({"a":"\u0000"})"), R"({"a":"\u0000"})");
  EXPECT_EQ(Canonical(R"({"a":"\ud83d\ude00"})"), "{\"a\":\"\xF0\x9F\x98\x80\"}");
  EXPECT_EQ(Canonical("{\"\xE2\x80\xAE\":\"\x7F\"}"), "{\"\xE2\x80\xAE\":\"\x7F\"}");
  EXPECT_EQ(Canonical(R"({"__proto__":null,"a.b":true,"$x":false})"),
            R"({"__proto__":null,"a.b":true,"$x":false})");
}

TEST(JsonArrayToBson, HandsOutEachDocumentAndStopsWhereTheSinkDoes) {
  std::vector<std::string> seen;
  auto collect = [&](uint64_t index, bson::Document d) {
    EXPECT_EQ(index, seen.size());
    seen.push_back(BsonToJson(d, JsonMode::kRelaxed));
    return seen.size() == 3 ? MakeError(ErrorId::kBusy, "enough") : Status::Ok();
  };
  ASSERT_TRUE(JsonArrayToBson(R"([ {"a":1}, {"$oid":"x"} ])", collect).ok());
  EXPECT_EQ(seen, (std::vector<std::string>{R"({"a":1})", R"({"$oid":"x"})"}));
  seen.clear();
  EXPECT_TRUE(Is(JsonArrayToBson(R"([{},{},{},{}])", collect), ErrorId::kBusy));
  EXPECT_EQ(seen.size(), 3u);
}

TEST(JsonArrayToBson, LimitsHoldForEachDocumentAndPointersBeginWithItsIndex) {
  auto ignore = [](uint64_t, bson::Document) { return Status::Ok(); };
  const JsonOptions two{.nesting_max = 2, .fields_max = 2};
  EXPECT_TRUE(JsonArrayToBson(R"([{"a":1,"b":{}},{"a":1,"b":{}}])", ignore, two).ok());
  const Status s = JsonArrayToBson(R"([{"a":1},{"x":[{"y":1}]}])", ignore, two);
  EXPECT_TRUE(Is(s, ErrorId::kTooDeep));
  EXPECT_EQ(bson::Document(s.detail())["pointer"].value().Text(), "/1/x/0");
  const Status scalar = JsonArrayToBson(R"([{},7])", ignore);
  EXPECT_TRUE(Is(scalar, ErrorId::kNotAnObject));
  EXPECT_EQ(bson::Document(scalar.detail())["pointer"].value().Text(), "/1");
  EXPECT_TRUE(Is(JsonArrayToBson(R"({})", ignore), ErrorId::kNotAnArray));
  EXPECT_TRUE(Is(JsonArrayToBson(R"([[]])", ignore), ErrorId::kNotAnObject));
  EXPECT_TRUE(JsonArrayToBson("[]", ignore).ok());
}

}  // namespace
}  // namespace nexadb
