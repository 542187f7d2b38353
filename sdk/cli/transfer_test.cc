#include "sdk/cli/transfer.h"

#include <gtest/gtest.h>

#include <sstream>

namespace nexadb::cli {
namespace {

std::vector<std::string> Read(const std::string& text, Format format) {
  std::istringstream in(text);
  std::vector<std::string> documents;
  ReadDocuments(in, format, [&](std::string d) { documents.push_back(std::move(d)); });
  return documents;
}

using Documents = std::vector<std::string>;

TEST(Transfer, NdjsonIsADocumentALine) {
  EXPECT_EQ(Read("{\"a\":1}\n\n{\"a\":2}", Format::kNdjson), (Documents{"{\"a\":1}", "{\"a\":2}"}));
}

TEST(Transfer, AJsonArrayIsCutAtItsOuterBraces) {
  EXPECT_EQ(Read("[ {\"a\":{\"b\":\"}\\\"\"}},\n {\"c\":[1,2]} ]", Format::kAuto),
            (Documents{"{\"a\":{\"b\":\"}\\\"\"}}", "{\"c\":[1,2]}"}));
  EXPECT_TRUE(Read("[]", Format::kJson).empty());
}

TEST(Transfer, CsvCellsBecomeNumbersWordsOrTexts) {
  EXPECT_EQ(Read("name,age,zip,ok\r\n\"O\"\"Neil, A\",36,00123,true\nB,-1.5,,null\n", Format::kCsv),
            (Documents{R"({"name":"O\"Neil, A","age":36,"zip":"00123","ok":true})",
                       R"({"name":"B","age":-1.5,"ok":null})"}));
  EXPECT_EQ(Read("t\n\"two\nlines\"\n1.2.3\n-\n", Format::kCsv),
            (Documents{R"({"t":"two\nlines"})", R"({"t":"1.2.3"})", R"({"t":"-"})"}));
}

TEST(Transfer, MalformedFilesNameTheLine) {
  auto message = [](const std::string& text, Format format) -> std::string {
    try {
      Read(text, format);
    } catch (const client::Error& error) {
      return error.what();
    }
    return "read";
  };
  EXPECT_EQ(message("a,b\n1,2\n1,2,3\n", Format::kCsv), "line 3: 3 cells under 2 names");
  EXPECT_EQ(message("a\n\"x", Format::kCsv), "line 2: a quoted cell does not end");
  EXPECT_EQ(message("[\n{\"a\":1},\n5]", Format::kJson), "line 3: expected an object, found '5'");
  EXPECT_EQ(message("[{\"a\":1", Format::kJson), "line 1: the file ends within a document");
}

TEST(Output, PartsOfAnAnswerAreFoundWithoutADocumentTree) {
  const std::string answer =
      R"({"status":"ok","documents":[{"a":"],}"},{"b":[1,{"c":2}]}],"n":null})";
  EXPECT_EQ(Elements(answer, "documents"), (Documents{R"({"a":"],}"})", R"({"b":[1,{"c":2}]})"}));
  EXPECT_EQ(MemberText(answer, "status"), "ok");
  EXPECT_EQ(Member(answer, "n"), "null");
  EXPECT_EQ(Member(answer, "absent"), "");
  EXPECT_EQ(Layout("{ \"big\" : 12345678901234567890.125 }", Style::kCompact),
            "{\"big\":12345678901234567890.125}");
}

}  // namespace
}  // namespace nexadb::cli
