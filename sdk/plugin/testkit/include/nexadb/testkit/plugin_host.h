// PluginHost: a kernel for one plugin, for tests and tools. Loads a library as the kernel does
// (manifest and fingerprint checked before any of its code runs), validates a configuration against
// its schema, and takes the instance through its life:
//
//   testkit::HostOptions options;
//   options.data_directory = "/tmp/x";
//   options.config = R"({"memory_budget": "16MiB"})";
//   auto host = testkit::PluginHost::Open("lib/nexadb/plugins/storage-memory.so", options);
//   if (host.ok() && (*host)->Start().ok()) (*host)->Service<StorageEngine>()->…
//
// The Env may be the system's or a SimEnv; the executor's threads come from it. The destructor
// stops what runs and releases the plugin; the library stays mapped. [control]: one thread owns a
// host.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "nexadb/plugin.h"

namespace nexadb::testkit {

struct HostOptions {
  std::string instance = "test";
  // The kernel's data_dir; the instance gets <data_directory>/<instance>.
  std::string data_directory;
  // The [plugins.x.config] table as a JSON object. Defaults come from the manifest.
  std::string config = "{}";
  Env* env = nullptr;  // null: the system's
  bool dev_mode = false;
  // Threads of the executor's blocking pool.
  uint32_t blocking_threads = 2;
  // Threads of a ParallelFor, the caller's included.
  uint32_t compute_threads = 1;
};

struct LogLine {
  LogLevel level;
  std::string text;  // the message, then " name=value" of each field
};

class PluginHost {
 public:
  // Loads, checks, makes the instance and configures it. The message names what is wrong.
  static Result<std::unique_ptr<PluginHost>> Open(const std::string& library,
                                                  const HostOptions& options);
  ~PluginHost();
  PluginHost(const PluginHost&) = delete;
  PluginHost& operator=(const PluginHost&) = delete;

  // Fills a slot of the plugin with a service. Before Start; `service` outlives the host.
  void Bind(const std::string& slot, const InterfaceId& id, void* service,
            const std::string& instance = "bound");
  template <class I>
  void Bind(const std::string& slot, std::type_identity_t<I>& service) {
    Bind(slot, I::kInterface, &service);
  }

  Status Start();
  // Drain and Stop. Legal after a failed Start, and twice.
  void Stop();
  Status Reconfigure(const std::string& config);

  // What the plugin provides, or null.
  void* ServiceRaw(const InterfaceId& id) const;
  template <class I>
  I* Service() const {
    return static_cast<I*>(ServiceRaw(I::kInterface));
  }
  nexadb::Plugin& Plugin();
  std::string PluginId() const;

  std::vector<LogLine> TakeLog();
  // The sum over labels of a counter or gauge, or a histogram's count; 0 when there is none.
  double Metric(const std::string& name) const;
  // The reason of the first ReportFailure, or OK.
  Status ReportedFailure() const;

 private:
  class Context;
  PluginHost();

  std::unique_ptr<Context> context_;
};

}  // namespace nexadb::testkit
