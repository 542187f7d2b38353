#include <gtest/gtest.h>

#include "core/document/error.h"
#include "core/document/json.h"

namespace nexadb {
namespace {

struct Collected {
  std::vector<std::string> documents;
  DocumentSink Sink() {
    return [this](uint64_t index, bson::Document d) {
      EXPECT_EQ(index, documents.size());
      documents.push_back(BsonToJson(d, JsonMode::kRelaxed));
      return Status::Ok();
    };
  }
};

TEST(NdjsonReader, AnyCutGivesTheSameDocuments) {
  const std::string text = "{\"a\":1}\r\n\n  \n{\"b\":\"é\"}\n{\"c\":3}";
  const std::vector<std::string> expected = {R"({"a":1})", "{\"b\":\"é\"}", R"({"c":3})"};
  for (size_t part = 1; part <= text.size(); ++part) {
    Collected seen;
    NdjsonReader reader(seen.Sink());
    for (size_t at = 0; at < text.size(); at += part) {
      ASSERT_TRUE(reader.Feed(std::string_view(text).substr(at, part)).ok());
    }
    ASSERT_TRUE(reader.Finish().ok());
    EXPECT_EQ(seen.documents, expected) << part;
    EXPECT_EQ(reader.documents(), 3u);
  }
}

TEST(NdjsonReader, ErrorsCarryTheLineOfTheStreamAndStay) {
  Collected seen;
  NdjsonReader reader(seen.Sink());
  ASSERT_TRUE(reader.Feed("{}\n\n").ok());
  const Status s = reader.Feed("{\"a\":}\n{}\n");
  EXPECT_TRUE(Is(s, ErrorId::kInvalidJson));
  EXPECT_EQ(bson::Document(s.detail())["line"].value().Int64(), 3);
  EXPECT_EQ(s.message().substr(0, 16), "line 3, column 6");
  EXPECT_TRUE(Is(reader.Feed("{}\n"), ErrorId::kInvalidJson));
  EXPECT_TRUE(Is(reader.Finish(), ErrorId::kInvalidJson));
  EXPECT_EQ(seen.documents.size(), 1u);
}

TEST(NdjsonReader, LinesHoldAtTheirEdge) {
  Collected seen;
  NdjsonReader fits(seen.Sink(), {}, 8);
  EXPECT_TRUE(fits.Feed("{\"a\":12}\n").ok());
  NdjsonReader longer(seen.Sink(), {}, 8);
  EXPECT_TRUE(Is(longer.Feed("{\"a\":123}\n"), ErrorId::kLineTooLong));
  NdjsonReader endless(seen.Sink(), {}, 8);
  EXPECT_TRUE(endless.Feed("{\"a\":12").ok());
  EXPECT_TRUE(Is(endless.Feed("3456"), ErrorId::kLineTooLong)) << "before its end has arrived";
}

TEST(NdjsonReader, TheSinksFailureEndsTheReading) {
  int calls = 0;
  NdjsonReader reader([&](uint64_t, bson::Document) {
    ++calls;
    return MakeError(ErrorId::kDuplicateKey, "twice");
  });
  EXPECT_TRUE(Is(reader.Feed("{}\n{}\n"), ErrorId::kDuplicateKey));
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace nexadb
