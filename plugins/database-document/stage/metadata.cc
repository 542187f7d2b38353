#include "plugins/database-document/stage/metadata.h"

#include "plugins/database-document/value/metadata.h"

namespace nexadb::query {
namespace {

class KeepingTransform final : public DocumentTransform {
 public:
  explicit KeepingTransform(std::unique_ptr<DocumentTransform> transform)
      : transform_(std::move(transform)) {}
  std::string Apply(bson::Document doc) const override {
    std::string made = transform_->Apply(doc);
    if (!HasMetadata(doc)) return made;
    return WithMetadataOf(bson::Document(AsBytes(made)), doc);
  }

 private:
  std::unique_ptr<DocumentTransform> transform_;
};

class RemovalTransform final : public DocumentTransform {
 public:
  std::string Apply(bson::Document doc) const override { return WithoutMetadata(doc); }
};

}  // namespace

std::unique_ptr<DocumentTransform> KeepMetadata(std::unique_ptr<DocumentTransform> transform) {
  return std::make_unique<KeepingTransform>(std::move(transform));
}

StagePtr MakeMetadataRemoval() { return MakeTransformStage(std::make_unique<RemovalTransform>()); }

std::string SortByMetadata(bson::Document spec) {
  bson::Builder out;
  for (const bson::Element& e : spec) {
    const bson::Element meta =
        e.type() == bson::Type::kObject ? e.value().Doc()["$meta"] : bson::Element();
    if (meta && meta.type() == bson::Type::kString && meta.value().Text() == "score") {
      out.Int32(kScoreMember, -1);  // the best first, as MongoDB sorts
    } else {
      out.Element(e);
    }
  }
  return out.Finish();
}

}  // namespace nexadb::query
