// A stored vector: dimensions (4 bytes little-endian), that many 32-bit floats, then the document
// key of its owner without the collection's prefix: FORMAT.md. Pure functions.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "nexadb/abi.h"

namespace nexadb::database {

struct VectorRecord {
  std::vector<float> vector;
  std::string_view document_key;  // borrows
};

std::string EncodeVector(std::span<const float> vector, std::string_view document_key);
// kCorruption when damaged or of other dimensions.
Result<VectorRecord> DecodeVector(BytesView value, uint32_t dimensions);
// The owner alone.
Result<std::string_view> OwnerOfVector(BytesView value);

}  // namespace nexadb::database
