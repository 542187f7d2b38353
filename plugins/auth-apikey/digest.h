// SHA-256 of secrets, and secrets themselves. Any thread.
//
// A fast hash is right here: secrets have 256 random bits, so there is nothing to guess, and a slow
// one would let anybody keep the server busy with bad keys.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "nexadb/env.h"

namespace nexadb::auth {

using Digest = std::array<uint8_t, 32>;

// Throws std::bad_alloc.
Digest DigestOf(std::string_view secret);
// In constant time.
bool Equal(const Digest& a, const Digest& b);
// "nxk_" and 43 characters of base64url: 256 random bits.
std::string NewSecret(Random& random);
// 16 characters that name a key.
std::string NewKeyId(Random& random);

}  // namespace nexadb::auth
