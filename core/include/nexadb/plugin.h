// Plugin: what a shared library gives the kernel, and PluginContext: what the kernel gives it.
//
// A library exports one C function, written by NEXADB_PLUGIN(id, Class), and carries three ELF
// sections that are read before any of its code runs: .nexadb.plugin (its manifest, plugin.json),
// .nexadb.abi (the fingerprint below) and the code itself. nexadb_add_plugin() of sdk/plugin/cmake
// sets all of it up.
//
// Life of an instance, each step [control], dependencies first on the way up and last on the way
// down: Configure → Start → (running) → Drain → Stop → Release. Stop works after a failed Start.
// Release without Configure or Start is legal. Libraries are never unmapped.
// All state lives in the Plugin object: two instances of one library must work side by side.
#pragma once
#include "nexadb/abi.h"
#include "nexadb/config.h"
#include "nexadb/env.h"
#include "nexadb/executor.h"
#include "nexadb/log.h"
#include "nexadb/metrics.h"

namespace nexadb {

// A slot of this instance, bound to another instance's service.
class ServiceLease {
 public:
  // [any][nonblocking] The service, typed by the interface asked for; null once unbound.
  virtual void* Service() noexcept = 0;
  virtual StringView InstanceName() noexcept = 0;  // [any]
  // [control] `moved` is called on the kernel's thread after Service() has changed, because the
  // provider was replaced. When it returns, this consumer makes no new call into the old service,
  // which is then drained, stopped and released. Handles that the old service has given out, and
  // calls that it makes itself, go on until it has been drained.
  virtual void OnRebind(const Callback& moved) noexcept = 0;
  virtual void Release() noexcept = 0;

 protected:
  ~ServiceLease() = default;
};

// Typed lease. Use it like a pointer; do not keep the raw pointer across calls.
template <class I>
class ServiceRef {
 public:
  ServiceRef() noexcept = default;
  explicit ServiceRef(Handle<ServiceLease> lease) noexcept : lease_(std::move(lease)) {}
  I* get() const noexcept { return lease_ ? static_cast<I*>(lease_->Service()) : nullptr; }
  I* operator->() const noexcept { return get(); }
  I& operator*() const noexcept { return *get(); }
  explicit operator bool() const noexcept { return get() != nullptr; }
  ServiceLease* lease() const noexcept { return lease_.get(); }

 private:
  Handle<ServiceLease> lease_;
};

// Lives from Configure to Release.
class PluginContext {
 public:
  virtual StringView InstanceName() noexcept = 0;  // [any]
  // [any] Private to this instance: <data_dir>/<instance>. Not made until asked for by Env.
  virtual StringView DataDirectory() noexcept = 0;
  // [any] The kernel's data_dir itself.
  virtual StringView KernelDataDirectory() noexcept = 0;
  virtual const ConfigView& Config() noexcept = 0;    // [any]
  virtual Logger& Log() noexcept = 0;                 // [any]
  virtual MetricsRegistry& Metrics() noexcept = 0;    // [any]
  virtual nexadb::Executor& Executor() noexcept = 0;  // [any]
  virtual nexadb::Env& Env() noexcept = 0;            // [any]
  // [any] `nexadb-kernel --dev`: conveniences for a developer's own machine are welcome.
  virtual bool DevMode() noexcept = 0;
  // [control] In Configure only. The interface must stand in the manifest's "provides".
  virtual Status ProvideRaw(const InterfaceId& id, void* service) noexcept = 0;
  // [control] In Start only. Slots stand in the manifest's "requires". The index-th instance of
  // the slot; kNotFound past the last, and for an optional slot that nothing fills.
  virtual Result<Handle<ServiceLease>> LeaseRaw(const InterfaceId& id, StringView slot,
                                                uint32_t index) noexcept = 0;
  virtual uint32_t SlotSize(StringView slot) noexcept = 0;  // [control]
  // [any] Reports a failure that the instance cannot recover from. Its state becomes "failed" with
  // this reason; the kernel goes on and says so in kernel_info.
  virtual void ReportFailure(const Status& reason) noexcept = 0;

  // type_identity stops deduction, so the interface's own subobject is passed whatever else the
  // class inherits.
  template <class I>
  Status Provide(std::type_identity_t<I>& service) noexcept {
    return ProvideRaw(I::kInterface, &service);
  }
  template <class I>
  Result<ServiceRef<I>> Require(StringView slot, uint32_t index = 0) noexcept {
    auto lease = LeaseRaw(I::kInterface, slot, index);
    if (!lease.ok()) return lease.status();
    return ServiceRef<I>(std::move(*lease));
  }

 protected:
  ~PluginContext() = default;
};

class Plugin {
 public:
  // Reads the configuration and Provides services. No I/O, no threads.
  virtual Status Configure(PluginContext& context) noexcept = 0;
  // Requires services, opens files, starts threads.
  virtual Status Start() noexcept = 0;
  // Refuses new work, finishes old within `deadline_ms`; then Stop comes. May have its own thread.
  virtual void Drain(uint64_t deadline_ms) noexcept = 0;
  // Joins threads, flushes, closes. Must work after a failed Start.
  virtual void Stop() noexcept = 0;
  // [control] While running: applies a changed, validated configuration or answers kUnsupported:
  // nothing has changed, restart. The one it has (SIGHUP): reads again the files that it names.
  virtual Status Reconfigure(const ConfigView& config) noexcept = 0;
  // An optional interface of the plugin itself, or null.
  virtual void* Facet(const InterfaceId& id) noexcept = 0;
  virtual void Release() noexcept = 0;

 protected:
  ~Plugin() = default;
};

// Facet of a plugin whose instances may be replaced while they run. Without it, a changed library
// or configuration takes effect at the next start of the kernel.
//
// The new instance is configured, succeeds, and starts while the old one serves. Then the consumers
// of its services are moved to it, and the old one is drained, stopped and released.
class Successor {
 public:
  static constexpr InterfaceId kInterface{"nexadb.successor", 0, 1};
  // [control] Between Configure and Start. `predecessor` is the running instance of the same name,
  // perhaps of another version of the library; it may be asked for facets. A failure leaves it as
  // it was.
  virtual Status Succeed(Plugin& predecessor) noexcept = 0;

 protected:
  ~Successor() = default;
};

struct PluginDescriptor {
  uint32_t struct_size;
  uint16_t abi_major;
  uint16_t abi_minor;
  const char* fingerprint;
  const char* id;
  Plugin* (*create)() noexcept;
};

}  // namespace nexadb

#define NEXADB_STR_(x) #x
#define NEXADB_STR(x) NEXADB_STR_(x)
#if !defined(__has_feature)
#define NEXADB_HAS_FEATURE(x) 0
#else
#define NEXADB_HAS_FEATURE(x) __has_feature(x)
#endif
#if defined(__SANITIZE_ADDRESS__) || NEXADB_HAS_FEATURE(address_sanitizer)
#define NEXADB_SANITIZER "asan"
#elif defined(__SANITIZE_THREAD__) || NEXADB_HAS_FEATURE(thread_sanitizer)
#define NEXADB_SANITIZER "tsan"
#else
#define NEXADB_SANITIZER "none"
#endif
#if defined(_LIBCPP_VERSION)
#define NEXADB_STDLIB "libc++"
#else
#define NEXADB_STDLIB "libstdc++"
#endif
#if defined(__x86_64__)
#define NEXADB_PLATFORM "linux-x86_64"
#elif defined(__aarch64__)
#define NEXADB_PLATFORM "linux-aarch64"
#endif
// Left of '|' must be equal on both sides; the right is recorded for reports only.
#define NEXADB_FINGERPRINT                                                                        \
  NEXADB_PLATFORM ",itanium,ptr=" NEXADB_STR(__SIZEOF_POINTER__) ",abi=" NEXADB_STR(              \
      NEXADB_ABI_MAJOR) "." NEXADB_STR(NEXADB_ABI_MINOR) ",san=" NEXADB_SANITIZER "|" __VERSION__ \
                                                         ";" NEXADB_STDLIB

#define NEXADB_PLUGIN(ID, CLASS)                                                              \
  extern "C" __attribute__((section(".nexadb.abi"), used, retain))                            \
  const char nexadb_plugin_abi[] = NEXADB_FINGERPRINT;                                        \
  extern "C" NEXADB_EXPORT const ::nexadb::PluginDescriptor* nexadb_plugin_entry() noexcept { \
    static const ::nexadb::PluginDescriptor descriptor = {                                    \
        sizeof(descriptor),                                                                   \
        NEXADB_ABI_MAJOR,                                                                     \
        NEXADB_ABI_MINOR,                                                                     \
        NEXADB_FINGERPRINT,                                                                   \
        ID,                                                                                   \
        []() noexcept -> ::nexadb::Plugin* { return new (std::nothrow) CLASS; }};             \
    return &descriptor;                                                                       \
  }
