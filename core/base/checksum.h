// Checksum64: XXH3 with 64 bits and a seed, the one checksum of every format and the one hash of
// every table here. Equal on every machine and for ever: stored bytes depend on it. Not meant to
// stop an adversary. No state. [any]
#pragma once
#include "nexadb/abi.h"

namespace nexadb::base {

uint64_t Checksum64(BytesView bytes, uint64_t seed = 0) noexcept;

// Of parts that do not stand together, as one: a record's header and its payload. Differs from
// Checksum64 of the joined bytes.
inline uint64_t Checksum64(BytesView first, BytesView second, uint64_t seed = 0) noexcept {
  return Checksum64(second, Checksum64(first, seed));
}

}  // namespace nexadb::base
