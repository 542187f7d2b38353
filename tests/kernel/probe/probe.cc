// A plugin for the kernel's tests: says each step of its life on its log, and misbehaves as its
// configuration tells it to. Built three times, with three manifests.
#include <signal.h>
#include <unistd.h>

#include <string>

#include "nexadb/plugin.h"
#include "nexadb/sdk/guard.h"

namespace nexadb::probe {

// Not in the unnamed namespace, for it is one type to all probes. What "test.source" and
// "test.link" offer.
class Source {
 public:
  static constexpr InterfaceId kInterface{PROBE_PROVIDES, 0, 1};
  virtual StringView Name() noexcept = 0;

 protected:
  ~Source() = default;
};

namespace {

class Probe final : public Plugin, public Source {
 public:
  Status Configure(PluginContext& context) noexcept override {
    context_ = &context;
    return sdk::Guard([&]() -> Status {
      fail_in_ = Text("fail_in");
      Say("configure " + Text("greeting"));
      if (fail_in_ == "configure") return Status::Error(Code::kInvalidArgument, "asked to fail");
      if (fail_in_ == "provide" || !PROBE_SERVES) return {};
      return context.Provide<Source>(*this);
    });
  }
  Status Start() noexcept override {
    return sdk::Guard([&]() -> Status {
      Say("start");
      if (fail_in_ == "start") throw std::string("not a std::exception");
      if (fail_in_ == "crash") *static_cast<volatile int*>(nullptr) = 1;
      if (fail_in_ == "signal") ::kill(::getpid(), SIGTERM);
      for (const char* slot : {"source", "extra", "all", "next"}) {
        for (uint32_t i = 0; i < context_->SlotSize(slot); ++i) {
          auto source = context_->Require<Source>(slot, i);
          if (!source.ok()) return source.status();
          Say(std::string(slot) + " is " + std::string(std::string_view((*source)->Name())));
        }
      }
      return {};
    });
  }
  void Drain(uint64_t deadline_ms) noexcept override {
    Say(deadline_ms > 0 ? "drain" : "drain at once");
    // A frontend that never finishes: only the second signal gets past it.
    while (fail_in_ == "drain") context_->Env().SleepNs(1000000);
  }
  void Stop() noexcept override { Say("stop"); }
  Status Reconfigure(const ConfigView&) noexcept override {
    return Status::Error(Code::kUnsupported, "restart");
  }
  void* Facet(const InterfaceId&) noexcept override { return nullptr; }
  void Release() noexcept override {
    Say("release");
    delete this;
  }
  StringView Name() noexcept override { return context_->InstanceName(); }

 private:
  std::string Text(StringView key) {
    auto text = context_->Config().Text(key);
    return text.ok() ? std::string(std::string_view(*text)) : std::string();
  }
  void Say(const std::string& what) {
    if (context_ != nullptr) context_->Log().Info("probe: " + what);
  }

  PluginContext* context_ = nullptr;
  std::string fail_in_;
};

}  // namespace
}  // namespace nexadb::probe

NEXADB_PLUGIN(PROBE_ID, nexadb::probe::Probe)
