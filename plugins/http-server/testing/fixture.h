// A running server with handlers made of lambdas.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nexadb/http.h"
#include "nexadb/testkit/plugin_host.h"
#include "plugins/http-server/testing/certificate.h"
#include "plugins/http-server/testing/client.h"

namespace nexadb::http {

class LambdaHandler final : public HttpHandler {
 public:
  using Body = std::function<void(Handle<Exchange>)>;
  explicit LambdaHandler(Body body) : body_(std::move(body)) {}
  void Serve(Handle<Exchange> exchange) noexcept override { body_(std::move(exchange)); }

 private:
  Body body_;
};

inline void SendText(Exchange& exchange, uint16_t status, std::string text) {
  const HttpHeader type{"Content-Type", "text/plain"};
  exchange.Send(status, {&type, 1}, Buffer::Own(std::move(text)));
}

// Start with `extra`, members of the configuration beside listen and io_threads.
class TestServer {
 public:
  explicit TestServer(const std::string& extra = "",
                      const std::string& listen = R"("127.0.0.1:0")") {
    directory_ = (std::filesystem::temp_directory_path() /
                  ("nexadb_http_" + std::to_string(::getpid()) + "_" + std::to_string(++count_)))
                     .string();
    testkit::HostOptions options;
    options.data_directory = directory_;
    options.blocking_threads = 4;
    std::string members = R"("listen": [)" + listen + "]" + (extra.empty() ? "" : ", " + extra);
    if (DefaultTransport() == Transport::kTls && extra.find("\"tls\"") == std::string::npos) {
      members += ", " + WriteTls(directory_, MakeCertificate());
    }
    options.config = "{" + members + "}";
    auto host = testkit::PluginHost::Open(NEXADB_HTTP_SERVER_LIBRARY, options);
    if (!host.ok()) {
      ADD_FAILURE() << host.status().message();
      return;
    }
    host_ = std::move(*host);
    const Status started = host_->Start();
    EXPECT_TRUE(started.ok()) << started.message();
    router_ = host_->Service<HttpRouter>();
  }
  ~TestServer() {
    mounts_.clear();
    if (host_) host_->Stop();
    host_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Mount(const std::string& method, const std::string& pattern, LambdaHandler::Body body,
             RunMode run = RunMode::kInline, BodyMode mode = BodyMode::kBuffered,
             const std::string& types = "application/json", uint64_t body_bytes_max = 0) {
    handlers_.push_back(std::make_unique<LambdaHandler>(std::move(body)));
    Route route;
    route.method = method;
    route.pattern = pattern;
    route.run = run;
    route.body = mode;
    route.content_types = types;
    route.body_bytes_max = body_bytes_max;
    auto mount = router_->Attach(route, *handlers_.back());
    ASSERT_TRUE(mount.ok()) << mount.status().message();
    mounts_.push_back(std::move(*mount));
  }
  // GET /echo answers "hello"; POST /echo answers the body.
  void MountEcho() {
    Mount("GET", "/echo", [](Handle<Exchange> e) { SendText(*e, 200, "hello"); });
    Mount("POST", "/echo",
          [](Handle<Exchange> e) { SendText(*e, 200, std::string(AsText(e->Body()))); });
  }
  uint16_t port() { return router_->Port(); }
  HttpRouter& router() { return *router_; }
  testkit::PluginHost& host() { return *host_; }
  std::vector<Handle<nexadb::Mount>>& mounts() { return mounts_; }
  std::string Req(std::string_view method, std::string_view target, std::string_view headers = {},
                  std::string_view body = {}) {
    return Request(method, target, port(), headers, body);
  }
  // One request on a connection of its own.
  Answer Ask(const std::string& bytes) {
    Client client(port());
    client.Send(bytes);
    return client.Read();
  }

 private:
  static inline int count_ = 0;
  std::string directory_;
  std::unique_ptr<testkit::PluginHost> host_;
  HttpRouter* router_ = nullptr;
  std::vector<std::unique_ptr<LambdaHandler>> handlers_;
  std::vector<Handle<nexadb::Mount>> mounts_;
};

constexpr const char* kJson = "Content-Type: application/json\r\n";

}  // namespace nexadb::http
