#include "law.h"

#include <stdlib.h>

#include <filesystem>

namespace nexadb::testkit {
namespace {

class LawCase final : public ::testing::Test {
 public:
  LawCase(PluginSuite suite, PluginLaw law) : suite_(std::move(suite)), law_(law) {}
  void TestBody() override {
    const uint64_t seed = TestSeed();
    SCOPED_TRACE("NEXADB_TEST_SEED=" + std::to_string(seed));
    LawBench bench(suite_, seed);
    law_.check(bench);
  }

 private:
  const PluginSuite suite_;
  const PluginLaw law_;
};

}  // namespace

uint64_t TestSeed() {
  constexpr uint64_t kDefaultSeed = 20'240'601;
  const char* text = ::getenv("NEXADB_TEST_SEED");
  return text != nullptr ? ::strtoull(text, nullptr, 10) : kDefaultSeed;
}

LawBench::LawBench(const PluginSuite& suite, uint64_t seed) : suite_(suite), seed_(seed) {
  std::string pattern = ::testing::TempDir() + "nexadb_law_XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw std::runtime_error("cannot make a directory like " + pattern);
  }
  directory_ = pattern;
}

LawBench::~LawBench() {
  std::error_code ignored;  // a law that failed may have left files in use
  std::filesystem::remove_all(directory_, ignored);
}

std::unique_ptr<Assembly> LawBench::Opened(const std::string& name) {
  return Must(Assembly::Open(suite_, directory_ + "/" + name, &env_));
}

std::unique_ptr<Assembly> LawBench::Started(const std::string& name) {
  auto assembly = Opened(name);
  Must(assembly->Start());
  return assembly;
}

void RegisterLaws(const PluginSuite& suite, const std::vector<PluginLaw>& laws) {
  for (const PluginLaw& law : laws) {
    ::testing::RegisterTest(suite.name.c_str(), law.name, nullptr, nullptr, __FILE__, __LINE__,
                            [suite, law]() -> ::testing::Test* { return new LawCase(suite, law); });
  }
}

}  // namespace nexadb::testkit
