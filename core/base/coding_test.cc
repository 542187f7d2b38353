#include "core/base/coding.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/base/checksum.h"
#include "core/base/prng.h"

namespace nexadb::base {
namespace {

TEST(Coding, FixedNumbersHaveOneForm) {
  std::string out;
  PutLittle<uint16_t>(out, 0x0102);
  PutLittle<uint32_t>(out, 0x03040506);
  PutBig<uint16_t>(out, 0x0102);
  PutBig<uint64_t>(out, 0x0102030405060708);
  EXPECT_EQ(out, std::string("\x02\x01\x06\x05\x04\x03\x01\x02\x01\x02\x03\x04\x05\x06\x07\x08"));
}

TEST(Coding, EveryNumberComesBack) {
  const uint64_t seed = 7;
  Prng prng(seed);
  for (int i = 0; i < 10'000; ++i) {
    uint64_t v = prng.Next() >> prng.Below(64);
    std::vector<uint8_t> out;
    PutVarint(out, v);
    ASSERT_EQ(out.size(), VarintBytes(v)) << v;
    PutBig(out, v);
    PutLittle(out, static_cast<uint32_t>(v));
    ByteReader reader(out);
    uint64_t a = 0, b = 0;
    uint32_t c = 0;
    ASSERT_TRUE(reader.ReadVarint(&a) && reader.ReadBig(&b) && reader.ReadLittle(&c));
    ASSERT_TRUE(a == v && b == v && c == static_cast<uint32_t>(v)) << v;
    ASSERT_TRUE(reader.empty());
    auto s = static_cast<int64_t>(v);
    ASSERT_EQ(UnZigZag(ZigZag(s)), s);
    ASSERT_EQ(UnZigZag(ZigZag(-s)), -s);
  }
}

TEST(Coding, BigEndianKeepsTheOrder) {
  Prng prng(8);
  for (int i = 0; i < 1000; ++i) {
    uint64_t a = prng.Next() >> prng.Below(64), b = prng.Next() >> prng.Below(64);
    std::string x, y;
    PutBig(x, a);
    PutBig(y, b);
    ASSERT_EQ(a < b, x < y);
  }
}

TEST(Coding, AShortOrOverlongInputMovesNothing) {
  std::string out;
  PutLengthPrefixed(out, AsBytes("hello"));
  for (size_t cut = 0; cut < out.size(); ++cut) {
    ByteReader reader(AsBytes(std::string_view(out).substr(0, cut)));
    BytesView bytes;
    EXPECT_FALSE(reader.ReadLengthPrefixed(&bytes));
    EXPECT_EQ(reader.left(), cut);
  }
  for (std::string_view bad : {std::string_view("\x80\x00", 2),  // not the shortest form
                               std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
                               std::string_view("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
                               std::string_view("\x80")}) {
    ByteReader reader(AsBytes(bad));
    uint64_t v = 0;
    EXPECT_FALSE(reader.ReadVarint(&v));
    EXPECT_EQ(reader.left(), bad.size());
  }
  std::string wide;
  PutVarint(wide, uint64_t{1} << 32);
  ByteReader reader(AsBytes(wide));
  uint32_t narrow = 0;
  EXPECT_FALSE(reader.ReadVarint32(&narrow));
}

TEST(Coding, ALengthBeyondMemoryIsRefused) {
  std::string out;
  PutVarint(out, UINT64_MAX);
  ByteReader reader(AsBytes(out));
  BytesView bytes;
  EXPECT_FALSE(reader.ReadLengthPrefixed(&bytes));
  EXPECT_FALSE(reader.Skip(SIZE_MAX));
}

TEST(Checksum, ValuesAreFixedForEver) {
  // Published test values of XXH3_64bits: stored files depend on them.
  EXPECT_EQ(Checksum64({}), 0x2d06800538d394c2u);
  EXPECT_NE(Checksum64(AsBytes("a"), 1), Checksum64(AsBytes("a"), 2));
  EXPECT_NE(Checksum64(AsBytes("ab"), AsBytes("c")), Checksum64(AsBytes("a"), AsBytes("bc")));
}

TEST(Checksum, EveryFlippedBitShows) {
  std::string text(64, 'x');
  uint64_t whole = Checksum64(AsBytes(text));
  for (size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string flipped = text;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_NE(Checksum64(AsBytes(flipped)), whole) << bit;
  }
}

}  // namespace
}  // namespace nexadb::base
