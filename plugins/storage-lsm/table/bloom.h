// Bloom filter of a table's keys, blocked: all probes of a key fall into one 64-byte line, so a
// lookup costs one cache miss. 10 bits a key and 6 probes let about 1.2 % of absent keys through.
// (Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007.)
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/base/checksum.h"

namespace nexadb::lsm {

inline uint64_t BloomHash(std::string_view key) { return base::Checksum64(AsBytes(key)); }

// The filter's bytes; empty for no keys.
std::string BuildBloom(const std::vector<uint64_t>& hashes);

// Asks for the memory that BloomMayContain will look at.
void PrefetchBloom(std::string_view filter, uint64_t hash);

// False only when no key with this hash was added. Bytes that are no filter let everything through.
bool BloomMayContain(std::string_view filter, uint64_t hash);

}  // namespace nexadb::lsm
