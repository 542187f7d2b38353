// The admin-ui plugin: mounts the page on its router. It has no data of its own and no private
// door: the page talks to the api-rest instance that is mounted on the same router, with the key
// that the user gives it.
#include <memory>
#include <utility>
#include <vector>

#include "nexadb/http.h"
#include "nexadb/plugin.h"
#include "nexadb/sdk/guard.h"
#include "plugins/admin-ui/site.h"

namespace nexadb::admin_ui {
namespace {

constexpr size_t kNonceBytes = 16;

void Send(Exchange& exchange, const Answer& answer) {
  std::vector<HttpHeader> headers;
  headers.reserve(answer.headers.size());
  for (const auto& [name, value] : answer.headers) headers.push_back({name, value});
  exchange.Send(answer.status, headers, answer.body);
}

class PageHandler final : public HttpHandler {
 public:
  PageHandler(const Site& site, Random& random) : site_(site), random_(random) {}
  void Serve(Handle<Exchange> exchange) noexcept override {
    // What fails here is memory; the released exchange answers 500.
    (void)sdk::Guard([&]() -> Status {
      constexpr char kHex[] = "0123456789abcdef";
      uint8_t random[kNonceBytes];
      random_.Fill(Span<uint8_t>(random, kNonceBytes));
      std::string nonce;
      for (uint8_t byte : random) {
        nonce += kHex[byte >> 4];
        nonce += kHex[byte & 15];
      }
      Send(*exchange, site_.Page(nonce));
      return {};
    });
  }

 private:
  const Site& site_;
  Random& random_;
};

class FileHandler final : public HttpHandler {
 public:
  FileHandler(const Site& site, std::string_view folder) : site_(site), folder_(folder) {}
  void Serve(Handle<Exchange> exchange) noexcept override {
    (void)sdk::Guard([&]() -> Status {
      std::string name(folder_);
      for (StringView part : exchange->Captures()) name += std::string_view(part);
      if (exchange->Captures().empty()) name = std::string_view(exchange->Path()).substr(1);
      Send(*exchange, site_.File(name, exchange->Header("Accept-Encoding"),
                                 exchange->Header("If-None-Match")));
      return {};
    });
  }

 private:
  const Site& site_;
  std::string_view folder_;
};

class AdminUi final : public Plugin, public Successor {
 public:
  Status Configure(PluginContext& context) noexcept override {
    context_ = &context;
    return {};
  }

  Status Start() noexcept override {
    return sdk::Guard([&]() -> Status {
      auto router = context_->Require<HttpRouter>("router");
      if (!router.ok()) return router.status();
      router_ = std::move(*router);
      site_ = std::make_unique<Site>(EmbeddedFiles());
      page_ = std::make_unique<PageHandler>(*site_, context_->Env().Random());
      files_ = std::make_unique<FileHandler>(*site_, "assets/");
      root_files_ = std::make_unique<FileHandler>(*site_, "");
      router_.lease()->OnRebind(
          {[](void* self) noexcept { static_cast<AdminUi*>(self)->MoveRoutes(); }, this});
      return MountAll();
    });
  }

  void Drain(uint64_t) noexcept override {}
  void Stop() noexcept override {
    mounts_.clear();
    former_mounts_.clear();
    router_ = {};
  }
  Status Reconfigure(const ConfigView&) noexcept override {
    return Status::Error(Code::kUnsupported, "admin-ui has nothing to configure");
  }
  void* Facet(const InterfaceId& id) noexcept override {
    return id == Successor::kInterface ? static_cast<Successor*>(this) : nullptr;
  }
  // Routes of one owner take one another's place.
  Status Succeed(Plugin&) noexcept override { return {}; }
  void Release() noexcept override { delete this; }

 private:
  // The router was replaced: the old one serves what it still has from the former mounts.
  void MoveRoutes() {
    const Status moved = sdk::Guard([&]() -> Status {
      former_mounts_ = std::exchange(mounts_, {});
      return MountAll();
    });
    if (!moved.ok()) context_->ReportFailure(moved);
  }
  Status MountAll() {
    if (Status s = Mount("/", *page_); !s.ok()) return s;
    if (Status s = Mount("/favicon.svg", *root_files_); !s.ok()) return s;
    return Mount("/assets/{name...}", *files_);
  }
  Status Mount(StringView pattern, HttpHandler& handler) {
    Route route;
    route.method = "GET";
    route.pattern = pattern;
    route.run = RunMode::kInline;
    route.owner = context_->InstanceName();
    auto mount = router_->Attach(route, handler);
    if (!mount.ok()) return mount.status();
    mounts_.push_back(std::move(*mount));
    return {};
  }

  PluginContext* context_ = nullptr;
  ServiceRef<HttpRouter> router_;
  std::unique_ptr<Site> site_;
  std::unique_ptr<PageHandler> page_;
  std::unique_ptr<FileHandler> files_;
  std::unique_ptr<FileHandler> root_files_;
  std::vector<Handle<nexadb::Mount>> mounts_;
  std::vector<Handle<nexadb::Mount>> former_mounts_;
};

}  // namespace
}  // namespace nexadb::admin_ui

NEXADB_PLUGIN("nexadb.admin-ui", nexadb::admin_ui::AdminUi)
