// $redact: keeps, prunes or descends into each level of a document, by an expression over that
// level. Objects in arrays are levels of their own; other values stay.
#include "plugins/database-document/expression/expression.h"
#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/stage/stage.h"

namespace nexadb::query {
namespace {

constexpr int kNoSentinel = 17053;

class Redact {
 public:
  Redact(const bson::Value& spec, const ParseOptions& options)
      : root_(std::make_shared<OwnedValue>()) {
    ParseOptions own = options;
    // Paths are those of the level; $$ROOT is the whole document all the same.
    own.variables["ROOT"] = root_;
    level_ = Unwrap(Expression::Parse(spec, own));
  }

  // Empty when the document goes.
  std::string Apply(bson::Document doc) const {
    *root_ = OwnedValue::Borrow(doc.AsValue(bson::Type::kObject));
    std::string out = Level(doc);
    *root_ = OwnedValue();
    return out;
  }

 private:
  std::string Level(bson::Document doc) const {
    const OwnedValue decision = Unwrap(level_->Evaluate(doc));
    const std::string_view text =
        decision.type() == bson::Type::kString ? decision.view().Text() : std::string_view();
    if (text == "keep") return std::string(AsText(doc.bytes()));
    if (text == "prune") return {};
    if (text != "descend") {
      Fail(kNoSentinel,
           "$redact's expression should not return anything aside from the variables "
           "$$KEEP, $$DESCEND, and $$PRUNE");
    }
    bson::Builder out;
    for (const bson::Element& e : doc) {
      const OwnedValue kept = Inside(e.value());
      if (!kept.IsMissing()) out.Value(e.name(), kept.view());
    }
    return out.Finish();
  }

  OwnedValue Inside(const bson::Value& value) const {
    if (value.type() == bson::Type::kObject) {
      std::string level = Level(value.Doc());
      return level.empty() ? OwnedValue::Missing() : OwnedValue::Object(std::move(level));
    }
    if (value.type() != bson::Type::kArray) return OwnedValue::Borrow(value);
    ArrayBuilder out;
    for (const bson::Element& e : value.Doc()) {
      const OwnedValue kept = Inside(e.value());
      if (!kept.IsMissing()) out.Add(kept.view());
    }
    return out.Finish();
  }

  VariableCell root_;
  std::unique_ptr<Expression> level_;
};

class RedactSource final : public MappingSource {
 public:
  RedactSource(SourcePtr input, const Redact& redact)
      : MappingSource(std::move(input)), redact_(redact) {}

 private:
  std::string Map(bson::Document doc) override { return redact_.Apply(doc); }
  const Redact& redact_;
};

class RedactStage final : public Stage {
 public:
  RedactStage(const bson::Value& spec, const ParseOptions& options) : redact_(spec, options) {}
  SourcePtr Open(SourcePtr input, PipelineContext&) const override {
    return std::make_unique<RedactSource>(std::move(input), redact_);
  }
  bool TreatsEachAlone() const override { return true; }

 private:
  Redact redact_;
};

}  // namespace

StagePtr ParseRedactStage(std::string_view name, const bson::Value& spec,
                          const ParseOptions& options) {
  if (name != "$redact") return nullptr;
  return std::make_unique<RedactStage>(spec, options);
}

}  // namespace nexadb::query
