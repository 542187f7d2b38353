#include "core/base/checksum.h"

// The whole algorithm in this file alone: no library to link, short inputs inlined.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace nexadb::base {

uint64_t Checksum64(BytesView bytes, uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace nexadb::base
