// One file or directory of SimDisk, and what a power cut leaves of a file. Internal to core/base.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/base/sim_disk.h"

namespace nexadb::base {

// What one write moves to the disk as a whole, and what a torn one is cut into.
constexpr uint64_t kSimBlockBytes = 4096;
constexpr uint64_t kSimSectorBytes = 512;

struct SimDisk::Inode {
  // A write (data at offset) or, with `truncates`, a new size (offset).
  struct Change {
    uint64_t offset = 0;
    std::vector<uint8_t> data;
    bool truncates = false;
  };

  bool directory = false;
  // Files.
  std::vector<uint8_t> live;
  std::vector<uint8_t> durable;
  std::vector<Change> pending;
  // Directories.
  std::map<std::string, InodeRef, std::less<>> entries;
  std::map<std::string, InodeRef, std::less<>> durable_entries;

  void Write(uint64_t offset, BytesView data);
  void Resize(uint64_t size);
  void Sync();
  // Any pending change may never reach the disk, though it still reads back.
  void FailSync(Prng& prng);
  // Replaces the contents by what the power cut leaves.
  void Crash(Prng& prng, CrashStyle style);

 private:
  void CrashBlock(uint64_t block, size_t first, size_t last, Prng& prng,
                  std::vector<uint8_t>* out) const;
};

}  // namespace nexadb::base
