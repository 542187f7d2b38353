#include "plugins/api-rest/gzip.h"

#include <gtest/gtest.h>

#include "core/document/error.h"

namespace nexadb::rest {
namespace {

std::string Zip(std::string_view text) {
  GzipWriter writer;
  auto head = writer.Add(text);
  auto tail = writer.Finish();
  EXPECT_TRUE(head.ok() && tail.ok());
  return *head + *tail;
}

// What comes of `zipped`, handed over in parts of `step` bytes.
Result<std::string> Unzip(std::string_view zipped, size_t step) {
  GzipReader reader;
  std::string out;
  for (size_t at = 0; at < zipped.size(); at += step) {
    Status status = reader.Feed(zipped.substr(at, step), [&](std::string_view part) -> Status {
      out += part;
      return {};
    });
    if (!status.ok()) return status;
  }
  if (Status status = reader.Finish(); !status.ok()) return status;
  return out;
}

std::string Sample() {
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += "line " + std::to_string(i * 7919) + "\n";
  return text;
}

TEST(GzipTest, WhatIsWrittenIsReadInPartsOfAnySize) {
  const std::string text = Sample();
  const std::string zipped = Zip(text);
  EXPECT_LT(zipped.size(), text.size() / 2);
  for (const size_t step : {size_t{1}, size_t{7}, size_t{4096}, zipped.size()}) {
    auto read = Unzip(zipped, step);
    ASSERT_TRUE(read.ok()) << step;
    EXPECT_EQ(*read, text) << step;
  }
  EXPECT_EQ(*Unzip(Zip(""), 1), "");
}

TEST(GzipTest, MembersThatFollowOneAnotherAreOneBody) {
  EXPECT_EQ(*Unzip(Zip("one ") + Zip("two"), 3), "one two");
}

TEST(GzipTest, ABodyThatIsCutOrDamagedIsRefused) {
  const std::string zipped = Zip(Sample());
  for (const size_t cut : {size_t{0}, size_t{5}, zipped.size() / 2, zipped.size() - 1}) {
    EXPECT_FALSE(Unzip(std::string_view(zipped).substr(0, cut), 4096).ok()) << cut;
  }
  std::string damaged = zipped;
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
  EXPECT_FALSE(Unzip(damaged, 4096).ok());
  EXPECT_FALSE(Unzip("this is no gzip at all", 4096).ok());
}

TEST(GzipTest, ABodyThatGrowsTooFarIsStopped) {
  const std::string zipped = Zip(std::string(64 << 20, 'a'));
  GzipReader reader;
  uint64_t made = 0;
  const Status status = reader.Feed(zipped, [&](std::string_view part) -> Status {
    made += part.size();
    return {};
  });
  EXPECT_TRUE(Is(status, ErrorId::kBodyTooLarge));
  EXPECT_LT(made, uint64_t{64} << 20);
}

TEST(GzipTest, AFailingSinkEndsTheReading) {
  GzipReader reader;
  const Status status = reader.Feed(
      Zip(Sample()), [](std::string_view) { return Status::Error(Code::kConflict, "no more"); });
  EXPECT_EQ(status.code(), Code::kConflict);
}

}  // namespace
}  // namespace nexadb::rest
