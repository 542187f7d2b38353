#include "core/base/sim_inode.h"

#include <algorithm>
#include <cstring>

namespace nexadb::base {
namespace {

using Change = SimDisk::Inode::Change;

void Apply(const Change& change, std::vector<uint8_t>* bytes) {
  if (change.truncates) {
    bytes->resize(change.offset);
    return;
  }
  uint64_t end = change.offset + change.data.size();
  if (bytes->size() < end) bytes->resize(end);
  std::copy(change.data.begin(), change.data.end(),
            bytes->begin() + static_cast<ptrdiff_t>(change.offset));
}

}  // namespace

void SimDisk::Inode::Write(uint64_t offset, BytesView data) {
  if (data.empty()) return;
  pending.push_back({offset, {data.begin(), data.end()}, false});
  Apply(pending.back(), &live);
}

void SimDisk::Inode::Resize(uint64_t size) {
  pending.push_back({size, {}, true});
  live.resize(size);
}

void SimDisk::Inode::Sync() {
  for (const Change& change : pending) Apply(change, &durable);
  pending.clear();
}

void SimDisk::Inode::FailSync(Prng& prng) {
  std::erase_if(pending, [&](const Change&) { return prng.OneIn(2); });
}

// Brings block number `block` of `out`, which holds the durable bytes with all changes before
// `first`, to the state after some of the changes in [first, last).
void SimDisk::Inode::CrashBlock(uint64_t block, size_t first, size_t last, Prng& prng,
                                std::vector<uint8_t>* out) const {
  uint64_t begin = block * kSimBlockBytes;
  uint64_t end = std::min<uint64_t>(begin + kSimBlockBytes, out->size());
  std::vector<const Change*> touching;
  for (size_t i = first; i < last; ++i) {
    const Change& change = pending[i];
    if (change.offset < end && change.offset + change.data.size() > begin) {
      touching.push_back(&change);
    }
  }
  if (touching.empty()) return;
  size_t kept = static_cast<size_t>(prng.Below(touching.size() + 1));
  bool torn = kept > 0 && prng.OneIn(2);
  for (size_t i = 0; i < kept; ++i) {
    const Change& change = *touching[i];
    for (uint64_t sector = begin; sector < end; sector += kSimSectorBytes) {
      // Of the last write that made it, each sector may be missing.
      if (torn && i + 1 == kept && prng.OneIn(2)) continue;
      uint64_t from = std::max(sector, change.offset);
      uint64_t to = std::min({sector + kSimSectorBytes, end, change.offset + change.data.size()});
      if (from < to) {
        std::memcpy(out->data() + from, change.data.data() + (from - change.offset), to - from);
      }
    }
  }
}

void SimDisk::Inode::Crash(Prng& prng, CrashStyle style) {
  if (style == CrashStyle::kKeepAll) {
    durable = live;
  } else if (style == CrashStyle::kRandom && !pending.empty()) {
    // The size is the one after `sized` changes. Truncations are metadata and keep their order with
    // the size, so all up to there have happened and none after it; the writes between the last one
    // and the next stand free.
    size_t sized = static_cast<size_t>(prng.Below(pending.size() + 1));
    size_t first = 0;
    size_t last = pending.size();
    uint64_t size = durable.size();
    for (size_t i = 0; i < pending.size(); ++i) {
      const Change& change = pending[i];
      if (i < sized) {
        size = change.truncates ? change.offset
                                : std::max<uint64_t>(size, change.offset + change.data.size());
        if (change.truncates) first = i + 1;
      } else if (change.truncates) {
        last = i;
        break;
      }
    }
    std::vector<uint8_t> left = durable;
    for (size_t i = 0; i < first; ++i) Apply(pending[i], &left);
    left.resize(size);
    for (uint64_t block = 0; block * kSimBlockBytes < size; ++block) {
      CrashBlock(block, first, last, prng, &left);
    }
    durable = std::move(left);
  }
  pending.clear();
  live = durable;
}

}  // namespace nexadb::base
