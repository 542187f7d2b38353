// $facet: the same documents through several pipelines.
#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/stage/stage.h"

namespace nexadb::query {
namespace {

// Hands the kept input to one pipeline after another.
class ReplaySource final : public DocumentSource {
 public:
  explicit ReplaySource(const std::vector<Buffer>& documents) : documents_(documents) {}
  Result<size_t> Next(std::span<BatchDocument> out) override {
    size_t n = 0;
    while (n < out.size() && at_ < documents_.size()) {
      out[n++] = BatchDocument::Share(documents_[at_++]);
    }
    return n;
  }

 private:
  const std::vector<Buffer>& documents_;
  size_t at_ = 0;
};

using Facets = std::vector<std::pair<std::string, std::unique_ptr<Pipeline>>>;

class FacetSource final : public StoredSource {
 public:
  FacetSource(SourcePtr input, const Facets& facets, PipelineContext& context)
      : input_(std::move(input)), facets_(facets), context_(context) {}

 private:
  void Compute() override {
    std::vector<Buffer> kept;
    size_t bytes = 0;
    BatchReader reader(std::move(input_));
    while (const BatchDocument* doc = reader.Next()) {
      kept.push_back(doc->Keep());
      bytes += kept.back().size();
      CheckMemory(bytes, context_, "$facet");
    }
    bson::Builder out;
    for (const auto& [name, pipeline] : facets_) {
      BatchReader results(Unwrap(pipeline->Open(std::make_unique<ReplaySource>(kept))));
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
