// A frontend: mounts two routes on whatever fills its slot "router".
//
//   GET /hello            {"hello": "world"}, the greeting as configured
//   GET /count/{n}        n lines of NDJSON, as a stream that waits for its reader
#include <charconv>
#include <memory>
#include <string>

#include "nexadb/http.h"
#include "nexadb/plugin.h"
#include "nexadb/sdk/guard.h"

namespace hello_example {

using namespace nexadb;

namespace {

constexpr uint32_t kCountMax = 1'000'000;

void SendJson(Exchange& exchange, uint16_t status, std::string body) {
  const HttpHeader type{"Content-Type",
                        status < 400 ? "application/json" : "application/problem+json"};
  exchange.Send(status, {&type, 1}, Buffer::Own(std::move(body)));
}

// Whoever handles a request owns it: answered or not, it is released at the end of Serve.
class Hello final : public HttpHandler {
 public:
  explicit Hello(std::string greeting) : greeting_(std::move(greeting)) {}
  void Serve(Handle<Exchange> exchange) noexcept override {
    static_cast<void>(sdk::Guard([&]() -> Status {
                        SendJson(*exchange, 200, "{\"" + greeting_ + "\": \"world\"}\n");
                        return {};
                      }).ok());
  }

 private:
  const std::string greeting_;
};

class Count final : public HttpHandler {
 public:
  void Serve(Handle<Exchange> exchange) noexcept override {
    // Released between Begin and Finish, the connection is closed without its last chunk: a client
    // never takes a part for the whole.
    static_cast<void>(sdk::Guard([&]() -> Status { return Stream(*exchange); }).ok());
  }

 private:
  static Status Stream(Exchange& exchange) {
    const std::string_view text = exchange.Captures()[0];
    uint32_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || end != text.data() + text.size() || count > kCountMax) {
      SendJson(exchange, 400, "{\"status\": 400, \"title\": \"no number up to 1000000\"}\n");
      return {};
    }
    const HttpHeader type{"Content-Type", "application/x-ndjson"};
    if (Status begun = exchange.Begin(200, {&type, 1}); !begun.ok()) return begun;
    for (uint32_t i = 0; i < count; ++i) {
      auto credit = exchange.Write(Buffer::Own("{\"n\": " + std::to_string(i) + "}\n"));
      if (!credit.ok()) return credit.status();
      if (*credit == 0 && !exchange.WaitWritable()) return {};
    }
    exchange.Finish();
    return {};
  }
};

class HelloPlugin final : public Plugin {
 public:
  Status Configure(PluginContext& context) noexcept override {
    return sdk::Guard([&]() -> Status {
      context_ = &context;
      auto greeting = context.Config().Text("greeting");
      if (!greeting.ok()) return greeting.status();
      hello_ = std::make_unique<Hello>(std::string(std::string_view(*greeting)));
      return {};
    });
  }
  Status Start() noexcept override {
    return sdk::Guard([&]() -> Status {
      auto router = context_->Require<HttpRouter>("router");
      if (!router.ok()) return router.status();
      router_ = std::move(*router);
      Route hello;
      hello.method = "GET";
      hello.pattern = "/hello";
      hello.run = RunMode::kInline;  // answered from memory, on the server's own thread
      auto mounted = router_->Attach(hello, *hello_);
      if (!mounted.ok()) return mounted.status();
      hello_mount_ = std::move(*mounted);
      Route count;
      count.method = "GET";
      count.pattern = "/count/{n}";  // on the pool, for it waits
      mounted = router_->Attach(count, count_);
      if (!mounted.ok()) return mounted.status();
      count_mount_ = std::move(*mounted);
      return {};
    });
  }
  void Drain(uint64_t) noexcept override {}
  // Unmounting waits for the handlers that run. Legal after a failed Start: what is not mounted
  // is not there to be unmounted.
  void Stop() noexcept override {
    hello_mount_.Reset();
    count_mount_.Reset();
    router_ = {};
  }
  Status Reconfigure(const ConfigView&) noexcept override {
    return Status::Error(Code::kUnsupported, "restart to change the greeting");
  }
  void* Facet(const InterfaceId&) noexcept override { return nullptr; }
  void Release() noexcept override { delete this; }

 private:
  PluginContext* context_ = nullptr;
  std::unique_ptr<Hello> hello_;
  Count count_;
  ServiceRef<HttpRouter> router_;
  Handle<Mount> hello_mount_, count_mount_;
};

}  // namespace
}  // namespace hello_example

NEXADB_PLUGIN("com.example.hello", hello_example::HelloPlugin)
