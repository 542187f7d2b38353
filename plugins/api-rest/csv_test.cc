#include "plugins/api-rest/csv.h"

#include <gtest/gtest.h>

#include "core/document/error.h"
#include "plugins/api-rest/json_splitter.h"

namespace nexadb::rest {
namespace {

using Records = std::vector<CsvRecord>;

// Reads `text` in parts of `step` bytes.
Status ReadInParts(std::string_view text, size_t step, Records& records, uint64_t max = 1000) {
  CsvReader reader(max, [&](CsvRecord&& record) {
    records.push_back(std::move(record));
    return Status();
  });
  for (size_t at = 0; at < text.size(); at += step) {
    if (Status status = reader.Feed(text.substr(at, step)); !status.ok()) return status;
  }
  return reader.End();
}

TEST(CsvReaderTest, ReadsTheSameHoweverTheTextIsCut) {
  const std::string text =
      "\xEF\xBB\xBFname,quote,empty\r\n\"Smith, \"\"Bob\"\"\",\"line\nbreak\",\n\nlast,x,y";
  const Records expected = {
      {"name", "quote", "empty"}, {"Smith, \"Bob\"", "line\nbreak", ""}, {"last", "x", "y"}};
  for (size_t step = 1; step <= text.size(); ++step) {
    Records records;
    ASSERT_TRUE(ReadInParts(text, step, records).ok()) << step;
    EXPECT_EQ(records, expected) << step;
  }
}

TEST(CsvReaderTest, AQuotedEmptyFieldIsARecord) {
  Records records;
  ASSERT_TRUE(ReadInParts("\"\"\n", 3, records).ok());
  EXPECT_EQ(records, Records{{""}});
}

TEST(CsvReaderTest, RefusesWhatRfc4180DoesNotAllow) {
  for (const char* text : {"a\"b\n", "\"a\"b\n", "\"a", "a\rb"}) {
    Records records;
    Status status = ReadInParts(text, 1, records);
    ASSERT_FALSE(status.ok()) << text;
    EXPECT_TRUE(Is(status, ErrorId::kInvalidCsv)) << text;
  }
}

TEST(CsvReaderTest, ARecordHasALimit) {
  Records records;
  EXPECT_TRUE(ReadInParts("12345678\n9", 3, records, 9).ok());
  Status status = ReadInParts("123456789\n", 3, records, 9);
  ASSERT_FALSE(status.ok());
  EXPECT_TRUE(Is(status, ErrorId::kLineTooLong));
}

TEST(CsvFieldTest, WhatIsWrittenReadsAsItself) {
  for (const char* field : {"", "plain", "a,b", "a\"b", "a\nb", " lead", "trail ", "\r"}) {
    std::string line;
    AppendCsvField(line, "x");
    line += ",";
    AppendCsvField(line, field);
    line += "\r\n";
    Records records;
    ASSERT_TRUE(ReadInParts(line, 1, records).ok()) << field;
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0][1], field);
  }
}

Status Split(std::string_view text, size_t step, std::vector<std::string>& out,
             uint64_t max = 1000) {
  JsonSplitter splitter(max, [&](std::string_view element) {
    out.emplace_back(element);
    return Status();
  });
  for (size_t at = 0; at < text.size(); at += step) {
    if (Status status = splitter.Feed(text.substr(at, step)); !status.ok()) return status;
  }
  return splitter.End();
}

TEST(JsonSplitterTest, CutsTheSameHoweverTheTextIsCut) {
  const std::string text = " [ {\"a\": \"],\\\"[\"} ,\n{\"b\": [1, {\"c\": 2}]}, 3 ] \n";
  const std::vector<std::string> expected = {"{\"a\": \"],\\\"[\"}", "{\"b\": [1, {\"c\": 2}]}",
                                             "3"};
  for (size_t step = 1; step <= text.size(); ++step) {
    std::vector<std::string> elements;
    ASSERT_TRUE(Split(text, step, elements).ok()) << step;
    EXPECT_EQ(elements, expected) << step;
  }
}

TEST(JsonSplitterTest, AnEmptyArrayHasNoElements) {
  std::vector<std::string> elements;
  EXPECT_TRUE(Split("[ ]", 1, elements).ok());
  EXPECT_TRUE(elements.empty());
}

TEST(JsonSplitterTest, RefusesWhatIsNoWholeArray) {
  for (const char* text : {"", "{}", "[", "[1", "[1,]", "[,1]", "[1]x", "[\"a]", "[{]"}) {
    std::vector<std::string> elements;
    Status status = Split(text, 2, elements);
    ASSERT_FALSE(status.ok()) << text;
    EXPECT_TRUE(Is(status, ErrorId::kInvalidJson)) << text;
  }
}

TEST(JsonSplitterTest, AnElementHasALimit) {
  std::vector<std::string> elements;
  EXPECT_TRUE(Split("[12345]", 1, elements, 5).ok());
  EXPECT_TRUE(Is(Split("[123456]", 1, elements, 5), ErrorId::kLineTooLong));
}

}  // namespace
}  // namespace nexadb::rest
