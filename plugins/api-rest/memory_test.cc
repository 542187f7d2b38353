// The law of a request that runs out of memory, at whichever of its allocations: the client is told
// (or its answer is cut off, once begun), nothing is left open, and the next request is served.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "plugins/api-rest/testing/fakes.h"

namespace {

// Of this thread: so many allocations succeed, and then one fails. Negative: none does.
thread_local int64_t allocations_left = -1;

}  // namespace

// Replace the program's own. Inlined halves would look to the compiler like a mismatched pair.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  if (allocations_left >= 0 && !nexadb::rest::testing::Unharmed::Here()) {
    if (allocations_left-- == 0) return nullptr;
  }
  return std::malloc(size == 0 ? 1 : size);
}
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (void* memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace nexadb::rest {
namespace {

using testing::Answer;
using testing::Bench;

constexpr std::string_view kCollection = "/collections/{name}";
constexpr std::string_view kDocument = "/collections/{name}/{id}";
constexpr std::string_view kQuery = "/collections/{name}/query";
constexpr int64_t kAllocationsMax = 5'000;

struct Sent {
  const char* method;
  std::string_view pattern;
  std::vector<std::string> captures;
  const char* query;
  const char* body;
  std::map<std::string, std::string> headers;
  int status;  // with enough memory
};

class Memory : public ::testing::Test {
 protected:
  Answer Send(const Sent& sent, int64_t allocations) {
    return bench_.Send(
        sent.method, sent.pattern, sent.captures, sent.query, sent.body, sent.headers,
        [&] { allocations_left = allocations; },
        [&] {
          failed_ = allocations >= 0 && allocations_left < 0;
          allocations_left = -1;
        });
  }

  // Sends a request again and again, with one allocation more each time, until it needs no more.
  void RunOut(const Sent& sent) {
    SCOPED_TRACE(std::string(sent.method) + " " + std::string(sent.pattern) + sent.query);
    bench_.database.documents = 300;
    int64_t refused = 0;
    int64_t allocations = 0;
    for (;; ++allocations) {
      ASSERT_LT(allocations, kAllocationsMax);
      const Answer answer = Send(sent, allocations);
      EXPECT_EQ(bench_.database.sessions, 0) << allocations;
      EXPECT_FALSE(answer.twice) << allocations;
      if (!failed_) {
        EXPECT_EQ(answer.status, sent.status) << answer.body;
        break;
      }
      if (answer.status != sent.status) ++refused;
      // None: the server answers for those who do not.
      EXPECT_EQ(answer.finished || answer.begun, answer.status != 0) << allocations;
      EXPECT_TRUE(answer.status == 0 || answer.status == sent.status || answer.status == 503)
          << allocations << ": " << answer.status << " " << answer.body;
      bench_.database.documents = 300;
    }
    EXPECT_GT(allocations, 0);
    EXPECT_GT(refused, 0);
    EXPECT_EQ(Send(sent, -1).status, sent.status);
  }

  Bench bench_;
  bool failed_ = false;
};

const std::map<std::string, std::string> kKey = {{"X-API-Key", "ada"}};

TEST_F(Memory, ReadsThatRunOutOfItAreRefused) {
  RunOut({"GET", kDocument, {"users", "7"}, "", "", kKey, 200});
  RunOut({"GET", kCollection, {"users"}, "limit=20", "", kKey, 200});
  RunOut({"GET", "/stats", {}, "", "", kKey, 200});
}

TEST_F(Memory, WritesThatRunOutOfItAreRefused) {
  RunOut({"POST", kCollection, {"users"}, "", R"({"name": "Ada", "n": [1, 2]})", kKey, 201});
  RunOut({"PUT", kDocument, {"users", "7"}, "", R"({"name": "Ada"})", kKey, 200});
  RunOut({"DELETE", kDocument, {"users", "7"}, "", "", kKey, 200});
}

TEST_F(Memory, AStreamThatRunsOutOfItIsCutOff) {
  RunOut({"POST",
          kQuery,
          {"users"},
          "",
          R"({"limit": 200})",
          {{"X-API-Key", "ada"}, {"Accept", "application/x-ndjson"}},
          200});
}

TEST_F(Memory, RefusalsThatRunOutOfItAreStillRefusals) {
  RunOut({"GET", kDocument, {"users", "nope"}, "", "", kKey, 404});
  RunOut({"POST", kCollection, {"users"}, "", R"({"name": )", kKey, 400});
  RunOut({"GET", kDocument, {"users", "7"}, "", "", {{"X-API-Key", "wrong"}}, 401});
}

}  // namespace
}  // namespace nexadb::rest
