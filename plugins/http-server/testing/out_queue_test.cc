#include "plugins/http-server/out_queue.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>
#include <string>

namespace nexadb::http {
namespace {

TEST(OutQueue, WritesEveryByteInOrderThroughANarrowSocket) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  const unsigned seed = 20261122;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  OutQueue queue;
  std::string wanted;
  std::string got;
  char bytes[3001];
  for (int round = 0; round < 3000 || !queue.empty(); ++round) {
    if (round < 3000) {
      const std::string piece(random() % 2000 + 1, static_cast<char>('a' + random() % 26));
      wanted += piece;
      OutQueue other;
      switch (random() % 3) {
        case 0: queue.AddText(piece); break;
        case 1: queue.AddBuffer(Buffer::Copy(AsBytes(piece))); break;
        default:
          other.AddText(piece.substr(0, 1));
          other.AddBuffer(Buffer::Copy(AsBytes(std::string_view(piece).substr(1))));
          queue.MoveFrom(other);
      }
    }
    queue.WriteTo(ends[0]);
    const ssize_t count = ::recv(ends[1], bytes, random() % sizeof(bytes) + 1, 0);
    if (count > 0) got.append(bytes, static_cast<size_t>(count));
  }
  ssize_t count;
  while ((count = ::recv(ends[1], bytes, sizeof(bytes), 0)) > 0) {
    got.append(bytes, static_cast<size_t>(count));
  }
  EXPECT_TRUE(got == wanted) << got.size() << " of " << wanted.size() << " bytes";
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace nexadb::http
