// What the laws of HTTP routers are written with. Internal to the test kit.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http_client.h"
#include "law.h"
#include "nexadb/http.h"

namespace nexadb::testkit {

class LambdaHandler final : public HttpHandler {
 public:
  using Body = std::function<void(Handle<Exchange>)>;
  explicit LambdaHandler(Body body) : body_(std::move(body)) {}
  void Serve(Handle<Exchange> exchange) noexcept override { body_(std::move(exchange)); }

 private:
  const Body body_;
};

// A started router with routes made of lambdas.
class HttpBench {
 public:
  explicit HttpBench(LawBench& bench);
  // Unmounts before the handlers go, whatever a law that failed has left.
  ~HttpBench();

  HttpRouter& router() { return *router_; }
  uint16_t port() { return router_->Port(); }
  Assembly& assembly() { return *assembly_; }
  // The index of the mount, for Unmount.
  size_t Mount(const Route& route, LambdaHandler::Body body);
  void Unmount(size_t index) { mounts_[index].Reset(); }
  // One request on a connection of its own.
  HttpAnswer Ask(std::string_view method, std::string_view target, std::string_view headers = {},
                 std::string_view body = {}) {
    return HttpClient(port()).Ask(method, target, headers, body);
  }

 private:
  std::unique_ptr<Assembly> assembly_;
  HttpRouter* router_ = nullptr;
  std::vector<std::unique_ptr<LambdaHandler>> handlers_;
  std::vector<Handle<nexadb::Mount>> mounts_;
};

Route RouteOf(StringView method, StringView pattern, RunMode run = RunMode::kPool,
              BodyMode body = BodyMode::kNone);
void SendText(Exchange& exchange, uint16_t status, std::string text);

std::vector<PluginLaw> HttpRequestLaws();
std::vector<PluginLaw> HttpStreamLaws();

}  // namespace nexadb::testkit
