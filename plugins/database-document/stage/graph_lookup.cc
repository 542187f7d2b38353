// $graphLookup: what is reached from a document by following a field from document to document,
// breadth first, a query of the collection for every few thousand values of a depth. What is found
// for one document, and what is remembered to find it, stays within the query's memory.
#include <algorithm>
#include <optional>
#include <set>

#include "plugins/database-document/expression/expression.h"
#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/match/matcher.h"
#include "plugins/database-document/stage/stage.h"
#include "plugins/database-document/update/path_edit.h"
#include "plugins/database-document/value/key_encoding.h"
#include "plugins/database-document/value/number.h"
#include "plugins/database-document/value/path.h"

namespace nexadb::query {
namespace {

struct GraphSpec {
  CollationPtr collation;
  std::string from;
  std::unique_ptr<Expression> start;
  Path connect_from;
  std::string connect_to;
  std::vector<std::string> as;
  std::vector<std::string> depth_field;  // empty: none
  std::optional<int64_t> depth_max;
  std::string restrict_match;
};

// A filter of so many values is quick to parse and to search.
constexpr size_t kValuesMax = 4096;
// A node of a set, beside its bytes.
constexpr size_t kSetOverhead = 64 + sizeof(std::string);

std::vector<std::string> Components(std::string_view path) {
  std::vector<std::string> out;
  const Path parts(path);
  for (const PathComponent& c : parts.components()) out.push_back(c.name);
  return out;
}

// Values to look for next, each once in a search.
class Frontier {
 public:
  explicit Frontier(const Collation* collation) : collation_(collation) {}
  // An array counts as its elements.
  void Add(const bson::Value& value) {
    if (value.type() == bson::Type::kArray) {
      for (const bson::Element& e : value.Doc()) One(e.value());
    } else {
      One(value);
    }
  }
  // Of the values to come and of those that were.
  size_t bytes() const { return bytes_; }
  // All values that were added since, in lists of kValuesMax.
  std::vector<OwnedValue> Take() {
    std::vector<OwnedValue> taken = std::move(full_);
    full_.clear();
    if (values_.size() != 0) taken.push_back(values_.Finish());
    values_ = ArrayBuilder();
    return taken;
  }

 private:
  void One(const bson::Value& value) {
    Meter::WorkBytes(value.bytes().size());
    std::string key;
    AppendKey(value, collation_, &key);
    const size_t bytes = key.size() + value.bytes().size() + kSetOverhead;
    if (!seen_.insert(std::move(key)).second) return;
    bytes_ += bytes;
    values_.Add(value);
    if (values_.size() < kValuesMax) return;
    full_.push_back(values_.Finish());
    values_ = ArrayBuilder();
  }
  const Collation* collation_;
  std::set<std::string> seen_;
  std::vector<OwnedValue> full_;
  ArrayBuilder values_;
  size_t bytes_ = 0;
};

class GraphSource final : public MappingSource {
 public:
  GraphSource(SourcePtr input, const GraphSpec& spec, PipelineContext& context)
      : MappingSource(std::move(input)), spec_(spec), context_(context) {}

 private:
  std::string Map(bson::Document doc) override {
    Require(context_.CheckInterrupt());
    Search search(spec_.collation.get());
    const OwnedValue start = Unwrap(spec_.start->Evaluate(doc));
    search.frontier.Add(start.IsMissing() ? OwnedValue::Null().view() : start.view());
    for (int64_t depth = 0; depth <= spec_.depth_max.value_or(INT64_MAX); ++depth) {
      const std::vector<OwnedValue> wanted = search.frontier.Take();
      if (wanted.empty()) break;
      for (const OwnedValue& values : wanted) Follow(values, depth, &search);
    }
    const OwnedValue joined = search.result.Finish();
    return EditPath(doc, spec_.as, IfAbsent::kReplace, [&](const bson::Value&) { return joined; });
  }

  // What is known on behalf of one document.
  struct Search {
    explicit Search(const Collation* collation) : frontier(collation) {}
    Frontier frontier;
    std::set<std::string> found;  // _ids
    ArrayBuilder result;
    size_t bytes = 0;  // of the two above
  };

  // Adds the documents that these values lead to, and where they lead.
  void Follow(const OwnedValue& values, int64_t depth, Search* search) {
    Require(context_.CheckInterrupt());
    CheckMemory(search->bytes + search->frontier.bytes(), context_, "$graphLookup");
    const std::string filter = Filter(values);
    BatchReader reader(
        Unwrap(context_.OpenCollection(spec_.from, bson::Document(AsBytes(filter)))));
    while (const BatchDocument* row = reader.Next()) {
      std::string id;
      AppendKey(row->view()["_id"].value(), &id);
      const size_t bytes = row->view().bytes().size() + id.size() + kSetOverhead;
      if (!search->found.insert(std::move(id)).second) continue;
      search->bytes += bytes;
      CheckMemory(search->bytes + search->frontier.bytes(), context_, "$graphLookup");
      AddFound(row->view(), depth, &search->result);
      VisitPath(row->view(), spec_.connect_from, [&](const bson::Value& v, int64_t) {
        if (v) search->frontier.Add(v);
        return false;
      });
    }
  }

  void AddFound(bson::Document row, int64_t depth, ArrayBuilder* result) const {
    if (spec_.depth_field.empty()) {
      result->Add(row.AsValue(bson::Type::kObject));
      return;
    }
    const std::string with_depth =
        EditPath(row, spec_.depth_field, IfAbsent::kCreate,
                 [&](const bson::Value&) { return OwnedValue::Int64(depth); });
    result->Add(bson::Document(AsBytes(with_depth)).AsValue(bson::Type::kObject));
  }

  // {$and: [{to: {$in: values}}, restriction]}.
  std::string Filter(const OwnedValue& values) const {
    bson::Builder b;
    b.OpenArray("$and").OpenObject("0");
    AppendValues(values.view(), &b);
    b.Close();
    if (!spec_.restrict_match.empty()) {
      b.Object("1", bson::Document(AsBytes(spec_.restrict_match)));
    }
    b.Close();
    return b.Finish();
  }

  void AppendValues(const bson::Value& values, bson::Builder* b) const {
    bool regex = false;
    for (const bson::Element& e : values.Doc()) regex |= e.type() == bson::Type::kRegex;
    if (!regex) {
      b->OpenObject(spec_.connect_to).Value("$in", values).Close();
      return;
    }
    // A regular expression among the values is looked for as itself.
    b->OpenArray("$or");
    for (const bson::Element& e : values.Doc()) {
      b->OpenObject(e.name()).OpenObject(spec_.connect_to).Value("$eq", e.value());
      b->Close().Close();
    }
    b->Close();
  }

  const GraphSpec& spec_;
  PipelineContext& context_;
};

class GraphStage final : public Stage {
 public:
  explicit GraphStage(GraphSpec spec) : spec_(std::move(spec)) {}
  SourcePtr Open(SourcePtr input, PipelineContext& context) const override {
    return std::make_unique<GraphSource>(std::move(input), spec_, context);
  }
  bool TreatsEachAlone() const override { return true; }
  void AddForeign(std::vector<std::string>* out) const override { out->push_back(spec_.from); }

 private:
  GraphSpec spec_;
};

std::string TextOf(const bson::Element& e) {
  if (e.type() != bson::Type::kString) {
    Fail(40103, "expected string as argument for " + std::string(e.name()) +
                    ", found: " + std::string(TypeName(e.type())));
  }
  const std::string_view text = e.value().Text();
  if (e.name() != "from") {
    if (text.starts_with('$')) Fail(16410, "FieldPath field names may not start with '$'.");
    CheckFieldPath(text);
  }
  return std::string(text);
}

void ParseMember(const bson::Element& e, const ParseOptions& options, GraphSpec* graph) {
  if (e.name() == "startWith") {
    graph->start = Unwrap(Expression::Parse(e.value(), options));
  } else if (e.name() == "maxDepth") {
    if (!e.value().IsNumber()) Fail(40100, "maxDepth must be numeric");
    graph->depth_max = ExactInt64(e.value());
    if (!graph->depth_max) Fail(40102, "maxDepth could not be represented as a long long");
    if (*graph->depth_max < 0) Fail(40101, "maxDepth requires a nonnegative argument");
  } else if (e.name() == "restrictSearchWithMatch") {
    if (e.type() != bson::Type::kObject) {
      Fail(40185, "restrictSearchWithMatch must be an object");
    }
    Unwrap(Matcher::Parse(e.value().Doc(), options));
    graph->restrict_match = AsText(e.value().bytes());
  } else if (e.name() == "from") {
    graph->from = TextOf(e);
  } else if (e.name() == "as") {
    graph->as = Components(TextOf(e));
  } else if (e.name() == "connectFromField") {
    graph->connect_from = Path(TextOf(e));
  } else if (e.name() == "connectToField") {
    graph->connect_to = TextOf(e);
  } else if (e.name() == "depthField") {
    graph->depth_field = Components(TextOf(e));
  } else {
    Fail(40104, "Unknown argument to $graphLookup: " + std::string(e.name()));
  }
}

}  // namespace

StagePtr ParseGraphStage(std::string_view name, const bson::Value& spec,
                         const ParseOptions& options) {
  if (name != "$graphLookup") return nullptr;
  if (spec.type() != bson::Type::kObject) {
    Fail(code::kFailedToParse, "the $graphLookup stage specification must be an object");
  }
  GraphSpec graph;
  graph.collation = options.collation;
  for (const bson::Element& e : spec.Doc()) ParseMember(e, options, &graph);
  for (const std::string_view needed :
       {"from", "as", "startWith", "connectFromField", "connectToField"}) {
    if (spec.Doc()[needed]) continue;
    Fail(40105,
         "$graphLookup requires 'from', 'as', 'startWith', 'connectFromField', and "
         "'connectToField' to be specified.");
  }
  return std::make_unique<GraphStage>(std::move(graph));
}

}  // namespace nexadb::query
