// Laws of requests: routes, bodies, order, and one answer to each.
#include <atomic>
#include <thread>

#include "http_laws.h"
#include "nexadb/bson.h"

namespace nexadb::testkit {
namespace {

constexpr RunMode kRunModes[] = {RunMode::kPool, RunMode::kInline};
constexpr const char* kText = "Content-Type: application/json\r\n";

void ARequestReachesItsHandler(LawBench& bench) {
  HttpBench http(bench);
  for (const RunMode run : kRunModes) {
    const std::string path = run == RunMode::kPool ? "/pool" : "/inline";
    http.Mount(RouteOf("GET", path, run), [](Handle<Exchange> e) {
      std::string seen;
      for (StringView part : {e->Method(), e->Path(), e->Query(), e->Header("X-ONE"),
                              e->Header("x-absent"), e->PeerAddress()}) {
        seen.append(std::string_view(part)).append("|");
      }
      SendText(*e, 200, seen + (e->PeerIsLoopback() ? "loopback" : "far"));
    });
    const HttpAnswer answer = http.Ask("GET", path + "?a=1&b=%20", "x-One: two words\r\n");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "GET|" + path + "|a=1&b=%20|two words||127.0.0.1|loopback");
    EXPECT_TRUE(answer.complete);
  }
}

void AnExchangeIsAnsweredOnce(LawBench& bench) {
  HttpBench http(bench);
  http.Mount(RouteOf("GET", "/twice"), [](Handle<Exchange> e) {
    SendText(*e, 200, "first");
    SendText(*e, 201, "second");
    EXPECT_FALSE(e->Begin(202, {}).ok());
    e->Finish();
  });
  http.Mount(RouteOf("GET", "/next"), [](Handle<Exchange> e) { SendText(*e, 200, "next"); });
  HttpClient client(http.port());
  const HttpAnswer answer = client.Ask("GET", "/twice");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "first");
  EXPECT_EQ(client.Ask("GET", "/next").body, "next") << "nothing of the second answer is between";
}

void ReleasedUnansweredIs500(LawBench& bench) {
  HttpBench http(bench);
  for (const RunMode run : kRunModes) {
    const std::string path = run == RunMode::kPool ? "/pool" : "/inline";
    http.Mount(RouteOf("GET", path, run), [](Handle<Exchange>) {});
    const HttpAnswer answer = http.Ask("GET", path);
    EXPECT_EQ(answer.status, 500);
    EXPECT_TRUE(answer.complete);
  }
}

void AnAnswerMayComeLaterFromAnotherThread(LawBench& bench) {
  HttpBench http(bench);
  std::thread later;
  http.Mount(RouteOf("POST", "/later/{name}", RunMode::kInline, BodyMode::kBuffered),
             [&](Handle<Exchange> e) {
               later = std::thread([held = e.Detach()] {
                 const Handle<Exchange> exchange(held);
                 std::string text(std::string_view(exchange->Captures()[0]));
                 text.append("+").append(AsText(exchange->Body()));
                 SendText(*exchange, 200, text + "+" + std::string(exchange->Header("X-H")));
               });
             });
  const HttpAnswer answer =
      http.Ask("POST", "/later/a%20b", "X-H: h\r\n" + std::string(kText), "{\"body\": 1}");
  later.join();
  EXPECT_EQ(answer.body, "a b+{\"body\": 1}+h") << "its views live until it is released";
}

void UnmountingWaitsForRunningHandlers(LawBench& bench) {
  HttpBench http(bench);
  std::atomic<bool> inside{false}, go{false}, unmounted{false};
  const size_t mount = http.Mount(RouteOf("GET", "/slow"), [&](Handle<Exchange> e) {
    inside = true;
    inside.notify_all();
    go.wait(false);
    SendText(*e, 200, "done");
  });
  HttpClient client(http.port());
  client.Send(client.Request("GET", "/slow"));
  inside.wait(false);
  std::thread unmounter([&] {
    http.Unmount(mount);
    unmounted = true;
  });
  // The route goes while its handler still runs.
  while (http.Ask("GET", "/slow").status != 404) {
  }
  EXPECT_FALSE(unmounted) << "unmounting has not waited";
  go = true;
  go.notify_all();
  unmounter.join();
  EXPECT_EQ(client.Read().body, "done");
  http.Mount(RouteOf("GET", "/slow"), [](Handle<Exchange> e) { SendText(*e, 200, "new"); });
  EXPECT_EQ(http.Ask("GET", "/slow").body, "new") << "a route may be mounted again";
}

void BodiesPastTheirCapAre413(LawBench& bench) {
  HttpBench http(bench);
  Route route = RouteOf("POST", "/small", RunMode::kPool, BodyMode::kBuffered);
  route.body_bytes_max = 1000;
  http.Mount(route,
             [](Handle<Exchange> e) { SendText(*e, 200, std::to_string(e->Body().size())); });
  EXPECT_EQ(http.Ask("POST", "/small", kText, std::string(1000, ' ')).body, "1000");
  EXPECT_EQ(http.Ask("POST", "/small", kText, std::string(1001, ' ')).status, 413);
  HttpClient chunked(http.port());
  chunked.Send(
      chunked.Request("POST", "/small", std::string(kText) + "Transfer-Encoding: chunked\r\n"));
  chunked.Send("3E8\r\n" + std::string(1000, ' ') + "\r\n1\r\n \r\n0\r\n\r\n");
  EXPECT_EQ(chunked.Read().status, 413) << "a chunked body says its size at its end only";
  EXPECT_EQ(http.Ask("POST", "/small", kText, " ").body, "1");
}

void BodiesArriveWhole(LawBench& bench) {
  HttpBench http(bench);
  for (const RunMode run : kRunModes) {
    const std::string path = run == RunMode::kPool ? "/pool" : "/inline";
    http.Mount(RouteOf("POST", path, run, BodyMode::kBuffered),
               [](Handle<Exchange> e) { SendText(*e, 200, std::string(AsText(e->Body()))); });
    base::Prng random(bench.seed());
    for (const size_t size : {size_t{0}, size_t{1}, size_t{5000}, size_t{300'000}}) {
      std::string body(size, ' ');
      for (char& c : body) c = static_cast<char>('a' + random.Below(26));
      EXPECT_EQ(http.Ask("POST", path, size > 0 ? kText : "", body).body, body) << size;
    }
    HttpClient chunked(http.port());
    chunked.Send(
        chunked.Request("POST", path, std::string(kText) + "Transfer-Encoding: chunked\r\n"));
    chunked.Send("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    EXPECT_EQ(chunked.Read().body, "abcde");
  }
}

void OtherMediaTypesAre415(LawBench& bench) {
  HttpBench http(bench);
  http.Mount(RouteOf("POST", "/json", RunMode::kPool, BodyMode::kBuffered),
             [](Handle<Exchange> e) { SendText(*e, 200, "json"); });
  Route lines = RouteOf("POST", "/lines", RunMode::kPool, BodyMode::kBuffered);
  lines.content_types = "application/x-ndjson text/csv";
  http.Mount(lines, [](Handle<Exchange> e) { SendText(*e, 200, "lines"); });
  auto posted = [&](std::string_view path, std::string_view type) {
    return http.Ask("POST", path, "Content-Type: " + std::string(type) + "\r\n", "{}").status;
  };
  EXPECT_EQ(posted("/json", "application/json"), 200);
  EXPECT_EQ(posted("/json", "Application/JSON; charset=utf-8"), 200);
  EXPECT_EQ(posted("/json", "text/plain"), 415);
  EXPECT_EQ(posted("/lines", "text/csv"), 200);
  EXPECT_EQ(posted("/lines", "application/json"), 415);
}

void UnknownPathsAre404AndOtherMethods405(LawBench& bench) {
  HttpBench http(bench);
  http.Mount(RouteOf("GET", "/things/{id}"), [](Handle<Exchange> e) { SendText(*e, 200, "g"); });
  http.Mount(RouteOf("PUT", "/things/{id}"), [](Handle<Exchange> e) { SendText(*e, 200, "p"); });
  for (const char* path : {"/", "/thing", "/things", "/things/", "/things/1/2", "/things/1/"}) {
    const HttpAnswer answer = http.Ask("GET", path);
    EXPECT_EQ(answer.status, 404) << path;
    EXPECT_TRUE(answer.headers.at("content-type").starts_with("application/problem+json")) << path;
  }
  const HttpAnswer other = http.Ask("DELETE", "/things/1");
  EXPECT_EQ(other.status, 405);
  EXPECT_TRUE(other.headers.at("content-type").starts_with("application/problem+json"));
  ASSERT_TRUE(other.headers.contains("allow"));
  const std::string allow = other.headers.at("allow");
  EXPECT_NE(allow.find("GET"), std::string::npos) << allow;
  EXPECT_NE(allow.find("PUT"), std::string::npos) << allow;
  EXPECT_EQ(allow.find("DELETE"), std::string::npos) << allow;
}

void HeadGetsTheHeadOfGet(LawBench& bench) {
  HttpBench http(bench);
  http.Mount(RouteOf("GET", "/page"), [](Handle<Exchange> e) {
    const HttpHeader own{"X-Own", "yes"};
    e->Send(200, {&own, 1}, Buffer::Own(std::string(1234, 'x')));
  });
  HttpClient client(http.port());
  const HttpAnswer head = client.Ask("HEAD", "/page");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-length"), "1234");
  EXPECT_EQ(head.headers.at("x-own"), "yes");
  EXPECT_EQ(client.Ask("GET", "/page").body, std::string(1234, 'x')) << "no body came between";
  http.Mount(RouteOf("HEAD", "/page"), [](Handle<Exchange> e) { SendText(*e, 204, ""); });
  EXPECT_EQ(http.Ask("HEAD", "/page").status, 204) << "a HEAD of its own wins";
}

void PipelinedRequestsAreAnsweredInOrder(LawBench& bench) {
  HttpBench http(bench);
  for (const RunMode run : kRunModes) {
    const std::string path = run == RunMode::kPool ? "/pool/{n}" : "/inline/{n}";
    http.Mount(RouteOf("GET", path, run), [](Handle<Exchange> e) {
      SendText(*e, 200, std::string(std::string_view(e->Captures()[0])));
    });
  }
  HttpClient client(http.port());
  constexpr int kRequests = 60;
  std::string requests;
  for (int i = 0; i < kRequests; ++i) {
    const char* path = i % 3 == 0 ? "/inline/" : "/pool/";
    requests += client.Request("GET", path + std::to_string(i));
  }
  client.Send(requests);
  for (int i = 0; i < kRequests; ++i) EXPECT_EQ(client.Read().body, std::to_string(i));
}

void CapturesAreDecoded(LawBench& bench) {
  HttpBench http(bench);
  auto captures = [](Handle<Exchange> e) {
    std::string text;
    for (const StringView capture : e->Captures()) {
      text.append("[").append(std::string_view(capture)).append("]");
    }
    SendText(*e, 200, text);
  };
  http.Mount(RouteOf("GET", "/c/{name}/{id}"), captures);
  http.Mount(RouteOf("GET", "/files/{rest...}"), captures);
  EXPECT_EQ(http.Ask("GET", "/c/caf%C3%A9%20au%2Flait/42").body, "[café au/lait][42]");
  EXPECT_EQ(http.Ask("GET", "/c/a+b/%25").body, "[a+b][%]");
  EXPECT_EQ(http.Ask("GET", "/files/a/b/c.txt").body, "[a/b/c.txt]");
}

void LiteralsWinOverCaptures(LawBench& bench) {
  HttpBench http(bench);
  for (const char* pattern : {"/a/{x}", "/a/b", "/{y}/b", "/a/{x}/c"}) {
    http.Mount(RouteOf("GET", pattern),
               [pattern](Handle<Exchange> e) { SendText(*e, 200, pattern); });
  }
  EXPECT_EQ(http.Ask("GET", "/a/b").body, "/a/b");
  EXPECT_EQ(http.Ask("GET", "/a/z").body, "/a/{x}");
  EXPECT_EQ(http.Ask("GET", "/z/b").body, "/{y}/b");
  EXPECT_EQ(http.Ask("GET", "/a/b/c").body, "/a/{x}/c");
}

void ARouteIsMountedOnce(LawBench& bench) {
  HttpBench http(bench);
  const size_t mount =
      http.Mount(RouteOf("GET", "/one"), [](Handle<Exchange> e) { SendText(*e, 200, "one"); });
  LambdaHandler other([](Handle<Exchange>) {});
  EXPECT_EQ(http.router().Attach(RouteOf("GET", "/one"), other).status().code(), Code::kConflict);
  EXPECT_FALSE(http.router().Attach(RouteOf("GET", "one"), other).ok()) << "no leading slash";
  EXPECT_EQ(http.Ask("GET", "/one").body, "one");
  http.Unmount(mount);
  EXPECT_EQ(http.Ask("GET", "/one").status, 404);
}

void AnInlineRequestMovesToThePool(LawBench& bench) {
  HttpBench http(bench);
  std::atomic<int> calls{0};
  LambdaHandler second([&](Handle<Exchange> e) {
    ++calls;
    SendText(*e, 200, "pool");
  });
  http.Mount(RouteOf("GET", "/move", RunMode::kInline), [&](Handle<Exchange> e) {
    ++calls;
    http.router().MoveToPool(std::move(e), second);
  });
  EXPECT_EQ(http.Ask("GET", "/move").body, "pool");
  EXPECT_EQ(calls, 2);
}

void RequestIdsAreSentBack(LawBench& bench) {
  HttpBench http(bench);
  http.Mount(RouteOf("GET", "/id"), [](Handle<Exchange> e) {
    SendText(*e, 200, std::string(std::string_view(e->RequestId())));
  });
  const HttpAnswer given = http.Ask("GET", "/id", "X-Request-Id: abc-123\r\n");
  EXPECT_EQ(given.body, "abc-123");
  EXPECT_EQ(given.headers.at("x-request-id"), "abc-123");
  const HttpAnswer made = http.Ask("GET", "/id"), next = http.Ask("GET", "/id");
  EXPECT_FALSE(made.body.empty());
  EXPECT_EQ(made.headers.at("x-request-id"), made.body);
  EXPECT_NE(made.body, next.body);
}

void LimitsAreTold(LawBench& bench) {
  HttpBench http(bench);
  const Buffer limits = Must(http.router().Limits());
  EXPECT_EQ(bson::Validate(limits.bytes()), nullptr);
  size_t count = 0;
  for (const bson::Element& limit : bson::Document(limits.bytes())) {
    EXPECT_EQ(limit.type(), bson::Type::kObject) << limit.name();
    ++count;
  }
  EXPECT_GT(count, 0u);
  EXPECT_EQ(http.router().Facet({"com.example.unheard_of", 0, 1}), nullptr);
}

}  // namespace

std::vector<PluginLaw> HttpRequestLaws() {
  return {{"ARequestReachesItsHandler", ARequestReachesItsHandler},
          {"AnExchangeIsAnsweredOnce", AnExchangeIsAnsweredOnce},
          {"ReleasedUnansweredIs500", ReleasedUnansweredIs500},
          {"AnAnswerMayComeLaterFromAnotherThread", AnAnswerMayComeLaterFromAnotherThread},
          {"UnmountingWaitsForRunningHandlers", UnmountingWaitsForRunningHandlers},
          {"BodiesPastTheirCapAre413", BodiesPastTheirCapAre413},
          {"BodiesArriveWhole", BodiesArriveWhole},
          {"OtherMediaTypesAre415", OtherMediaTypesAre415},
          {"UnknownPathsAre404AndOtherMethods405", UnknownPathsAre404AndOtherMethods405},
          {"HeadGetsTheHeadOfGet", HeadGetsTheHeadOfGet},
          {"PipelinedRequestsAreAnsweredInOrder", PipelinedRequestsAreAnsweredInOrder},
          {"CapturesAreDecoded", CapturesAreDecoded},
          {"LiteralsWinOverCaptures", LiteralsWinOverCaptures},
          {"ARouteIsMountedOnce", ARouteIsMountedOnce},
          {"AnInlineRequestMovesToThePool", AnInlineRequestMovesToThePool},
          {"RequestIdsAreSentBack", RequestIdsAreSentBack},
          {"LimitsAreTold", LimitsAreTold}};
}

}  // namespace nexadb::testkit
