// What the laws of a plugin are written with. Internal to the test kit.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/base/prng.h"
#include "nexadb/testkit/assembly.h"
#include "nexadb/testkit/plugin_suite.h"
#include "test_env.h"

namespace nexadb::testkit {

// Ends the law with the message; GoogleTest reports what is thrown.
inline void Must(const Status& status) {
  if (!status.ok()) throw std::runtime_error(std::string(status.message()));
}
template <class T>
T Must(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(std::string(result.status().message()));
  return std::move(*result);
}

// What a law is given: the plugin's library, an Env to watch and disturb it with, and a data
// directory that goes with the law.
class LawBench {
 public:
  LawBench(const PluginSuite& suite, uint64_t seed);
  ~LawBench();
  LawBench(const LawBench&) = delete;
  LawBench& operator=(const LawBench&) = delete;

  // The plugin, wired and configured, in <directory>/<name>; Started() also starts it.
  std::unique_ptr<Assembly> Opened(const std::string& name = "data");
  std::unique_ptr<Assembly> Started(const std::string& name = "data");

  // A path in the law's directory that was not given before.
  std::string NewPath(const std::string& prefix) {
    return directory_ + "/" + prefix + std::to_string(++paths_);
  }
  const PluginSuite& suite() const { return suite_; }
  const std::string& directory() const { return directory_; }
  TestEnv& env() { return env_; }
  uint64_t seed() const { return seed_; }

 private:
  const PluginSuite& suite_;
  const uint64_t seed_;
  std::string directory_;
  int paths_ = 0;
  TestEnv env_;
};

struct PluginLaw {
  const char* name;
  void (*check)(LawBench& bench);
};

void RegisterLaws(const PluginSuite& suite, const std::vector<PluginLaw>& laws);

}  // namespace nexadb::testkit
