#include "plugins/api-rest/cursor_token.h"

#include <gtest/gtest.h>

#include "core/document/error.h"

namespace nexadb::rest {
namespace {

CursorKey KeyOf(uint8_t byte) {
  CursorKey key;
  key.fill(byte);
  return key;
}

CursorToken Token() {
  CursorToken token;
  token.kind = CursorKind::kKeyset;
  token.fingerprint = Fingerprint({"nexadb", "users", "filter"});
  token.payload = std::string("\x00position\xff", 10);
  return token;
}

TEST(CursorTokenTest, OpensWhatItSigned) {
  const CursorSigner signer(KeyOf(1));
  const std::string text = signer.Sign(Token());
  EXPECT_EQ(
      text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
      std::string::npos);
  Result<CursorToken> opened = signer.Open(text, Token().fingerprint);
  ASSERT_TRUE(opened.ok()) << opened.status().message();
  EXPECT_EQ(opened->kind, CursorKind::kKeyset);
  EXPECT_EQ(opened->payload, Token().payload);
}

TEST(CursorTokenTest, ASecondSignerWithTheSameKeyOpensIt) {
  const std::string text = CursorSigner(KeyOf(1)).Sign(Token());
  EXPECT_TRUE(CursorSigner(KeyOf(1)).Open(text, Token().fingerprint).ok());
  EXPECT_FALSE(CursorSigner(KeyOf(2)).Open(text, Token().fingerprint).ok());
}

TEST(CursorTokenTest, AnyChangedCharacterIsRefused) {
  const CursorSigner signer(KeyOf(1));
  const std::string text = signer.Sign(Token());
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    Result<CursorToken> opened = signer.Open(changed, Token().fingerprint);
    ASSERT_FALSE(opened.ok()) << i;
    EXPECT_TRUE(Is(opened.status(), ErrorId::kInvalidCursor)) << i;
  }
}

TEST(CursorTokenTest, AnotherQuerysCursorIsAMismatch) {
  const CursorSigner signer(KeyOf(1));
  Result<CursorToken> opened =
      signer.Open(signer.Sign(Token()), Fingerprint({"nexadb", "users", "other"}));
  ASSERT_FALSE(opened.ok());
  EXPECT_TRUE(Is(opened.status(), ErrorId::kCursorMismatch));
}

TEST(CursorTokenTest, RefusesTextThatIsNoToken) {
  const CursorSigner signer(KeyOf(1));
  for (const char* text :
       {"", "a", "abc", "!!!!", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}) {
    EXPECT_FALSE(signer.Open(text, 0).ok()) << text;
  }
}

TEST(CursorTokenTest, FingerprintsTellPartsApart) {
  EXPECT_NE(Fingerprint({"ab", "c"}), Fingerprint({"a", "bc"}));
  EXPECT_EQ(Fingerprint({"ab", "c"}), Fingerprint({"ab", "c"}));
}

TEST(Base64Test, EveryLengthComesBack) {
  for (size_t size = 0; size < 70; ++size) {
    std::string bytes;
    for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(i * 37 + size));
    std::string url;
    std::string plain;
    EXPECT_TRUE(DecodeBase64Url(EncodeBase64Url(bytes), url));
    EXPECT_TRUE(DecodeBase64(EncodeBase64(bytes), plain));
    EXPECT_EQ(url, bytes);
    EXPECT_EQ(plain, bytes);
  }
}

TEST(Base64Test, HasTheVectorsOfRfc4648) {
  EXPECT_EQ(EncodeBase64("f"), "Zg==");
  EXPECT_EQ(EncodeBase64("foobar"), "Zm9vYmFy");
  std::string out;
  EXPECT_FALSE(DecodeBase64("Zh==", out)) << "unused bits must be zero";
  EXPECT_FALSE(DecodeBase64("Zg=a", out));
}

}  // namespace
}  // namespace nexadb::rest
