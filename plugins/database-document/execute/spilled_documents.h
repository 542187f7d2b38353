// SpilledDocuments: documents in a spill file, in the order that they were added. Written first,
// then read as often as wanted. One thread at a time. Throws QueryError.
#pragma once
#include <memory>
#include <string>

#include "plugins/database-document/stage/pipeline.h"

namespace nexadb::query {

class SpilledDocuments {
 public:
  explicit SpilledDocuments(std::unique_ptr<SpillFile> file) : file_(std::move(file)) {}
  void Add(bson::Document document);
  // To the first document.
  void Rewind();
  // Up to out.size() documents, each owned; 0 at the end. REQUIRES: Rewind came after the last Add.
  size_t Read(std::span<BatchDocument> out);

 private:
  bool Exactly(char* to, size_t size);
  std::unique_ptr<SpillFile> file_;
};

}  // namespace nexadb::query
