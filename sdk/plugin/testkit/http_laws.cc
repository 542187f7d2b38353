#include "http_laws.h"

namespace nexadb::testkit {

HttpBench::HttpBench(LawBench& bench) : assembly_(bench.Started()) {
  router_ = assembly_->Service<HttpRouter>();
  if (router_ == nullptr) throw std::runtime_error("the plugin provides no HTTP router");
  if (router_->Port() == 0) throw std::runtime_error("the router listens nowhere");
}

HttpBench::~HttpBench() { mounts_.clear(); }

size_t HttpBench::Mount(const Route& route, LambdaHandler::Body body) {
  handlers_.push_back(std::make_unique<LambdaHandler>(std::move(body)));
  mounts_.push_back(Must(router_->Attach(route, *handlers_.back())));
  return mounts_.size() - 1;
}

Route RouteOf(StringView method, StringView pattern, RunMode run, BodyMode body) {
  Route route;
  route.method = method;
  route.pattern = pattern;
  route.run = run;
  route.body = body;
  return route;
}

void SendText(Exchange& exchange, uint16_t status, std::string text) {
  const HttpHeader type{"Content-Type", "text/plain"};
  exchange.Send(status, {&type, 1}, Buffer::Own(std::move(text)));
}

void RegisterHttpRouterSuite(const PluginSuite& suite) {
  RegisterLaws(suite, HttpRequestLaws());
  RegisterLaws(suite, HttpStreamLaws());
}

}  // namespace nexadb::testkit
