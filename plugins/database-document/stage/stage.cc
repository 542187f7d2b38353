#include "plugins/database-document/stage/stage.h"

#include <algorithm>

#include "core/document/error.h"
#include "plugins/database-document/stage/partial.h"
#include "plugins/database-document/value/meter.h"

namespace nexadb::query {

Result<size_t> DocumentSource::Pass(size_t most) {
  std::vector<BatchDocument> batch(std::min(most, kBatchDocuments));
  return Next(batch);
}

Result<std::vector<SourcePtr>> DocumentSource::Divide(const Division&) {
  return std::vector<SourcePtr>();
}

std::unique_ptr<Partial> Stage::NewPartial(PipelineContext&) const { return nullptr; }

SourcePtr Stage::OpenJoined(std::unique_ptr<Partial> joined, PipelineContext&) const {
  return joined;
}

const BatchDocument* BatchReader::Next(size_t wanted) {
  if (at_ == count_) {
    if (input_ == nullptr) return nullptr;
    if (batch_.empty()) batch_.resize(kBatchDocuments);
    at_ = 0;
    Meter::Work(1);
    count_ = Unwrap(input_->Next(std::span(batch_).first(std::min(wanted, batch_.size()))));
    if (count_ == 0) {
      input_.reset();
      return nullptr;
    }
  }
  return &batch_[at_++];
}

Result<size_t> MappingSource::Next(std::span<BatchDocument> out) {
  return Catch<size_t>([&] {
    size_t n = 0;
    size_t bytes = 0;
    while (n < out.size() && bytes < kBatchBytes) {
      const BatchDocument* next = reader_.Next(out.size() - n);
      if (next == nullptr) break;
      std::string document = Map(next->view());
      Meter::WorkBytes(document.size());
      if (document.empty()) continue;
      bytes += document.size();
      out[n++] = BatchDocument::Own(std::move(document));
    }
    return n;
  });
}

Result<size_t> StoredSource::Next(std::span<BatchDocument> out) {
  return Catch<size_t>([&] {
    if (!computed_) {
      Compute();
      computed_ = true;
    }
    size_t n = 0;
    while (n < out.size() && at_ < documents_.size()) {
      out[n++] = BatchDocument::Share(std::move(documents_[at_++]));
    }
    return n;
  });
}

void CheckMemory(size_t bytes, const PipelineContext& context, std::string_view stage) {
  const size_t max = context.MemoryBytesMax();
  if (bytes <= max) return;
  Require(MakeError(ErrorId::kMemoryLimit,
                    std::string(stage) + " needs more memory than the query may use (" +
                        std::to_string(max) + " bytes)",
                    ErrorDetail()
                        .Text("limit", "query_memory_bytes")
                        .Int64("max", static_cast<int64_t>(max))
                        .Int64("got", static_cast<int64_t>(bytes))
                        .Finish()));
}

}  // namespace nexadb::query
