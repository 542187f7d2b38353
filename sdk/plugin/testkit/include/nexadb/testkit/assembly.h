// Assembly: a plugin together with the plugins that fill its slots, wired as the kernel does it,
// in one process. [control]: one thread owns it. The destructor stops all, consumers first.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "nexadb/testkit/plugin_host.h"
#include "nexadb/testkit/plugin_suite.h"

namespace nexadb::testkit {

class Assembly {
 public:
  // Starts the parts behind `suite.with`, then loads, configures and binds the plugin itself,
  // without starting it. `env` is the plugin's own; null for the system's. Fails with the part's
  // message, or when a slot of cardinality "one" stays empty.
  static Result<std::unique_ptr<Assembly>> Open(const PluginSuite& suite,
                                                const std::string& data_directory,
                                                Env* env = nullptr);
  ~Assembly();
  Assembly(const Assembly&) = delete;
  Assembly& operator=(const Assembly&) = delete;

  Status Start() { return plugin().Start(); }
  void Stop() { plugin().Stop(); }
  PluginHost& plugin() { return *hosts_.back().host; }
  template <class I>
  I* Service() {
    return plugin().Service<I>();
  }

 private:
  class FixedKernelInfo;
  struct Member {
    std::vector<std::string> provides;
    std::string instance;
    std::unique_ptr<PluginHost> host;
  };

  Assembly();
  Status Add(const PluginPart& part, const std::string& instance, const std::string& directory,
             Env* env);
  Status FillSlots(Member& member, const std::string& library);

  std::unique_ptr<FixedKernelInfo> kernel_;
  std::vector<Member> hosts_;
};

}  // namespace nexadb::testkit
