// $facet: the same documents through several pipelines.
#include "plugins/database-document/execute/spilled_documents.h"
#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/stage/stage.h"

namespace nexadb::query {
namespace {

// The input, kept for one pipeline after another: in memory, and all of it on disk once that is too
// much.
class KeptInput {
 public:
  KeptInput(SourcePtr input, PipelineContext& context) {
    BatchReader reader(std::move(input));
    while (const BatchDocument* doc = reader.Next()) {
      if (spilled_ != nullptr) {
        spilled_->Add(doc->view());
        continue;
      }
      kept_.push_back(doc->Keep());
      bytes_ += kept_.back().size() + sizeof(Buffer);
      if (bytes_ > context.MemoryBytesMax()) Spill(context);
    }
  }
  size_t bytes() const { return bytes_; }  // in memory
  // From the first document on. One replay at a time, while this lives.
  SourcePtr Replay();

 private:
  class Source;
  void Spill(PipelineContext& context) {
    std::unique_ptr<SpillFile> file = Unwrap(context.OpenSpillFile());
    if (file == nullptr) CheckMemory(bytes_, context, "$facet");
    spilled_ = std::make_unique<SpilledDocuments>(std::move(file));
    for (const Buffer& document : kept_) spilled_->Add(bson::Document(document.bytes()));
    kept_.clear();
    bytes_ = 0;
  }
  std::vector<Buffer> kept_;
  std::unique_ptr<SpilledDocuments> spilled_;
  size_t bytes_ = 0;
};

class KeptInput::Source final : public DocumentSource {
 public:
  explicit Source(KeptInput& input) : input_(input) {}
  Result<size_t> Next(std::span<BatchDocument> out) override {
    if (input_.spilled_ != nullptr) {
      return Catch<size_t>([&] { return input_.spilled_->Read(out); });
    }
    size_t n = 0;
    while (n < out.size() && at_ < input_.kept_.size()) {
      out[n++] = BatchDocument::Share(input_.kept_[at_++]);
    }
    return n;
  }

 private:
  KeptInput& input_;
  size_t at_ = 0;
};

SourcePtr KeptInput::Replay() {
  if (spilled_ != nullptr) spilled_->Rewind();
  return std::make_unique<Source>(*this);
}

using Facets = std::vector<std::pair<std::string, std::unique_ptr<Pipeline>>>;

class FacetSource final : public StoredSource {
 public:
  FacetSource(SourcePtr input, const Facets& facets, PipelineContext& context)
      : input_(std::move(input)), facets_(facets), context_(context) {}

 private:
  void Compute() override {
    KeptInput kept(std::move(input_), context_);
    size_t bytes = kept.bytes();
    bson::Builder out;
    for (const auto& [name, pipeline] : facets_) {
      BatchReader results(Unwrap(pipeline->Open(kept.Replay())));
      ArrayBuilder array;
      while (const BatchDocument* doc = results.Next()) {
        bytes += doc->view().bytes().size();
        CheckMemory(bytes, context_, "$facet");
        array.Add(doc->view().AsValue(bson::Type::kObject));
      }
      out.Value(name, array.Finish().view());
    }
    documents_.push_back(Buffer::Own(out.Finish()));
  }
  SourcePtr input_;
  const Facets& facets_;
  PipelineContext& context_;
};

class FacetStage final : public Stage {
 public:
  explicit FacetStage(Facets facets) : facets_(std::move(facets)) {}
  SourcePtr Open(SourcePtr input, PipelineContext& context) const override {
    return std::make_unique<FacetSource>(std::move(input), facets_, context);
  }
  void AddForeign(std::vector<std::string>* out) const override {
    for (const auto& facet : facets_) {
      for (std::string& inner : facet.second->ForeignCollections())
        out->push_back(std::move(inner));
    }
  }

 private:
  Facets facets_;
};

}  // namespace

StagePtr ParseFacetStage(std::string_view name, const bson::Value& spec,
                         const ParseOptions& options, PipelineContext& context) {
  if (name != "$facet") return nullptr;
  if (spec.type() != bson::Type::kObject || spec.Doc().empty()) {
    Fail(40169, "the $facet specification must be a non-empty object");
  }
  static constexpr std::string_view kRefused[] = {"$out",
                                                  "$merge",
                                                  "$facet",
                                                  "$collStats",
                                                  "$indexStats",
                                                  "$geoNear",
                                                  "$documents",
                                                  "$listSessions",
                                                  "$planCacheStats",
                                                  "$currentOp",
                                                  "$changeStream",
                                                  "$querySettings",
                                                  "$listCatalog",
                                                  "$listLocalSessions",
                                                  "$listClusterCatalog",
                                                  "$queryStats",
                                                  "$listSearchIndexes",
                                                  "$searchMeta",
                                                  "$search",
                                                  "$vectorSearch",
                                                  "$rankFusion",
                                                  "$scoreFusion"};
  Facets facets;
  for (const bson::Element& e : spec.Doc()) {
    CheckFieldPath(e.name());
    if (e.name().find('.') != std::string_view::npos) {
      Fail(40170, "the $facet output field must not contain '.'");
    }
    if (e.type() != bson::Type::kArray) {
      Fail(40170, "arguments to $facet must be arrays, " + std::string(e.name()) + " is type " +
                      std::string(TypeName(e.type())));
    }
    for (const bson::Element& stage : e.value().Doc()) {
      if (stage.type() != bson::Type::kObject) {
        Fail(40171, "elements of arrays in $facet spec must be non-empty objects");
      }
      for (const std::string_view refused : kRefused) {
        if (stage.value().Doc()[refused]) {
          Fail(40600, std::string(refused) + " is not allowed to be used within a $facet stage");
        }
      }
    }
    facets.emplace_back(e.name(), Unwrap(Pipeline::Parse(e.value().Doc(), context, options)));
  }
  return std::make_unique<FacetStage>(std::move(facets));
}

}  // namespace nexadb::query
