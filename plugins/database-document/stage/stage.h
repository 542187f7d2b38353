// A stage of a pipeline: parsed once, then opened over a source. Sources hold what changes while
// documents flow; stages are immutable and outlive them. Throw QueryError, which Pipeline catches.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "plugins/database-document/match/matcher.h"
#include "plugins/database-document/project/sort.h"
#include "plugins/database-document/stage/pipeline.h"
#include "plugins/database-document/value/failure.h"

namespace nexadb::query {

class Stage {
 public:
  virtual ~Stage() = default;
  // REQUIRES: input is null exactly when the stage is first and BringsDocuments().
  virtual SourcePtr Open(SourcePtr input, PipelineContext& context) const = 0;
  virtual bool BringsDocuments() const { return false; }
  virtual const std::string* Filter() const { return nullptr; }      // a $match's document
  virtual std::unique_ptr<Matcher>* OwnFilter() { return nullptr; }  // a $match's matcher
  // Takes over the filter of the $match behind, where it is cheaper to test while documents are
  // made; it is untouched otherwise.
  virtual bool TakeFilter(std::unique_ptr<Matcher>&) { return false; }
  virtual const SortPattern* Order() const { return nullptr; }  // a $sort's
  virtual void BreakTiesById() {}                               // of a $sort
  // At which paths of its input's documents it looks: adds them, unless it may look anywhere.
  enum class Looks {
    kAnywhere,
    kAndHandsOn,  // its documents are its input's
    kThereAlone,  // it makes documents of what is there
  };
  virtual Looks AddPaths(std::vector<std::string>*) const { return Looks::kAnywhere; }
  virtual void AddForeign(std::vector<std::string>*) const {}
  // How many of its input's first documents a $limit or a $skip asks for, or passes over.
  virtual std::optional<uint64_t> Takes() const { return std::nullopt; }
  virtual std::optional<uint64_t> Skips() const { return std::nullopt; }
  // Only so many of the first results will be asked for.
  virtual void KeepFirst(uint64_t) {}
  virtual uint64_t First() const { return 0; }  // what KeepFirst said; 0: nothing
  // What it gives for documents is what it gives for each of them, one behind the other.
  virtual bool TreatsEachAlone() const { return false; }
  // Its result for an input can be made of Partials of the input's parts.
  virtual bool HasPartials() const { return false; }
  virtual std::unique_ptr<Partial> NewPartial(PipelineContext&) const;
  // The stage's documents, of all parts together.
  virtual SourcePtr OpenJoined(std::unique_ptr<Partial> joined, PipelineContext&) const;
  // Written by Pipeline.
  std::string name;
};
using StagePtr = std::unique_ptr<Stage>;

// A function of one document, as $project is.
class DocumentTransform {
 public:
  virtual ~DocumentTransform() = default;
  virtual std::string Apply(bson::Document doc) const = 0;
  // The paths at which it looks; none: it may look anywhere.
  virtual std::optional<std::vector<std::string>> Paths() const { return std::nullopt; }
};
// Null when `name` is no such stage.
std::unique_ptr<DocumentTransform> ParseTransform(std::string_view name, const bson::Value& spec,
                                                  const ParseOptions& options);
StagePtr MakeTransformStage(std::unique_ptr<DocumentTransform> transform);

// Each gives null when `name` is none of its stages.
StagePtr ParseBasicStage(std::string_view name, const bson::Value& spec,
                         const ParseOptions& options);
StagePtr ParseSortStage(std::string_view name, const bson::Value& spec,
                        const ParseOptions& options);
StagePtr ParseGroupStage(std::string_view name, const bson::Value& spec,
                         const ParseOptions& options);
StagePtr ParseBucketStage(std::string_view name, const bson::Value& spec,
                          const ParseOptions& options);
StagePtr ParseJoinStage(std::string_view name, const bson::Value& spec, const ParseOptions& options,
                        PipelineContext& context);
StagePtr ParseFacetStage(std::string_view name, const bson::Value& spec,
                         const ParseOptions& options, PipelineContext& context);

StagePtr ParseRedactStage(std::string_view name, const bson::Value& spec,
                          const ParseOptions& options);
StagePtr ParseWindowStage(std::string_view name, const bson::Value& spec,
                          const ParseOptions& options);
StagePtr ParseDensifyStage(std::string_view name, const bson::Value& spec,
                           const ParseOptions& options);
StagePtr ParseGraphStage(std::string_view name, const bson::Value& spec,
                         const ParseOptions& options);

// A source that hands out one document at a time from a batch of its input.
class BatchReader {
 public:
  explicit BatchReader(SourcePtr input) : input_(std::move(input)) {}
  // The next document, borrowed until the next call; null at the end. Takes no more than `wanted`
  // from the input at once. Throws QueryError.
  const BatchDocument* Next(size_t wanted = kBatchDocuments);

 private:
  SourcePtr input_;
  std::vector<BatchDocument> batch_;
  size_t at_ = 0;
  size_t count_ = 0;
};

// What the documents of a batch may take before it is handed on: each may be large.
constexpr size_t kBatchBytes = 4u << 20;

// Makes a document of each of its input's.
class MappingSource : public DocumentSource {
 public:
  explicit MappingSource(SourcePtr input) : reader_(std::move(input)) {}
  Result<size_t> Next(std::span<BatchDocument> out) final;

 protected:
  // Empty when the document goes. Throws QueryError.
  virtual std::string Map(bson::Document doc) = 0;

 private:
  BatchReader reader_;
};

// Finished documents, for sources that compute all of theirs first.
class StoredSource : public DocumentSource {
 public:
  Result<size_t> Next(std::span<BatchDocument> out) override;

 protected:
  // Fills documents_; called once, at the first Next.
  virtual void Compute() = 0;
  std::vector<Buffer> documents_;

 private:
  bool computed_ = false;
  size_t at_ = 0;
};

// Stops a stage that holds more than the query may.
void CheckMemory(size_t bytes, const PipelineContext& context, std::string_view stage);

}  // namespace nexadb::query
