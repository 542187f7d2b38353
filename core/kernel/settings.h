// Settings: the configuration file with flags and environment over it, in the kernel's own terms.
// Plain data; what plugins want is still unchecked here, for their schemas are not read yet.
#pragma once
#include <string>
#include <vector>

#include "core/base/thread_pools.h"
#include "core/config/schema.h"
#include "core/config/value.h"
#include "core/kernel/options.h"
#include "core/runtime/logger.h"

namespace nexadb::kernel {

struct SlotUse {
  std::string slot;
  std::string where;
  std::vector<std::string> instances;
};

// One [plugins.NAME] table.
struct InstanceSettings {
  std::string name;
  std::string where;
  std::string library;
  std::string library_where;
  std::vector<SlotUse> use;
  config::Value config;
};

struct Settings {
  std::vector<std::string> plugin_path;  // absolute
  std::string data_dir;                  // absolute
  uint64_t drain_ms = 0;
  base::PoolSettings pools;
  runtime::LogSettings log;
  bool dev_mode = false;
  config::Value kernel_table;  // as validated, for printing
  std::vector<InstanceSettings> instances;
};

// Every mistake goes to `problems`; then the result is of use only to find more of them.
Settings ReadSettings(const Options& options, config::Problems& problems);

// What [kernel] may hold.
const config::Schema& KernelSchema();

// The kernel's own instance, which provides kernel_info.
constexpr std::string_view kKernelInstance = "kernel";
constexpr size_t kInstanceNameBytesMax = 64;

}  // namespace nexadb::kernel
