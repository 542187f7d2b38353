// LINK: nexadb_base
// Any bytes through ByteReader: it never reads past them, never moves on a failure, and what it
// reads is written back as the same bytes.
#include "core/base/coding.h"

#include <cstdlib>
#include <string>

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nexadb::base;
  ByteReader reader({data, size});
  std::string written;
  while (!reader.empty()) {
    size_t left = reader.left();
    uint64_t number = 0;
    nexadb::BytesView bytes;
    if (reader.ReadVarint(&number)) {
      PutVarint(written, number);
    } else {
      Require(reader.left() == left);
      if (!reader.ReadBytes(1, &bytes)) std::abort();
      PutBytes(written, bytes);
    }
    Require(reader.left() < left);
  }
  Require(nexadb::AsText({data, size}) == written);
  ByteReader prefixed({data, size});
  nexadb::BytesView part;
  while (prefixed.ReadLengthPrefixed(&part)) {
    Require(part.empty() || (part.data() >= data && part.data() + part.size() <= data + size));
  }
  return 0;
}
