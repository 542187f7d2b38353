// Key rings for tests, made of single letters: "ab" is a ring that seals with key a and opens what
// was sealed with b, "-a" one that seals nothing any more. Tests only.
#pragma once
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "plugins/storage-lsm/encryption/key_ring.h"

namespace nexadb::lsm::testing {

// Aborts on letters that are no hexadecimal digits.
inline std::shared_ptr<const KeyRing> TestKeys(std::string_view letters) {
  std::string text;
  for (char letter : letters) {
    text += (letter == '-' ? std::string("plain") : std::string(kKeyBytes * 2, letter)) + "\n";
  }
  auto ring = KeyRing::Parse(text, "test keys");
  if (!ring.ok()) std::abort();
  return *ring;
}

}  // namespace nexadb::lsm::testing
