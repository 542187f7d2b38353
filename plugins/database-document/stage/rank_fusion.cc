#include "plugins/database-document/stage/rank_fusion.h"

#include <algorithm>

#include "plugins/database-document/execute/external_sort.h"
#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/value/key_encoding.h"
#include "plugins/database-document/value/metadata.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

constexpr double kRankConstant = 60;  // of the paper, and of MongoDB
constexpr std::string_view kDescription =
    "the score is the sum, over the inputs that ranked the document, of weight / (60 + rank)";
constexpr int kNotFirst = 10170100;
constexpr int kEmptyPipeline = 9834300;
constexpr int kNested = 10473002;
constexpr int kNotRanked = 9191100;
constexpr int kNotSelection = 9191103;
constexpr int kNegativeWeight = 9460300;
constexpr int kTooManyWeights = 9460301;
constexpr int kUnknownWeight = 9967500;
constexpr int kSameName = 9921000;

struct Input {
  std::string name;
  double weight = 1;
  std::unique_ptr<Pipeline> pipeline;
  std::string filter;  // that the pipeline began with
  SortPattern order;   // of its last $sort
};

struct Fusion {
  std::string collection;
  std::vector<Input> inputs;  // by name
  bool details = false;
  CollationPtr collation;
};

// The rows go through two sorts, each of which takes no more memory than the query may: by _id, so
// that what the inputs say of one document comes together, and by score.
class FusionSource final : public DocumentSource {
 public:
  FusionSource(const Fusion& fusion, uint64_t limit, PipelineContext& context)
      : fusion_(fusion), context_(context), by_score_(context, "$rankFusion", limit) {}

  Result<size_t> Next(std::span<BatchDocument> out) override {
    return Catch<size_t>([&] {
      if (!fused_) Fuse();
      fused_ = true;
      size_t n = 0;
      while (n < out.size()) {
        std::optional<ExternalSort::Row> next = by_score_.Take();
        if (!next) break;
        out[n++] = BatchDocument::Share(std::move(next->document));
      }
      return n;
    });
  }

 private:
  // Behind the id's encoding in a key: which input, and the document's rank there.
  struct Place {
    uint32_t input = 0;
    uint64_t rank = 0;
  };
  static constexpr size_t kPlaceBytes = sizeof(uint32_t) + sizeof(uint64_t);

  void Fuse() {
    ExternalSort by_id(context_, "$rankFusion", 0);
    for (size_t i = 0; i < fusion_.inputs.size(); ++i) Rank(i, &by_id);
    std::optional<ExternalSort::Row> row = by_id.Take();
    while (row) {
      const std::string id = row->key.substr(0, row->key.size() - kPlaceBytes);
      const Buffer document = row->document;
      std::vector<uint64_t> ranks(fusion_.inputs.size());
      // The least rank of an input comes first.
      for (; row && std::string_view(row->key).starts_with(id) &&
             row->key.size() == id.size() + kPlaceBytes;
           row = by_id.Take()) {
        const Place place = PlaceOf(row->key);
        if (ranks[place.input] == 0) ranks[place.input] = place.rank;
      }
      Add(id, document, ranks);
    }
  }

  void Rank(size_t input, ExternalSort* by_id) {
    const Input& from = fusion_.inputs[input];
    const bson::Document filter =
        from.filter.empty() ? bson::Document() : bson::Document(AsBytes(from.filter));
    SourcePtr all = Unwrap(context_.OpenCollection(fusion_.collection, filter));
    BatchReader reader(Unwrap(from.pipeline->Open(std::move(all))));
    std::string order;
    std::string last;
    uint64_t count = 0;
    Place place{static_cast<uint32_t>(input), 0};
    while (const BatchDocument* doc = reader.Next()) {
      order.clear();
      Require(from.order.AppendKey(doc->view(), &order));
      ++count;
      if (count == 1 || order != last) place.rank = count;
      last = order;
      std::string key;
      AppendKey(doc->view()["_id"].value(), fusion_.collation.get(), &key);
      AppendPlace(place, &key);
      by_id->Add(std::move(key), *doc);
    }
  }

  void Add(const std::string& id, const Buffer& document, const std::vector<uint64_t>& ranks) {
    double score = 0;
    for (size_t i = 0; i < ranks.size(); ++i) {
      if (ranks[i] == 0) continue;
      score += fusion_.inputs[i].weight * (1 / (static_cast<double>(ranks[i]) + kRankConstant));
    }
    std::string key;
    const OwnedValue value = OwnedValue::Double(score);
    AppendKey(value.view(), KeyOrder::kDescending, nullptr, &key);
    key += id;
    if (by_score_.IsWorse(key)) return;
    const std::string details = fusion_.details ? Details(score, ranks) : std::string();
    const bson::Document doc(document.bytes());
    by_score_.Add(std::move(key), BatchDocument::Own(WithMetadata(doc, score, details)));
  }

  std::string Details(double score, const std::vector<uint64_t>& ranks) const {
    bson::Builder out;
    out.Double("value", score).Text("description", kDescription).OpenArray("details");
    for (size_t i = 0; i < ranks.size(); ++i) {
      out.OpenObject(std::to_string(i)).Text("inputPipelineName", fusion_.inputs[i].name);
      if (ranks[i] == 0) {
        out.Text("rank", "NA");
      } else if (ranks[i] <= INT32_MAX) {
        out.Int32("rank", static_cast<int32_t>(ranks[i]));
      } else {
        out.Int64("rank", static_cast<int64_t>(ranks[i]));
      }
      out.Double("weight", fusion_.inputs[i].weight);
      if (ranks[i] != 0) out.OpenArray("details").Close();
      out.Close();
    }
    out.Close();
    return out.Finish();
  }

  template <class T>
  static void AppendBigEndian(T n, std::string* key) {
    for (int shift = 8 * (static_cast<int>(sizeof(T)) - 1); shift >= 0; shift -= 8) {
      key->push_back(static_cast<char>(n >> shift));
    }
  }
  template <class T>
  static T BigEndian(std::string_view bytes) {
    T n = 0;
    for (const char c : bytes) n = static_cast<T>(n << 8 | static_cast<uint8_t>(c));
    return n;
  }
  static void AppendPlace(const Place& place, std::string* key) {
    AppendBigEndian(place.input, key);
    AppendBigEndian(place.rank, key);
  }
  static Place PlaceOf(std::string_view key) {
    key.remove_prefix(key.size() - kPlaceBytes);
    return {BigEndian<uint32_t>(key.substr(0, sizeof(uint32_t))),
            BigEndian<uint64_t>(key.substr(sizeof(uint32_t)))};
  }

  const Fusion& fusion_;
  PipelineContext& context_;
  ExternalSort by_score_;
  bool fused_ = false;
};

class FusionStage final : public Stage {
 public:
  explicit FusionStage(Fusion fusion) : fusion_(std::move(fusion)) {}
  SourcePtr Open(SourcePtr, PipelineContext& context) const override {
    if (fusion_.collection.empty()) Fail(73, "$rankFusion needs a collection");
    return std::make_unique<FusionSource>(fusion_, limit_, context);
  }
  bool BringsDocuments() const override { return true; }
  void KeepFirst(uint64_t count) override { limit_ = count; }

 private:
  Fusion fusion_;
  uint64_t limit_ = 0;
};

// --- Parsing

[[noreturn]] void WrongType(std::string_view field, const bson::Element& e,
                            std::string_view expected) {
  Fail(code::kTypeMismatch, "BSON field '$rankFusion." + std::string(field) +
                                "' is the wrong type '" + std::string(TypeName(e.type())) +
                                "', expected type '" + std::string(expected) + "'");
}

bson::Document ObjectOf(const bson::Element& e, std::string_view field) {
  if (e.type() != bson::Type::kObject) WrongType(field, e, "object");
  return e.value().Doc();
}

[[noreturn]] void Unknown(std::string_view field) {
  Fail(code::kUnknownField,
       "BSON field '$rankFusion." + std::string(field) + "' is an unknown field.");
}

bool IsOneOf(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The specification of the last $sort of an input, which selects and orders documents, and does
// nothing else to them.
bson::Value CheckSelection(std::string_view name, bson::Document stages, PipelineContext& context,
                           const ParseOptions& options) {
  const std::string where = "$rankFusion's input pipeline '" + std::string(name) + "' ";
  bson::Value sort;
  std::string_view other;
  for (const bson::Element& e : stages) {
    const bson::Element stage = *e.value().Doc().begin();
    if (IsOneOf(stage.name(), {"$rankFusion", "$scoreFusion"})) {
      Fail(kNested, where + "ranks by a fusion of its own");
    }
    if (stage.name() == "$sort") sort = stage.value();
    const bool selects = IsOneOf(stage.name(), {"$match", "$sort", "$limit", "$skip", "$sample"});
    if (!selects && other.empty()) other = stage.name();
  }
  if (!other.empty()) {
    // A stage that nobody knows is another mistake.
    const Status status = Pipeline::Parse(stages, context, options).status();
    if (status.number() == 40324) Require(status);
  }
  if (stages.empty()) Fail(kEmptyPipeline, where + "is empty; it needs a $sort");
  if (!sort) Fail(kNotRanked, where + "has no $sort");
  if (!other.empty()) {
    Fail(kNotSelection, where + "has the stage " + std::string(other) +
                            ", but only $match, $sort, $limit, $skip and $sample may be in it");
  }
  return sort;
}

Input ParseInput(const bson::Element& e, const ParseOptions& options, PipelineContext& context) {
  Input input;
  input.name = e.name();
  const bson::Document stages = e.value().Doc();
  const bson::Value sort = CheckSelection(e.name(), stages, context, options);
  input.pipeline = Unwrap(Pipeline::Parse(stages, context, options));
  input.order = Unwrap(SortPattern::Parse(sort.Doc(), options.collation.get()));
  input.filter = input.pipeline->TakeLeadingMatch().value_or(std::string());
  CheckFieldPath(e.name());
  if (e.name().find('.') != std::string_view::npos) {
    Fail(16412, "$rankFusion's pipeline names may not contain '.'");
  }
  return input;
}

std::vector<Input> ParseInputs(bson::Document spec, const ParseOptions& options,
                               PipelineContext& context) {
  bson::Element pipelines;
  for (const bson::Element& e : spec) {
    if (e.name() != "pipelines") Unknown("input." + std::string(e.name()));
    ObjectOf(e, "input.pipelines");
    pipelines = e;
  }
  if (!pipelines) {
    Fail(code::kMissingField,
         "BSON field '$rankFusion.input.pipelines' is missing but a required field");
  }
  for (const bson::Element& e : pipelines.value().Doc()) {
    const std::string field = "input.pipelines." + std::string(e.name());
    if (e.type() != bson::Type::kArray) WrongType(field, e, "array");
    for (const bson::Element& stage : e.value().Doc()) {
      if (ObjectOf(stage, field).CountElements() == 1) continue;
      Fail(40323, "A pipeline stage specification object must contain exactly one field.");
    }
  }
  std::vector<Input> inputs;
  for (const bson::Element& e : pipelines.value().Doc()) {
    inputs.push_back(ParseInput(e, options, context));
  }
  if (inputs.empty()) Fail(code::kBadValue, "$rankFusion needs at least one input pipeline");
  std::sort(inputs.begin(), inputs.end(),
            [](const Input& a, const Input& b) { return a.name < b.name; });
  for (size_t i = 1; i < inputs.size(); ++i) {
    if (inputs[i].name != inputs[i - 1].name) continue;
    Fail(kSameName, "$rankFusion has two input pipelines named '" + inputs[i].name + "'");
  }
  return inputs;
}

void ParseWeights(bson::Document weights, std::vector<Input>* inputs) {
  std::string_view unknown;
  for (const bson::Element& e : weights) {
    const auto named = std::find_if(inputs->begin(), inputs->end(),
                                    [&](const Input& input) { return input.name == e.name(); });
    if (named == inputs->end()) {
      unknown = e.name();
      continue;
    }
    if (!e.value().IsNumber()) {
      WrongType("combination.weights." + std::string(e.name()), e, "number");
    }
    named->weight = ToDouble(e.value());
    if (!(named->weight >= 0)) {
      Fail(kNegativeWeight,
           "$rankFusion's weight for '" + std::string(e.name()) + "' must not be negative");
    }
  }
  if (weights.CountElements() > inputs->size()) {
    Fail(kTooManyWeights, "$rankFusion has more weights than input pipelines");
  }
  if (unknown.data() != nullptr) {
    Fail(kUnknownWeight, "$rankFusion has a weight for '" + std::string(unknown) +
                             "', but no input pipeline of that name");
  }
}

void ParseCombination(const bson::Element& e, std::vector<Input>* inputs) {
  for (const bson::Element& part : ObjectOf(e, "combination")) {
    if (part.name() != "weights") Unknown("combination." + std::string(part.name()));
    if (part.type() != bson::Type::kNull) {
      ParseWeights(ObjectOf(part, "combination.weights"), inputs);
    }
  }
}

}  // namespace

StagePtr ParseRankFusion(const bson::Value& spec, const ParseOptions& options,
                         PipelineContext& context, bool first) {
  if (spec.type() != bson::Type::kObject) {
    Fail(code::kFailedToParse, "$rankFusion is written as an object, with the member 'input'");
  }
  Fusion fusion;
  fusion.collection = options.collection;
  fusion.collation = options.collation;
  bson::Element combination;
  bson::Element input;
  for (const bson::Element& e : spec.Doc()) {
    if (e.name() == "input") {
      ObjectOf(e, "input");
      input = e;
    } else if (e.name() == "combination") {
      if (e.type() != bson::Type::kNull) combination = e;
    } else if (e.name() == "scoreDetails") {
      if (e.type() == bson::Type::kNull) continue;
      if (e.type() != bson::Type::kBool) WrongType("scoreDetails", e, "bool");
      fusion.details = e.value().Bool();
    } else {
      Unknown(e.name());
    }
  }
  if (!input) {
    Fail(code::kMissingField, "BSON field '$rankFusion.input' is missing but a required field");
  }
  fusion.inputs = ParseInputs(input.value().Doc(), options, context);
  if (combination) ParseCombination(combination, &fusion.inputs);
  if (!first) Fail(kNotFirst, "$rankFusion has to be the first stage of its pipeline");
  return std::make_unique<FusionStage>(std::move(fusion));
}

}  // namespace nexadb::query
