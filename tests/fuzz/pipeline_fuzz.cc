// Two documents one after another: {pipeline: […]} and the only document it is run over. What
// comes out is well-formed, or there is an error.
// LINK: database-document.objects nexadb_document
#include <cstdlib>

#include "core/document/error.h"
#include "plugins/database-document/stage/pipeline.h"
#include "plugins/database-document/value/meter.h"

namespace {
using namespace nexadb;
using namespace nexadb::query;

class OneDocument final : public DocumentSource {
 public:
  explicit OneDocument(bson::Document doc) : doc_(doc) {}
  Result<size_t> Next(std::span<BatchDocument> out) override {
    if (done_ || out.empty()) return size_t{0};
    done_ = true;
    out[0] = BatchDocument::Borrow(doc_);
    return size_t{1};
  }

 private:
  bson::Document doc_;
  bool done_ = false;
};

class FuzzContext final : public PipelineContext {
 public:
  explicit FuzzContext(bson::Document doc) : doc_(doc) {}
  Result<SourcePtr> OpenCollection(std::string_view, bson::Document) override {
    return SourcePtr(std::make_unique<OneDocument>(doc_));
  }
  Result<SourcePtr> OpenDatabaseStage(bson::Document, SourcePtr) override {
    return MongoError(40324, "no such stage");
  }
  Status ParseDatabaseStage(bson::Document, bool, bool) override {
    return MongoError(40324, "no such stage");
  }
  Status CheckInterrupt() override { return Check(this); }
  static Status Check(const void* self) {
    const bool late = ++static_cast<const FuzzContext*>(self)->calls_ > 1000;
    return late ? MongoError(50, "late") : Status();
  }
  size_t MemoryBytesMax() const override { return size_t{1} << 20; }

 private:
  bson::Document doc_;
  mutable int calls_ = 0;
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 10) return 0;
  const uint32_t first = bson::Load<uint32_t>(data);
  if (first < 5 || first > size) return 0;
  const BytesView command{data, first};
  const bson::Document doc(BytesView{data + first, size - first});
  if (bson::Validate(command) != nullptr || bson::Validate(doc.bytes()) != nullptr) return 0;
  const bson::Value stages = bson::Document(command)["pipeline"].value();
  if (stages.type() != bson::Type::kArray) return 0;
  FuzzContext context(doc);
  Meter meter(FuzzContext::Check, &context, context.MemoryBytesMax());
  const MeterScope scope(&meter);
  auto pipeline = Pipeline::Parse(stages.Doc(), context, {});
  if (!pipeline.ok()) return 0;
  SourcePtr input = (*pipeline)->BringsDocuments() ? nullptr : std::make_unique<OneDocument>(doc);
  auto source = (*pipeline)->Open(std::move(input));
  if (!source.ok()) return 0;
  std::vector<BatchDocument> batch(8);
  for (int i = 0; i < 64; ++i) {
    const auto n = (*source)->Next(batch);
    if (!n.ok() || *n == 0) break;
    for (size_t d = 0; d < *n; ++d) {
      if (bson::Validate(batch[d].view().bytes(), 4 * bson::kNestingMax)) std::abort();
    }
  }
  return 0;
}
