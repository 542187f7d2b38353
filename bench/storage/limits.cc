#include "bench/storage/limits.h"

#include <fcntl.h>
#include <lz4.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "bench/storage/rows.h"
#include "core/base/checksum.h"

namespace nexadb::bench {
namespace {

constexpr size_t kMemoryBytes = size_t{256} << 20;  // more than any cache of the processor
constexpr size_t kBlockBytes = 8192;                // of a table
constexpr size_t kSyncBytes = 4096;
constexpr size_t kSyncFileBytes = size_t{16} << 20;

// Repeats `work`, which handles so many units, for the time given.
template <class Work>
Measurement Repeat(double seconds, uint64_t units, const Work& work) {
  Measurement m;
  const double start = NowSeconds();
  while (m.seconds < seconds) {
    work();
    m.operations += units;
    m.seconds = NowSeconds() - start;
  }
  return m;
}

void Memory(const Subject& subject, double seconds) {
  std::string from(kMemoryBytes, 'a');
  std::string to(kMemoryBytes, 'b');
  Print(subject, "limit_memcpy_bytes", 1,
        Repeat(seconds, kMemoryBytes, [&] { std::memcpy(to.data(), from.data(), kMemoryBytes); }),
        Effect::kReadsOnly);
  // Each load's address comes out of the one before: what a lookup that misses every cache pays.
  const uint64_t slots = kMemoryBytes / sizeof(uint64_t);
  auto* chain = reinterpret_cast<uint64_t*>(from.data());
  const Permutation permutation(slots);
  for (uint64_t i = 0; i < slots; ++i) chain[permutation(i)] = permutation(i + 1);
  uint64_t at = 0;
  constexpr uint64_t kLoads = 100'000;
  const Measurement loads = Repeat(seconds, kLoads, [&] {
    for (uint64_t i = 0; i < kLoads; ++i) at = chain[at];
  });
  if (at > slots) Fail("machine", "the chain of loads is broken");
  Print(subject, "limit_dependent_loads", 1, loads, Effect::kReadsOnly);
}

void Processing(const Subject& subject, double seconds) {
  const Values values(kBlockBytes);
  const std::string_view block = values(1);
  uint64_t sum = 0;
  const Measurement checksums = Repeat(seconds, kBlockBytes * 1000, [&] {
    for (int i = 0; i < 1000; ++i) sum = base::Checksum64(AsBytes(block), sum);
  });
  if (sum == 0) Fail("machine", "the checksum is nothing");
  Print(subject, "limit_checksum_bytes", 1, checksums, Effect::kReadsOnly);
  std::string packed(static_cast<size_t>(LZ4_compressBound(kBlockBytes)), '\0');
  std::string raw(kBlockBytes, '\0');
  int packed_bytes = 0;
  Print(subject, "limit_lz4_compress_bytes", 1,
        Repeat(seconds, kBlockBytes,
               [&] {
                 packed_bytes = LZ4_compress_default(block.data(), packed.data(), kBlockBytes,
                                                     static_cast<int>(packed.size()));
               }),
        Effect::kReadsOnly);
  Print(subject, "limit_lz4_decompress_bytes", 1,
        Repeat(seconds, kBlockBytes,
               [&] {
                 if (LZ4_decompress_safe(packed.data(), raw.data(), packed_bytes, kBlockBytes) !=
                     static_cast<int>(kBlockBytes)) {
                   Fail("machine", "LZ4 gave other bytes");
                 }
               }),
        Effect::kReadsOnly);
}

// Overwrites a file that is zeroed already, 4 KiB and a sync at a time: no engine that syncs every
// commit of one thread can be faster.
void Syncs(Subject subject, double seconds) {
  std::filesystem::create_directories(subject.directory);
  const std::string path = subject.directory + "/syncs";
  const int file = ::open(path.c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0) Fail("machine", "cannot make " + path);
  const std::string zeros(kSyncFileBytes, '\0');
  if (::pwrite(file, zeros.data(), zeros.size(), 0) < 0) Fail("machine", "cannot write " + path);
  if (::fsync(file) != 0) Fail("machine", "cannot sync " + path);
  const std::string page(kSyncBytes, 'x');
  size_t at = 0;
  subject.durability = DurabilityClass::kDisk;
  const Measurement syncs = Repeat(seconds, 1, [&] {
    if (::pwrite(file, page.data(), page.size(), static_cast<off_t>(at)) < 0 ||
        ::fdatasync(file) != 0) {
      Fail("machine", "cannot write " + path);
    }
    at = (at + kSyncBytes) % kSyncFileBytes;
  });
  Print(subject, "limit_fdatasync", 1, syncs, Effect::kWrites);
  ::close(file);
  std::filesystem::remove_all(subject.directory);
}

}  // namespace

void PrintLimits(const Subject& subject, double seconds) {
  Memory(subject, seconds);
  Processing(subject, seconds);
  Syncs(subject, seconds);
}

}  // namespace nexadb::bench
