// $lookup (equality and pipeline forms), $unionWith.
#include <algorithm>
#include <map>

#include "plugins/database-document/execute/equality_join.h"
#include "plugins/database-document/expression/expression.h"
#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/stage/stage.h"
#include "plugins/database-document/update/path_edit.h"
#include "plugins/database-document/value/path.h"

namespace nexadb::query {
namespace {

struct Lookup {
  std::string from;
  std::string as;
  Path local;
  std::string foreign;  // empty: no equality
  std::string pipeline;
  bool has_pipeline = false;
  std::vector<std::pair<VariableCell, std::unique_ptr<Expression>>> let;
  ParseOptions options;
  // Of the $match behind, when it asks for the joined documents alone; null: none.
  std::unique_ptr<Matcher> filter;
  bool IsEquality() const { return !foreign.empty() && !has_pipeline; }
};

std::vector<std::string> Components(std::string_view path) {
  std::vector<std::string> out;
  const Path parts(path);
  for (const PathComponent& c : parts.components()) out.push_back(c.name);
  return out;
}

class LookupSource final : public DocumentSource {
 public:
  LookupSource(SourcePtr input, const Lookup& spec, PipelineContext& context)
      : input_(std::move(input)), spec_(spec), context_(context), as_(Components(spec.as)) {
    if (!spec.IsEquality()) return;
    join_.emplace(EqualityJoin::Options{spec.from, spec.local, Path(spec.foreign), spec.as,
                                        spec.filter.get(), spec.options.collation},
                  context);
  }

  Result<size_t> Next(std::span<BatchDocument> out) override {
    return Catch<size_t>([&] {
      size_t n = 0;
      while (n == 0 && (at_ != count_ || Fetch(out.size()))) {
        size_t bytes = 0;
        while (n < out.size() && at_ < count_ && bytes < kBatchBytes) {
          std::optional<std::string> joined = Join(at_++);
          if (!joined) continue;
          bytes += joined->size();
          out[n++] = BatchDocument::Own(std::move(*joined));
        }
      }
      return n;
    });
  }

  Result<size_t> Pass(size_t most) override {
    return Catch<size_t>([&] {
      if (join_ && spec_.filter == nullptr && at_ == count_) return PassUnjoined(most);
      size_t n = 0;
      while (n == 0 && (at_ != count_ || Fetch(most))) {
        for (; n < most && at_ < count_; ++at_) {
          const EqualityJoin::Joined* known = join_ ? join_->At(at_) : nullptr;
          n += known != nullptr ? known->passes : Join(at_).has_value();
        }
      }
      return n;
    });
  }

 private:
  // Each document gives one, whatever is found for it. Whether the caller may read there, and
  // whether there is anything wrong with what is named, is asked all the same.
  size_t PassUnjoined(size_t most) {
    if (!opened_foreign_) Unwrap(context_.OpenCollection(spec_.from, bson::Document()));
    opened_foreign_ = true;
    return Unwrap(input_->Pass(most));
  }

  bool Fetch(size_t wanted) {
    Require(context_.CheckInterrupt());
    batch_.resize(std::min(wanted, kBatchDocuments));
    at_ = 0;
    count_ = Unwrap(input_->Next(batch_));
    Meter::Work(count_);
    if (join_) join_->Prepare(std::span(batch_).first(count_));
    return count_ != 0;
  }

  // A document of the batch with what it is joined with; none when the filter refuses it.
  std::optional<std::string> Join(size_t at) {
    const bson::Document doc = batch_[at].view();
    if (const EqualityJoin::Joined* known = join_ ? join_->At(at) : nullptr) {
      if (!known->passes) return std::nullopt;
      return With(doc, known->documents);
    }
    std::string joined = Search(doc);
    const bool passes =
        spec_.filter == nullptr || Unwrap(spec_.filter->Matches(bson::Document(AsBytes(joined))));
    if (!passes) return std::nullopt;
    return joined;
  }

  // The same by a query for this document alone.
  std::string Search(bson::Document doc) {
    Require(context_.CheckInterrupt());
    const std::string filter = spec_.foreign.empty() ? std::string() : Filter(doc);
    SourcePtr source = Unwrap(context_.OpenCollection(
        spec_.from, filter.empty() ? bson::Document() : bson::Document(AsBytes(filter))));
    std::unique_ptr<Pipeline> pipeline;
    if (spec_.has_pipeline) {
      for (const auto& [cell, expression] : spec_.let) {
        *cell = Unwrap(expression->Evaluate(doc)).Keep();
      }
      // Parsed for each row: constants made of the variables fold.
      pipeline =
          Unwrap(Pipeline::Parse(bson::Document(AsBytes(spec_.pipeline)), context_, spec_.options));
      source = Unwrap(pipeline->Open(pipeline->BringsDocuments() ? nullptr : std::move(source)));
    }
    ArrayBuilder found;
    size_t bytes = 0;
    BatchReader reader(std::move(source));
    while (const BatchDocument* row = reader.Next()) {
      bytes += row->view().bytes().size();
      CheckMemory(bytes, context_, "$lookup");
      found.Add(row->view().AsValue(bson::Type::kObject));
    }
    return With(doc, found.Finish());
  }

  std::string With(bson::Document doc, const OwnedValue& joined) const {
    return EditPath(doc, as_, IfAbsent::kReplace, [&](const bson::Value&) { return joined; });
  }

  // {foreign: {$in: [values of local]}}; a missing local value looks for null.
  std::string Filter(bson::Document doc) const {
    ArrayBuilder values;
    bool any = false;
    VisitPath(doc, spec_.local, [&](const bson::Value& v, int64_t) {
      if (v.type() == bson::Type::kArray) {
        for (const bson::Element& e : v.Doc()) {
          values.Add(e.value());
          any = true;
        }
        if (!v.Doc().empty()) values.Add(v);
      } else {
        values.Add(v);
        any = true;
      }
      return false;
    });
    bson::Builder b;
    b.OpenObject(spec_.foreign);
    if (!any) {
      b.Null("$eq");
    } else {
      const OwnedValue list = values.Finish();
      bool only_eq = list.view().Doc().CountElements() == 1;
      // A regular expression among the values is looked for as itself.
      bool regex = false;
      for (const bson::Element& e : list.view().Doc()) regex |= e.type() == bson::Type::kRegex;
      if (only_eq) {
        b.Value("$eq", list.view().Doc().begin()->value());
      } else if (!regex) {
        b.Value("$in", list.view());
      } else {
        return EitherFilter(list.view().Doc());
      }
    }
    b.Close();
    return b.Finish();
  }

  std::string EitherFilter(bson::Document values) const {
    bson::Builder b;
    b.OpenArray("$or");
    for (const bson::Element& e : values) {
      b.OpenObject(e.name()).OpenObject(spec_.foreign).Value("$eq", e.value()).Close().Close();
    }
    b.Close();
    return b.Finish();
  }

  SourcePtr input_;
  const Lookup& spec_;
  PipelineContext& context_;
  const std::vector<std::string> as_;
  std::optional<EqualityJoin> join_;  // for an equality without a pipeline
  std::vector<BatchDocument> batch_;
  size_t at_ = 0;
  size_t count_ = 0;
  bool opened_foreign_ = false;
};

class LookupStage final : public Stage {
 public:
  explicit LookupStage(Lookup spec) : spec_(std::move(spec)) {}
  SourcePtr Open(SourcePtr input, PipelineContext& context) const override {
    return std::make_unique<LookupSource>(std::move(input), spec_, context);
  }
  bool TreatsEachAlone() const override { return true; }
  void AddForeign(std::vector<std::string>* out) const override {
    if (!spec_.from.empty()) out->push_back(spec_.from);
  }
  bool TakeFilter(std::unique_ptr<Matcher>& filter) override {
    // The filter's own options (variables, a collation) come with it.
    const bool takes = spec_.IsEquality() && spec_.filter == nullptr &&
                       spec_.as.find('.') == std::string::npos && DependsOnlyOn(*filter, spec_.as);
    if (takes) spec_.filter = std::move(filter);
    return takes;
  }

 private:
  Lookup spec_;
};

std::string TextOf(const bson::Element& e, std::string_view stage, int number) {
  if (e.type() != bson::Type::kString) {
    Fail(number, std::string(stage) + " argument '" + std::string(e.name()) +
                     "' must be a string, is type " + std::string(TypeName(e.type())));
  }
  return std::string(e.value().Text());
}

void ParseLet(const bson::Element& e, const ParseOptions& options, Lookup* lookup) {
  if (e.type() != bson::Type::kObject) {
    Fail(code::kTypeMismatch, "$lookup argument 'let' must be an object");
  }
  for (const bson::Element& v : e.value().Doc()) {
    const std::string_view name = v.name();
    if (!IsVariableName(name)) {
      Fail(code::kFailedToParse, "'" + std::string(name) + "' is not a valid variable name");
    }
    auto cell = std::make_shared<OwnedValue>();
    lookup->let.emplace_back(cell, Unwrap(Expression::Parse(v.value(), options)));
    lookup->options.variables[std::string(name)] = cell;
  }
}

void CheckLookupStages(bson::Document stages) {
  for (const bson::Element& stage : stages) {
    if (stage.type() != bson::Type::kObject || !stage.value().Doc()["$rankFusion"]) continue;
    Fail(51047, "$rankFusion is not allowed within a $lookup's sub-pipeline");
  }
}

StagePtr ParseLookup(const bson::Value& spec, const ParseOptions& options,
                     PipelineContext& context) {
  if (spec.type() != bson::Type::kObject) {
    Fail(code::kFailedToParse, "the $lookup specification must be an Object");
  }
  Lookup lookup;
  lookup.options = options;
  std::string local;
  bool has_local = false;
  bool has_foreign = false;
  for (const bson::Element& e : spec.Doc()) {
    if (e.name() == "pipeline") {
      if (e.type() != bson::Type::kArray) {
        Fail(code::kTypeMismatch, "'pipeline' option must be specified as an array");
      }
      CheckLookupStages(e.value().Doc());
      lookup.pipeline = AsText(e.value().bytes());
      lookup.has_pipeline = true;
    } else if (e.name() == "let") {
      ParseLet(e, options, &lookup);
    } else if (e.name() == "from") {
      if (e.type() == bson::Type::kObject) {
        Fail(code::kFailedToParse, "$lookup argument 'from' must be a string");
      }
      lookup.from = TextOf(e, "$lookup", code::kFailedToParse);
    } else if (e.name() == "as") {
      lookup.as = TextOf(e, "$lookup", code::kTypeMismatch);
    } else if (e.name() == "localField") {
      local = TextOf(e, "$lookup", code::kFailedToParse);
      has_local = true;
    } else if (e.name() == "foreignField") {
      lookup.foreign = TextOf(e, "$lookup", code::kFailedToParse);
      has_foreign = true;
    } else {
      Fail(code::kFailedToParse, "unknown argument to $lookup: " + std::string(e.name()));
    }
  }
  if (!spec.Doc()["as"]) Fail(code::kFailedToParse, "must specify 'as' field for a $lookup");
  CheckFieldPath(lookup.as);
  if (has_local != has_foreign) {
    Fail(code::kFailedToParse,
         "$lookup requires both or neither of 'localField' and "
         "'foreignField' to be specified");
  }
  if (!has_local && !lookup.has_pipeline) {
    Fail(code::kFailedToParse,
         "$lookup requires either 'pipeline' or both 'localField' and "
         "'foreignField' to be specified");
  }
  if (!lookup.let.empty() && !lookup.has_pipeline) {
    Fail(code::kFailedToParse, "$lookup with a 'let' argument must also specify 'pipeline'");
  }
  if (has_local) {
    CheckFieldPath(local);
    CheckFieldPath(lookup.foreign);
    lookup.local = Path(local);
  }
  if (lookup.has_pipeline) {
    // Mistakes are found now, not at the first row.
    const auto parsed =
        Unwrap(Pipeline::Parse(bson::Document(AsBytes(lookup.pipeline)), context, lookup.options));
    if (lookup.from.empty() && !parsed->BringsDocuments()) {
      Fail(code::kFailedToParse, "must specify 'from' field for a $lookup");
    }
  } else if (lookup.from.empty()) {
    Fail(code::kFailedToParse, "must specify 'from' field for a $lookup");
  }
  return std::make_unique<LookupStage>(std::move(lookup));
}

// --- $unionWith

class UnionSource final : public DocumentSource {
 public:
  UnionSource(SourcePtr first, std::function<SourcePtr()> open_second)
      : current_(std::move(first)), open_second_(std::move(open_second)) {}
  Result<size_t> Next(std::span<BatchDocument> out) override {
    return Catch<size_t>([&]() -> size_t {
      size_t n = Unwrap(current_->Next(out));
      if (n == 0 && open_second_) {
        current_ = open_second_();
        open_second_ = nullptr;
        n = Unwrap(current_->Next(out));
      }
      return n;
    });
  }

 private:
  SourcePtr current_;
  std::function<SourcePtr()> open_second_;
};

class UnionStage final : public Stage {
 public:
  UnionStage(std::string collection, std::unique_ptr<Pipeline> pipeline)
      : collection_(std::move(collection)), pipeline_(std::move(pipeline)) {}
  SourcePtr Open(SourcePtr input, PipelineContext& context) const override {
    return std::make_unique<UnionSource>(std::move(input), [this, &context] {
      const bool own = pipeline_->BringsDocuments();
      SourcePtr source =
          own ? nullptr : Unwrap(context.OpenCollection(collection_, bson::Document()));
      return Unwrap(pipeline_->Open(std::move(source)));
    });
  }
  void AddForeign(std::vector<std::string>* out) const override {
    if (!collection_.empty()) out->push_back(collection_);
    for (std::string& inner : pipeline_->ForeignCollections()) out->push_back(std::move(inner));
  }

 private:
  std::string collection_;
  std::unique_ptr<Pipeline> pipeline_;
};

StagePtr ParseUnionWith(const bson::Value& spec, const ParseOptions& options,
                        PipelineContext& context) {
  std::string collection;
  bson::Document stages;
  if (spec.type() == bson::Type::kString) {
    collection = spec.Text();
  } else if (spec.type() == bson::Type::kObject) {
    for (const bson::Element& e : spec.Doc()) {
      if (e.name() == "coll") {
        collection = TextOf(e, "$unionWith", code::kTypeMismatch);
      } else if (e.name() == "pipeline") {
        if (e.type() != bson::Type::kArray) {
          Fail(code::kTypeMismatch, "$unionWith's 'pipeline' must be an array");
        }
        stages = e.value().Doc();
      } else {
        Fail(code::kUnknownField,
             "BSON field '$unionWith." + std::string(e.name()) + "' is an unknown field.");
      }
    }
  } else {
    Fail(code::kFailedToParse, "the $unionWith stage specification must be an object or string");
  }
  ParseOptions own = options;
  own.collection = collection;
  auto pipeline = Unwrap(Pipeline::Parse(stages, context, own));
  if (collection.empty() && !pipeline->BringsDocuments()) {
    Fail(code::kFailedToParse, "$unionWith needs 'coll', or a pipeline that brings documents");
  }
  return std::make_unique<UnionStage>(std::move(collection), std::move(pipeline));
}

}  // namespace

StagePtr ParseJoinStage(std::string_view name, const bson::Value& spec, const ParseOptions& options,
                        PipelineContext& context) {
  if (name == "$lookup") return ParseLookup(spec, options, context);
  if (name == "$unionWith") return ParseUnionWith(spec, options, context);
  return nullptr;
}

}  // namespace nexadb::query
