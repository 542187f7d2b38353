// InfoService: nexadb.kernel_info over the running kernel. [any]
//
// Reads the plan, atomics, and the instances under their lock.
#pragma once
#include "nexadb/kernel_info.h"

namespace nexadb::kernel {

class Kernel;

class InfoService final : public KernelInfo {
 public:
  explicit InfoService(Kernel& kernel);
  StringView Version() noexcept override;
  StringView State() noexcept override;
  uint64_t UptimeMs() noexcept override;
  Result<Buffer> Instances() noexcept override;
  Result<Buffer> Config() noexcept override;
  Result<Buffer> MetricsText() noexcept override;

 private:
  Kernel& kernel_;
  const uint64_t started_ns_;
};

}  // namespace nexadb::kernel
