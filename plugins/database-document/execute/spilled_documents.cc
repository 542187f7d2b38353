#include "plugins/database-document/execute/spilled_documents.h"

#include <cstring>

#include "core/document/error.h"
#include "plugins/database-document/stage/stage.h"

namespace nexadb::query {

void SpilledDocuments::Add(bson::Document document) { Require(file_->Append(document.bytes())); }

void SpilledDocuments::Rewind() { Require(file_->Rewind()); }

bool SpilledDocuments::Exactly(char* to, size_t size) {
  size_t have = 0;
  while (have < size) {
    const std::span<uint8_t> rest(reinterpret_cast<uint8_t*>(to) + have, size - have);
    const size_t n = Unwrap(file_->Read(rest));
    if (n == 0 && have == 0) return false;
    if (n == 0) Require(MakeError(ErrorId::kCorruption, "a spill file ends within a document"));
    have += n;
  }
  return true;
}

size_t SpilledDocuments::Read(std::span<BatchDocument> out) {
  size_t n = 0;
  size_t bytes = 0;
  while (n < out.size() && bytes < kBatchBytes) {
    uint32_t size = 0;
    if (!Exactly(reinterpret_cast<char*>(&size), sizeof(size))) break;
    std::string document(size, '\0');
    std::memcpy(document.data(), &size, sizeof(size));
    Exactly(document.data() + sizeof(size), size - sizeof(size));
    bytes += size;
    out[n++] = BatchDocument::Own(std::move(document));
  }
  return n;
}

}  // namespace nexadb::query
