#include "core/document/limits.h"

#include <gtest/gtest.h>

#include <set>

#include "core/document/error.h"

namespace nexadb {
namespace {

std::string Nested(int64_t levels) {
  bson::Builder b;
  for (int64_t i = 1; i < levels; ++i) b.OpenObject("a");
  for (int64_t i = 1; i < levels; ++i) b.Close();
  return b.Finish();
}

std::string WithFields(int64_t count) {
  bson::Builder b;
  for (int64_t i = 0; i < count; ++i) b.Null(std::to_string(i));
  return b.Finish();
}

std::string OfBytes(int64_t bytes) {
  const size_t around = bson::Builder().Text("t", "").Finish().size();
  return bson::Builder().Text("t", std::string(static_cast<size_t>(bytes) - around, 'x')).Finish();
}

Status Check(const std::string& bytes) {
  return CheckDocumentLimits(bson::Document(AsBytes(bytes)));
}

TEST(DocumentLimits, HoldAtTheirEdges) {
  EXPECT_TRUE(Check(Nested(kDocumentNestingMax)).ok());
  EXPECT_TRUE(Is(Check(Nested(kDocumentNestingMax + 1)), ErrorId::kTooDeep));
  EXPECT_TRUE(Check(WithFields(kDocumentFieldsMax)).ok());
  EXPECT_TRUE(Is(Check(WithFields(kDocumentFieldsMax + 1)), ErrorId::kTooManyFields));
  EXPECT_TRUE(Check(OfBytes(kDocumentBytesMax)).ok());
  EXPECT_TRUE(Is(Check(OfBytes(kDocumentBytesMax + 1)), ErrorId::kDocumentTooLarge));
}

TEST(DocumentLimits, ElementsOfArraysAreNoFields) {
  bson::Builder b;
  b.OpenArray("v");
  for (int64_t i = 0; i < kDocumentFieldsMax + 5; ++i) b.Null(std::to_string(i));
  b.Close();
  EXPECT_TRUE(Check(b.Finish()).ok());
}

TEST(CollectionNames, HoldAtTheirEdges) {
  const auto longest = static_cast<size_t>(kCollectionNameMax);
  EXPECT_TRUE(CheckCollectionName("a").ok());
  EXPECT_TRUE(CheckCollectionName("Logs_2024.q-1").ok());
  EXPECT_TRUE(CheckCollectionName(std::string(longest, 'a')).ok());
  EXPECT_TRUE(Is(CheckCollectionName(std::string(longest + 1, 'a')), ErrorId::kInvalidName));
  for (const char* name : {"1a", "a b", "é", "-", "na\u00efve names & more"}) {
    EXPECT_TRUE(CheckCollectionName(name).ok()) << name;
  }
  std::string characters;
  for (size_t i = 0; i < longest; ++i) characters += "é";
  EXPECT_TRUE(CheckCollectionName(characters).ok());
  EXPECT_TRUE(Is(CheckCollectionName(characters + "é"), ErrorId::kInvalidName));
  for (const char* name :
       {"", "_a", "a/b", "a$", "..", ".a", "a\nb", "a\x7f", "a\u0085", "a\xff"}) {
    EXPECT_TRUE(Is(CheckCollectionName(name), ErrorId::kInvalidName)) << name;
  }
}

TEST(Limits, EachHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (const LimitInfo& limit : kLimits) {
    EXPECT_TRUE(names.insert(limit.name).second) << limit.name;
    EXPECT_GT(limit.value, 0) << limit.name;
  }
}

}  // namespace
}  // namespace nexadb
