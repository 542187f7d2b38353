// nexadb.kernel_info: what the kernel knows, as a service like any other. The kernel provides it
// under the instance name "kernel", so that frontends need no private door.
#pragma once
#include "nexadb/abi.h"

namespace nexadb {

class KernelInfo {  // [any]
 public:
  static constexpr InterfaceId kInterface{"nexadb.kernel_info", 0, 1};
  virtual StringView Version() noexcept = 0;
  // "starting", "running", "draining" or "stopping".
  virtual StringView State() noexcept = 0;
  virtual uint64_t UptimeMs() noexcept = 0;
  // BSON: {instances: [{name, library, path, id, version, state, provides: [..],
  // slots: [{slot, interface, cardinality, instances: [..]}], config: {..} (secrets redacted),
  // fingerprint, reason}]}.
  virtual Result<Buffer> Instances() noexcept = 0;
  // The configuration in force, as BSON, with secrets redacted.
  virtual Result<Buffer> Config() noexcept = 0;
  // Every metric in Prometheus' text exposition format.
  virtual Result<Buffer> MetricsText() noexcept = 0;

 protected:
  ~KernelInfo() = default;
};

}  // namespace nexadb
