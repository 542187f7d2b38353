// Stages that are a function of one document: $project, $addFields, $set, $unset, $replaceRoot,
// $replaceWith; and updates made of them.
#include "plugins/database-document/expression/expression.h"
#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/project/projection.h"
#include "plugins/database-document/stage/pipeline_update.h"
#include "plugins/database-document/stage/stage.h"

namespace nexadb::query {
namespace {

class ProjectionTransform final : public DocumentTransform {
 public:
  explicit ProjectionTransform(std::unique_ptr<Projection> projection)
      : projection_(std::move(projection)) {}
  std::string Apply(bson::Document doc) const override { return Unwrap(projection_->Apply(doc)); }
  std::optional<std::vector<std::string>> Paths() const override {
    return projection_->KeptPaths();
  }

 private:
  std::unique_ptr<Projection> projection_;
};

class ReplaceTransform final : public DocumentTransform {
 public:
  ReplaceTransform(std::unique_ptr<Expression> expression, std::string_view name)
      : expression_(std::move(expression)), name_(name) {}
  std::string Apply(bson::Document doc) const override {
    const OwnedValue v = Unwrap(expression_->Evaluate(doc));
    if (v.type() != bson::Type::kObject) {
      Fail(40228, "'" + name_ +
                      "' expression must evaluate to an object, but resulting value was "
                      "of type: " +
                      std::string(TypeName(v.type())));
    }
    return std::string(AsText(v.view().bytes()));
  }

 private:
  std::unique_ptr<Expression> expression_;
  std::string name_;
};

std::string UnsetSpec(const bson::Value& spec) {
  bson::Builder out;
  const auto add = [&](const bson::Value& v, int number) {
    if (v.type() != bson::Type::kString) {
      Fail(number, "$unset specification must be a string or an array of strings");
    }
    const std::string_view path = v.Text();
    if (path.starts_with('$')) Fail(16410, "FieldPath field names may not start with '$'.");
    if (path.find('\0') != std::string_view::npos) {
      Fail(9527900, "$unset paths must not contain an embedded null byte");
    }
    out.Int32(path, 0);
  };
  if (spec.type() == bson::Type::kString) {
    add(spec, 31002);
  } else if (spec.type() == bson::Type::kArray) {
    if (spec.Doc().empty()) {
      Fail(31119, "$unset specification must be a string or an array with at least one field");
    }
    for (const bson::Element& e : spec.Doc()) add(e.value(), 31120);
  } else {
    Fail(31002, "$unset specification must be a string or an array");
  }
  return out.Finish();
}

std::unique_ptr<DocumentTransform> Wrap(Result<std::unique_ptr<Projection>> projection) {
  return std::make_unique<ProjectionTransform>(Unwrap(std::move(projection)));
}

std::unique_ptr<DocumentTransform> ParseReplaceRoot(const bson::Value& spec,
                                                    const ParseOptions& options) {
  if (spec.type() != bson::Type::kObject) {
    Fail(40229, "expected an object as specification for $replaceRoot stage, got " +
                    std::string(TypeName(spec.type())));
  }
  bson::Value root;
  for (const bson::Element& e : spec.Doc()) {
    if (e.name() != "newRoot") {
      Fail(code::kUnknownField,
           "BSON field '$replaceRoot." + std::string(e.name()) + "' is an unknown field.");
    }
    root = e.value();
  }
  if (!root) {
    Fail(code::kMissingField, "BSON field '$replaceRoot.newRoot' is missing but a required field");
  }
  return std::make_unique<ReplaceTransform>(Unwrap(Expression::Parse(root, options)), "newRoot");
}

class TransformSource final : public MappingSource {
 public:
  TransformSource(SourcePtr input, const DocumentTransform& transform)
      : MappingSource(std::move(input)), transform_(transform) {}

 private:
  std::string Map(bson::Document doc) override { return transform_.Apply(doc); }
  const DocumentTransform& transform_;
};

class TransformStage final : public Stage {
 public:
  explicit TransformStage(std::unique_ptr<DocumentTransform> transform)
      : transform_(std::move(transform)) {}
  SourcePtr Open(SourcePtr input, PipelineContext&) const override {
    return std::make_unique<TransformSource>(std::move(input), *transform_);
  }
  bool TreatsEachAlone() const override { return true; }
  Looks AddPaths(std::vector<std::string>* out) const override {
    const auto paths = transform_->Paths();
    if (!paths) return Looks::kAnywhere;
    out->insert(out->end(), paths->begin(), paths->end());
    return Looks::kThereAlone;
  }

 private:
  std::unique_ptr<DocumentTransform> transform_;
};

}  // namespace

std::unique_ptr<DocumentTransform> ParseTransform(std::string_view name, const bson::Value& spec,
                                                  const ParseOptions& options) {
  if (name == "$project") {
    if (spec.type() != bson::Type::kObject) {
      Fail(15969, "$project specification must be an object");
    }
    return Wrap(Projection::ParseProject(spec.Doc(), options));
  }
  if (name == "$addFields" || name == "$set") {
    if (spec.type() != bson::Type::kObject) {
      Fail(40272, std::string(name) + " specification stage must be an object, got " +
                      std::string(TypeName(spec.type())));
    }
    return Wrap(Projection::ParseAddFields(spec.Doc(), options));
  }
  if (name == "$unset") {
    const std::string unset = UnsetSpec(spec);
    return Wrap(Projection::ParseProject(bson::Document(AsBytes(unset)), options));
  }
  if (name == "$replaceRoot") return ParseReplaceRoot(spec, options);
  if (name == "$replaceWith") {
    return std::make_unique<ReplaceTransform>(Unwrap(Expression::Parse(spec, options)),
                                              "replacement document");
  }
  return nullptr;
}

StagePtr MakeTransformStage(std::unique_ptr<DocumentTransform> transform) {
  return std::make_unique<TransformStage>(std::move(transform));
}

PipelineUpdate::PipelineUpdate() = default;
PipelineUpdate::~PipelineUpdate() = default;

std::string PipelineUpdate::Apply(bson::Document doc) const {
  std::string current(AsText(doc.bytes()));
  for (const auto& step : steps) current = step->Apply(bson::Document(AsBytes(current)));
  return current;
}

std::unique_ptr<PipelineUpdate> ParsePipelineUpdate(bson::Document stages,
                                                    const ParseOptions& options) {
  auto update = std::make_unique<PipelineUpdate>();
  for (const bson::Element& e : stages) {
    if (e.type() != bson::Type::kObject) {
      Fail(code::kTypeMismatch, "Each element of the 'pipeline' array must be an object");
    }
    if (e.value().Doc().CountElements() != 1) {
      Fail(40323, "A pipeline stage specification object must contain exactly one field.");
    }
    const bson::Element stage = *e.value().Doc().begin();
    auto step = ParseTransform(stage.name(), stage.value(), options);
    if (step == nullptr) {
      Fail(72, std::string(stage.name()) + " is not allowed to be used within an update");
    }
    update->steps.push_back(std::move(step));
  }
  return update;
}

}  // namespace nexadb::query
