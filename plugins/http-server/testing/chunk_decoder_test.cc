#include "plugins/http-server/chunk_decoder.h"

#include <gtest/gtest.h>

#include <string>

namespace nexadb::http {
namespace {

struct Decoded {
  std::string body;
  size_t used = 0;
  bool done = false;
  bool failed = false;
};

// Decodes `input` in pieces of `piece` bytes.
Decoded Decode(std::string_view input, size_t piece) {
  Decoded out;
  ChunkDecoder decoder;
  while (out.used < input.size() && !decoder.done() && decoder.error() == nullptr) {
    const ChunkDecoder::Step step = decoder.Next(input.substr(out.used, piece));
    out.body += step.data;
    out.used += step.consumed;
  }
  out.done = decoder.done();
  out.failed = decoder.error() != nullptr;
  return out;
}

TEST(ChunkDecoder, GivesTheSameBodyHoweverTheInputIsCut) {
  const std::string input =
      "5\r\nhello\r\n1;name=value\r\n \r\n00b\r\nwide world!\r\n0\r\n\r\nGET /";
  for (size_t piece = 1; piece <= input.size(); ++piece) {
    const Decoded decoded = Decode(input, piece);
    EXPECT_TRUE(decoded.done) << piece;
    EXPECT_EQ(decoded.body, "hello wide world!") << piece;
    EXPECT_EQ(decoded.used, input.size() - 5) << piece;
  }
}

TEST(ChunkDecoder, RefusesWhatIsNotExactlyChunked) {
  const std::string long_extension = "1;" + std::string(257, 'x') + "\r\na\r\n0\r\n\r\n";
  for (const std::string& input :
       {std::string("\r\n"), std::string("g\r\n"), std::string("-1\r\n"),
        std::string("0x5\r\nhello\r\n"), std::string(" 5\r\nhello\r\n"),
        std::string("5 \r\nhello\r\n"), std::string("5\nhello\n0\n\n"),
        std::string("5\r\nhello0\r\n\r\n"), std::string("5\r\nhello\n0\r\n\r\n"),
        std::string("5\r\nhelloX\r\n"), std::string("0\r\nX-Trailer: 1\r\n\r\n"),
        std::string("0\r\n\n"), std::string("5\rhello"), std::string("1234567890123456\r\n"),
        std::string("1;a\nb\r\na\r\n0\r\n\r\n"), long_extension}) {
    EXPECT_TRUE(Decode(input, input.size()).failed) << input;
    EXPECT_TRUE(Decode(input, 1).failed) << input;
  }
}

TEST(ChunkDecoder, TakesExtensionsUpToTheLimit) {
  const std::string input = "1;" + std::string(256, 'x') + "\r\na\r\n0\r\n\r\n";
  EXPECT_TRUE(Decode(input, input.size()).done);
}

}  // namespace
}  // namespace nexadb::http
