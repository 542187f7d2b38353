// Stands in for libFuzzer under any compiler: runs a fuzz target over every file of the folders
// given, over seeded mutations of each, and over random bytes. Deterministic; a failure names the
// input before it crashes only when NEXADB_FUZZ_TRACE is set, for that makes it slow.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/base/prng.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Bytes = std::vector<uint8_t>;

constexpr uint64_t kSeed = 20'240'601;
constexpr int kMutationsPerFile = 3'000;
constexpr int kRandomInputs = 5'000;
constexpr uint64_t kRandomBytesMax = 200;

bool tracing = false;

void Run(const Bytes& input, const std::string& name) {
  if (tracing) std::fprintf(stderr, "%s: %zu bytes\n", name.c_str(), input.size());
  // A copy of its exact size, so that a sanitizer sees a read past the end.
  Bytes exact(input);
  exact.shrink_to_fit();
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

// One to four small damages: a byte changed, a bit flipped, a part cut out or doubled, the end cut.
Bytes Mutate(Bytes bytes, nexadb::base::Prng& prng) {
  for (uint64_t n = 1 + prng.Below(4); n > 0; --n) {
    if (bytes.empty()) return {static_cast<uint8_t>(prng.Next())};
    size_t at = prng.Below(bytes.size());
    size_t count = 1 + prng.Below(std::min<uint64_t>(16, bytes.size() - at));
    auto from = bytes.begin() + static_cast<ptrdiff_t>(at);
    switch (prng.Below(5)) {
      case 0: *from = static_cast<uint8_t>(prng.Next()); break;
      case 1: *from = static_cast<uint8_t>(*from ^ (1u << prng.Below(8))); break;
      case 2: bytes.erase(from, from + static_cast<ptrdiff_t>(count)); break;
      case 3: {
        Bytes part(from, from + static_cast<ptrdiff_t>(count));
        bytes.insert(from, part.begin(), part.end());
        break;
      }
      default: bytes.resize(at);
    }
  }
  return bytes;
}

std::vector<std::filesystem::path> FilesOf(const char* path) {
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_regular_file(path)) return {path};
  if (!std::filesystem::is_directory(path)) return files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  tracing = std::getenv("NEXADB_FUZZ_TRACE") != nullptr;
  nexadb::base::Prng prng(kSeed);
  size_t files = 0;
  Run({}, "empty");
  for (int i = 1; i < argc; ++i) {
    for (const auto& path : FilesOf(argv[i])) {
      std::ifstream in(path, std::ios::binary);
      Bytes bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
      ++files;
      Run(bytes, path.string());
      for (int m = 0; m < kMutationsPerFile; ++m) {
        Run(Mutate(bytes, prng), path.string() + " mutation " + std::to_string(m));
      }
    }
  }
  for (int i = 0; i < kRandomInputs; ++i) {
    Bytes bytes(prng.Below(kRandomBytesMax));
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(prng.Next());
    Run(bytes, "random " + std::to_string(i));
  }
  std::printf("%zu files, %zu inputs\n", files,
              1 + files * (1 + kMutationsPerFile) + kRandomInputs);
  return 0;
}
