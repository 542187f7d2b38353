// For tests: a context of pipelines whose memory and disk are the test's, with spill files in
// memory. Header-only.
#pragma once
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core/document/error.h"
#include "plugins/database-document/match/matcher.h"
#include "plugins/database-document/stage/pipeline.h"

namespace nexadb::query {

// The documents outlive the source.
class BorrowedSource final : public DocumentSource {
 public:
  explicit BorrowedSource(const std::vector<std::string>& documents) : documents_(documents) {}
  Result<size_t> Next(std::span<BatchDocument> out) override {
    size_t n = 0;
    while (n < out.size() && at_ < documents_.size()) {
      out[n++] = BatchDocument::Borrow(bson::Document(AsBytes(documents_[at_++])));
    }
    return n;
  }

 private:
  const std::vector<std::string>& documents_;
  size_t at_ = 0;
};

class OwningSource final : public DocumentSource {
 public:
  explicit OwningSource(std::vector<std::string> documents)
      : documents_(std::move(documents)), source_(documents_) {}
  Result<size_t> Next(std::span<BatchDocument> out) override { return source_.Next(out); }

 private:
  std::vector<std::string> documents_;
  BorrowedSource source_;
};

class MemorySpillFile final : public SpillFile {
 public:
  Status Append(BytesView bytes) override {
    bytes_.append(AsText(bytes));
    return {};
  }
  Status Rewind() override {
    at_ = 0;
    return {};
  }
  Result<size_t> Read(std::span<uint8_t> out) override {
    const size_t n = std::min(out.size(), bytes_.size() - at_);
    std::memcpy(out.data(), bytes_.data() + at_, n);
    at_ += n;
    return n;
  }

 private:
  std::string bytes_;
  size_t at_ = 0;
};

class SpillContext final : public PipelineContext {
 public:
  size_t memory = kStageMemoryBytesDefault;
  bool spills = true;
  int files = 0;   // opened so far
  Status failure;  // for the test that runs a pipeline

  std::vector<std::string> foreign;  // what every collection holds
  int queries = 0;                   // of collections so far
  Result<SourcePtr> OpenCollection(std::string_view, bson::Document filter) override {
    ++queries;
    auto matcher = Matcher::Parse(filter, {});
    if (!matcher.ok()) return matcher.status();
    std::vector<std::string> kept;
    for (const std::string& document : foreign) {
      auto matches = (*matcher)->Matches(bson::Document(AsBytes(document)));
      if (!matches.ok()) return matches.status();
      if (*matches) kept.push_back(document);
    }
    return SourcePtr(std::make_unique<OwningSource>(std::move(kept)));
  }
  Result<SourcePtr> OpenDatabaseStage(bson::Document, SourcePtr) override {
    return MongoError(40324, "no such stage");
  }
  Status ParseDatabaseStage(bson::Document, bool, bool) override {
    return MongoError(40324, "no such stage");
  }
  Status CheckInterrupt() override { return {}; }
  size_t MemoryBytesMax() const override { return memory; }
  Result<std::unique_ptr<SpillFile>> OpenSpillFile() override {
    if (!spills) return std::unique_ptr<SpillFile>();
    ++files;
    return std::unique_ptr<SpillFile>(std::make_unique<MemorySpillFile>());
  }
};

// All that a pipeline gives; a failure is left in the context.
inline std::vector<std::string> RunPipeline(const std::string& stages,
                                            const std::vector<std::string>& documents,
                                            SpillContext& context) {
  std::vector<std::string> found;
  auto pipeline = Pipeline::Parse(bson::Document(AsBytes(stages)), context, {});
  context.failure = pipeline.status();
  if (!pipeline.ok()) return found;
  auto source = (*pipeline)->Open(std::make_unique<BorrowedSource>(documents));
  context.failure = source.status();
  if (!source.ok()) return found;
  std::vector<BatchDocument> batch(kBatchDocuments);
  for (;;) {
    auto count = (*source)->Next(batch);
    context.failure = count.status();
    if (!count.ok() || *count == 0) return found;
    for (size_t i = 0; i < *count; ++i) found.emplace_back(AsText(batch[i].view().bytes()));
  }
}

}  // namespace nexadb::query
