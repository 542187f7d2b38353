// Broken plugins, one for each ZOO_ value, and a good one. What is wrong with the file rather than
// the code, zoo_test.py breaks itself.
#include <cstdlib>
#include <stdexcept>

#include "nexadb/plugin.h"
#include "nexadb/sdk/guard.h"

namespace nexadb::zoo {

// Named by the manifest.
class Service {
 public:
  static constexpr InterfaceId kInterface{"test.zoo_service", 0, 1};

 protected:
  ~Service() = default;
};

#if defined(ZOO_UNDEFINED)
void NobodyDefinesThis();
#endif

namespace {

class Animal final : public Plugin, public Service {
 public:
  Status Configure([[maybe_unused]] PluginContext& context) noexcept override {
    return sdk::Guard([&]() -> Status {
#if defined(ZOO_THROWS)
      throw std::runtime_error("thrown in Configure");
#elif defined(ZOO_UNPROMISED)
      if (Status good = context.Provide<Service>(*this); !good.ok()) return good;
      return context.ProvideRaw({"test.unpromised", 0, 1}, this);
#elif defined(ZOO_TWICE)
      if (Status good = context.Provide<Service>(*this); !good.ok()) return good;
      return context.Provide<Service>(*this);
#elif defined(ZOO_NULL_SERVICE)
      return context.ProvideRaw(Service::kInterface, nullptr);
#else
      return context.Provide<Service>(*this);
#endif
    });
  }
  Status Start() noexcept override {
#if defined(ZOO_UNDEFINED)
    NobodyDefinesThis();
#endif
#if defined(ZOO_START)
    return Status::Error(Code::kIoError, "the animal stays in bed");
#else
    return {};
#endif
  }
  void Drain(uint64_t) noexcept override {}
  void Stop() noexcept override {}
  Status Reconfigure(const ConfigView&) noexcept override {
    return Status::Error(Code::kUnsupported, "no");
  }
  void* Facet(const InterfaceId&) noexcept override { return nullptr; }
  void Release() noexcept override { delete this; }
};

#if defined(ZOO_STATIC_CRASH)
// Runs when the library is mapped: it must not be, when its file is wrong.
[[maybe_unused]] const int kNever = (std::abort(), 0);
#endif

}  // namespace
}  // namespace nexadb::zoo

#if defined(ZOO_NULL_ENTRY) || defined(ZOO_NULL_CREATE) || defined(ZOO_SMALL) || \
    defined(ZOO_NULL_NAMES) || defined(ZOO_OTHER_ID) || defined(ZOO_NO_FUNCTION)
extern "C" __attribute__((section(".nexadb.abi"), used, retain)) const char nexadb_plugin_abi[] =
    NEXADB_FINGERPRINT;

extern "C" NEXADB_EXPORT const nexadb::PluginDescriptor* nexadb_plugin_entry() noexcept {
  using nexadb::Plugin;
#if defined(ZOO_NULL_ENTRY)
  return nullptr;
#else
  static constexpr auto kCreate = []() noexcept -> Plugin* {
    return new (std::nothrow) nexadb::zoo::Animal;
  };
  static nexadb::PluginDescriptor descriptor = {sizeof(descriptor), NEXADB_ABI_MAJOR,
                                                NEXADB_ABI_MINOR,   NEXADB_FINGERPRINT,
                                                "test.zoo",         kCreate};
#if defined(ZOO_NULL_CREATE)
  descriptor.create = []() noexcept -> Plugin* { return nullptr; };
#elif defined(ZOO_SMALL)
  descriptor.struct_size = 8;
#elif defined(ZOO_NULL_NAMES)
  descriptor.id = nullptr;
  descriptor.fingerprint = nullptr;
#elif defined(ZOO_OTHER_ID)
  descriptor.id = "test.impostor";
#elif defined(ZOO_NO_FUNCTION)
  descriptor.create = nullptr;
#endif
  return &descriptor;
#endif
}
#elif defined(ZOO_NO_ENTRY)
extern "C" __attribute__((section(".nexadb.abi"), used, retain)) const char nexadb_plugin_abi[] =
    NEXADB_FINGERPRINT;
// The class is used, so that nothing else is wrong with the file.
extern "C" NEXADB_EXPORT nexadb::Plugin* nexadb_plugin_entrance() noexcept {
  return new (std::nothrow) nexadb::zoo::Animal;
}
#else
NEXADB_PLUGIN("test.zoo", nexadb::zoo::Animal)
#endif
