#include "plugins/database-document/project/projection.h"

#include <algorithm>

#include "plugins/database-document/expression/expression.h"
#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/value/failure.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

enum class Mode { kInclude, kExclude, kAddFields };
enum class Kind { kNested, kKeep, kDrop, kCompute, kSlice, kElemMatch, kPositional };

struct Slice {
  int64_t skip = 0;
  int64_t count = 0;
  bool has_skip = false;
};

// One path component of the specification, and what lies below it.
struct Node {
  std::string name;
  Kind kind = Kind::kNested;
  std::vector<std::unique_ptr<Node>> children;
  std::unique_ptr<Expression> expression;
  std::unique_ptr<Matcher> elements;
  Slice slice;
  bool computes = false;  // this or something below it is computed

  Node* Find(std::string_view child) const {
    for (const auto& c : children) {
      if (c->name == child) return c.get();
    }
    return nullptr;
  }
};

}  // namespace

class ProjectionProgram {
 public:
  ProjectionProgram(Mode mode_if_known, bool find, const ParseOptions& options)
      : mode_(mode_if_known), find_(find), options_(options) {}

  void Parse(bson::Document spec, bson::Document filter) {
    filter_ = filter;
    if (mode_ != Mode::kAddFields) mode_ = ModeOf(spec);
    for (const bson::Element& e : spec) Entry(e.name(), e.value());
    CheckPredicate();
    if (mode_ == Mode::kInclude && root_.Find("_id") == nullptr && !id_mentioned_) {
      Add("_id")->kind = Kind::kKeep;
    }
    Mark(&root_);
  }

  std::string Apply(bson::Document doc, const MatchDetails& details) const {
    bson::Builder out;
    const Run run{doc, details};
    Fields(root_, doc, run, &out);
    return out.Finish();
  }

  bool needs_position() const { return needs_position_; }
  bool empty() const { return root_.children.empty(); }
  bool AddKept(std::vector<std::string>* out) const {
    return mode_ == Mode::kInclude && AddKept(root_, "", out);
  }

 private:
  struct Run {
    bson::Document root;
    const MatchDetails& details;
  };

  // --- parsing

  static bool IsFlag(const bson::Value& v) { return v.IsNumber() || v.type() == bson::Type::kBool; }
  static std::string_view FirstName(const bson::Value& v) {
    if (v.type() != bson::Type::kObject || v.Doc().empty()) return {};
    return v.Doc().begin()->name();
  }

  // Inclusion or exclusion is decided by the first entry that says either, _id apart.
  std::optional<Mode> Says(std::string_view path, const bson::Value& v) const {
    if (IsFlag(v)) return IsTruthy(v) ? Mode::kInclude : Mode::kExclude;
    const std::string_view first = FirstName(v);
    if (find_ && (first == "$slice" || first == "$meta") &&
        (first == "$meta" || IsFindSlice(v.Doc().begin()->value()))) {
      return std::nullopt;
    }
    if (v.type() == bson::Type::kObject && !first.starts_with('$')) {
      for (const bson::Element& e : v.Doc()) {
        if (const auto mode = Says(path, e.value())) return mode;
      }
      return std::nullopt;
    }
    return Mode::kInclude;
  }
  Mode ModeOf(bson::Document spec) const {
    std::optional<Mode> of_id;
    for (const bson::Element& e : spec) {
      const std::optional<Mode> mode = Says(e.name(), e.value());
      if (!mode) continue;
      if (e.name() != "_id") return *mode;
      of_id = mode;
    }
    return of_id.value_or(Mode::kExclude);
  }

  Node* Add(std::string_view dotted) {
    Node* at = &root_;
    const Path path(dotted);
    for (size_t i = 0; i < path.size(); ++i) {
      Node* next = at->Find(path[i].name);
      const bool last = i + 1 == path.size();
      if (next != nullptr && (last || next->kind != Kind::kNested)) {
        Fail(last ? 31250 : 31249, "Path collision at " + std::string(dotted));
      }
      if (next == nullptr) {
        at->children.push_back(std::make_unique<Node>());
        next = at->children.back().get();
        next->name = path[i].name;
      }
      at = next;
    }
    return at;
  }

  void Entry(std::string_view name, const bson::Value& v) {
    std::string path(name);
    const bool positional = find_ && path.ends_with(".$");
    if (find_) CheckPositional(path, v);
    if (positional) path.resize(path.size() - 2);
    CheckFieldPath(path);
    if (path == "_id") id_mentioned_ = true;
    if (positional) return Positional(path);
    if (mode_ == Mode::kAddFields) {
      if (v.type() == bson::Type::kObject && !FirstName(v).starts_with('$') && !v.Doc().empty()) {
        for (const bson::Element& e : v.Doc()) Nested(path, e);
        return;
      }
      return Compute(path, v);
    }
    if (IsFlag(v)) return Flag(path, IsTruthy(v));
    if (v.type() == bson::Type::kObject) {
      if (v.Doc().empty()) Fail(51270, "An empty sub-projection is not a valid value.");
      const std::string_view first = FirstName(v);
      if (find_ && first == "$slice" && IsFindSlice(v.Doc().begin()->value())) {
        return SliceOf(path, v.Doc().begin()->value());
      }
      if (find_ && first == "$elemMatch") return ElemMatch(path, v.Doc().begin()->value());
      if (!first.starts_with('$')) {
        for (const bson::Element& e : v.Doc()) Nested(path, e);
        return;
      }
    }
    if (mode_ == Mode::kExclude) {
      if (FirstName(v) == "$meta") return;
      Fail(31252, "Cannot use expression other than $meta in exclusion projection");
    }
    Compute(path, v);
  }

  void Nested(const std::string& path, const bson::Element& e) {
    if (e.name().starts_with('$')) {
      Fail(16410,
           "FieldPath field names may not start with '$'. Consider using $getField or "
           "$setField.");
    }
    Entry(path + "." + std::string(e.name()), e.value());
  }

  void CheckPositional(const std::string& path, const bson::Value& v) const {
    if (path == "$" || path.starts_with("$.")) return;  // the path check says what is wrong
    const size_t at = path.find(".$.");
    if (at != std::string::npos) {
      Fail(31394, "Positional projection may only be used at the end, for example: a.b.$");
    }
    if (path.ends_with(".$") && !(IsFlag(v) && IsTruthy(v))) {
      Fail(31271, "positional projection cannot be used with an expression or exclusion");
    }
  }

  void Positional(const std::string& path) {
    if (needs_position_) Fail(31276, "Cannot specify more than one positional projection");
    if (has_elem_match_) Fail(31256, "Cannot specify positional operator and $elemMatch.");
    if (mode_ == Mode::kExclude) {
      Fail(31395, "positional projection cannot be used with exclusion");
    }
    needs_position_ = true;
    positional_top_ = path.substr(0, path.find('.'));
    Add(path)->kind = Kind::kPositional;
  }

  // The filter must ask something of the array that is cut. Told once the projection itself is
  // known to be right.
  void CheckPredicate() const {
    if (!needs_position_ || MentionsPath(filter_, positional_top_)) return;
    Fail(51246,
         "Executor error: the query has no predicate on the array of the positional "
         "projection");
  }

  static bool MentionsPath(bson::Document filter, const std::string& top) {
    for (const bson::Element& e : filter) {
      const std::string_view name = e.name();
      if (name == top || name.starts_with(top + ".")) return true;
      if ((name == "$and" || name == "$or") && e.type() == bson::Type::kArray) {
        for (const bson::Element& child : e.value().Doc()) {
          if (child.type() == bson::Type::kObject && MentionsPath(child.value().Doc(), top)) {
            return true;
          }
        }
      }
    }
    return false;
  }

  void Flag(const std::string& path, bool keep) {
    if (path != "_id" && keep != (mode_ == Mode::kInclude)) {
      Fail(keep ? 31253 : 31254, std::string("Cannot do ") + (keep ? "inclusion" : "exclusion") +
                                     " on field " + path + " in " +
                                     (keep ? "exclusion" : "inclusion") + " projection");
    }
    if (path == "_id" && keep && mode_ == Mode::kExclude) return;
    if (path == "_id" && !keep && mode_ == Mode::kInclude) return;  // simply not kept
    Add(path)->kind = keep ? Kind::kKeep : Kind::kDrop;
  }

  void Compute(const std::string& path, const bson::Value& v) {
    Node* node = Add(path);
    node->kind = Kind::kCompute;
    node->expression = Unwrap(Expression::Parse(v, options_));
  }

  static bool IsFindSlice(const bson::Value& v) {
    if (v.IsNumber()) return true;
    if (v.type() != bson::Type::kArray) return false;
    const size_t count = v.Doc().CountElements();
    const bson::Value first = ElementAt(v.Doc(), 0);
    return count == 2 && first.IsNumber();
  }

  void SliceOf(const std::string& path, const bson::Value& v) {
    Node* node = Add(path);
    node->kind = Kind::kSlice;
    const auto number = [](const bson::Value& n) {
      const double d = TruncateToDouble(n);
      if (!(d == d)) return int64_t{0};
      return static_cast<int64_t>(std::clamp(d, -2147483648.0, 2147483647.0));
    };
    if (v.IsNumber()) {
      node->slice.count = number(v);
      return;
    }
    const bson::Value second = ElementAt(v.Doc(), 1);
    if (!second.IsNumber()) Fail(28724, "$slice's second argument must be a number");
    node->slice.has_skip = true;
    node->slice.skip = number(ElementAt(v.Doc(), 0));
    node->slice.count = number(second);
    if (node->slice.count <= 0) Fail(28729, "$slice limit must be positive");
  }

  void ElemMatch(const std::string& path, const bson::Value& v) {
    if (needs_position_) Fail(31255, "Cannot specify positional operator and $elemMatch.");
    if (v.type() != bson::Type::kObject) {
      Fail(31274, "elemMatch: Invalid argument, object required");
    }
    if (path.find('.') != std::string::npos) {
      Fail(31275, "Cannot use $elemMatch projection on a nested field.");
    }
    has_elem_match_ = true;
    Node* node = Add(path);
    node->kind = Kind::kElemMatch;
    node->elements = Unwrap(Matcher::ParseValuePredicate(v, options_));
  }

  static bool Mark(Node* node) {
    node->computes = node->kind == Kind::kCompute;
    for (auto& child : node->children) node->computes = Mark(child.get()) || node->computes;
    return node->computes;
  }

  static bool AddKept(const Node& node, const std::string& above, std::vector<std::string>* out) {
    for (const auto& child : node.children) {
      if (child->kind == Kind::kKeep) {
        out->push_back(above + child->name);
      } else if (child->kind != Kind::kNested || !AddKept(*child, above + child->name + ".", out)) {
        return false;
      }
    }
    return true;
  }

  // --- applying

  bool KeepsOthers() const { return mode_ != Mode::kInclude; }

  void Fields(const Node& node, bson::Document doc, const Run& run, bson::Builder* out) const {
    std::vector<bool> seen(node.children.size(), false);
    for (const bson::Element& e : doc) {
      size_t i = 0;
      while (i < node.children.size() && node.children[i]->name != e.name()) ++i;
      if (i == node.children.size()) {
        if (KeepsOthers()) out->Element(e);
        continue;
      }
      const Node& child = *node.children[i];
      // A computed field of an inclusion comes after all that is kept.
      if (child.kind == Kind::kCompute && mode_ == Mode::kInclude) continue;
      seen[i] = true;
      One(child, e.name(), e.value(), run, out);
    }
    for (size_t i = 0; i < node.children.size(); ++i) {
      if (!seen[i] && node.children[i]->computes) {
        One(*node.children[i], node.children[i]->name, bson::Value(), run, out);
      }
    }
  }

  void One(const Node& node, std::string_view name, const bson::Value& v, const Run& run,
           bson::Builder* out) const {
    switch (node.kind) {
      case Kind::kKeep: out->Value(name, v); return;
      case Kind::kDrop: return;
      case Kind::kCompute: {
        const OwnedValue result = Unwrap(node.expression->Evaluate(run.root));
        if (result.IsMissing()) return;
        OwnedValue::CheckSize(out->size() + result.size());
        out->Value(name, result.view());
        return;
      }
      case Kind::kSlice: return Cut(node.slice, name, v, out);
      case Kind::kElemMatch: return FirstMatch(*node.elements, name, v, out);
      case Kind::kPositional: return AtPosition(name, v, run, out);
      case Kind::kNested: break;
    }
    if (v.type() == bson::Type::kObject) {
      out->OpenObject(name);
      Fields(node, v.Doc(), run, out);
      out->Close();
    } else if (v.type() == bson::Type::kArray) {
      out->OpenArray(name);
      Elements(node, v.Doc(), run, out);
      out->Close();
    } else if (node.computes) {
      // What was no object becomes one for its computed fields.
      out->OpenObject(name);
      Fields(node, {}, run, out);
      out->Close();
    } else if (KeepsOthers()) {
      out->Value(name, v);
    }
  }

  void Elements(const Node& node, bson::Document array, const Run& run, bson::Builder* out) const {
    size_t i = 0;
    for (const bson::Element& e : array) {
      const std::string name = std::to_string(i);
      const size_t before = out->size();
      if (e.type() == bson::Type::kArray && !node.computes) {
        out->OpenArray(name);
        Elements(node, e.value().Doc(), run, out);
        out->Close();
      } else {
        One(node, name, e.value(), run, out);
      }
      if (out->size() != before) ++i;
    }
  }

  static void Cut(const Slice& slice, std::string_view name, const bson::Value& v,
                  bson::Builder* out) {
    if (v.type() != bson::Type::kArray) {
      out->Value(name, v);
      return;
    }
    const auto size = static_cast<int64_t>(v.Doc().CountElements());
    int64_t start = 0;
    int64_t count = slice.count;
    if (slice.has_skip) {
      start = slice.skip >= 0 ? slice.skip : std::max<int64_t>(0, size + slice.skip);
    } else if (count < 0) {
      start = std::max<int64_t>(0, size + count);
      count = size;
    }
    ArrayBuilder kept;
    int64_t i = 0;
    for (const bson::Element& e : v.Doc()) {
      if (i >= start && i - start < count) kept.Add(e.value());
      ++i;
    }
    out->Value(name, kept.Finish().view());
  }

  static void FirstMatch(const Matcher& matcher, std::string_view name, const bson::Value& v,
                         bson::Builder* out) {
    if (v.type() != bson::Type::kArray) return;
    for (const bson::Element& e : v.Doc()) {
      if (!Unwrap(matcher.MatchesValue(e.value()))) continue;
      out->OpenArray(name).Value("0", e.value()).Close();
      return;
    }
  }

  static void AtPosition(std::string_view name, const bson::Value& v, const Run& run,
                         bson::Builder* out) {
    if (v.type() != bson::Type::kArray) {
      out->Value(name, v);
      return;
    }
    if (run.details.position < 0) {
      Fail(51246,
           "Executor error: positional operator '.$' couldn't find a matching element in "
           "the array");
    }
    const bson::Value element = ElementAt(v.Doc(), run.details.position);
    out->OpenArray(name);
    if (element) out->Value("0", element);
    out->Close();
  }

  Mode mode_;
  const bool find_;
  const ParseOptions options_;
  bson::Document filter_;
  Node root_;
  bool id_mentioned_ = false;
  bool needs_position_ = false;
  std::string positional_top_;  // the field at the begin of its path
  bool has_elem_match_ = false;
};

Projection::Projection() = default;
Projection::~Projection() = default;

Result<std::unique_ptr<Projection>> Projection::ParseFind(bson::Document spec,
                                                          bson::Document filter,
                                                          const ParseOptions& options) {
  return Catch<std::unique_ptr<Projection>>([&] {
    std::unique_ptr<Projection> p(new Projection());
    p->program_ = std::make_unique<ProjectionProgram>(Mode::kExclude, true, options);
    p->program_->Parse(spec, filter);
    return p;
  });
}

Result<std::unique_ptr<Projection>> Projection::ParseProject(bson::Document spec,
                                                             const ParseOptions& options) {
  return Catch<std::unique_ptr<Projection>>([&] {
    if (spec.empty()) Fail(51272, "projection specification must have at least one field");
    std::unique_ptr<Projection> p(new Projection());
    p->program_ = std::make_unique<ProjectionProgram>(Mode::kExclude, false, options);
    p->program_->Parse(spec, {});
    return p;
  });
}

Result<std::unique_ptr<Projection>> Projection::ParseAddFields(bson::Document spec,
                                                               const ParseOptions& options) {
  return Catch<std::unique_ptr<Projection>>([&] {
    std::unique_ptr<Projection> p(new Projection());
    p->program_ = std::make_unique<ProjectionProgram>(Mode::kAddFields, false, options);
    p->program_->Parse(spec, {});
    return p;
  });
}

bool Projection::NeedsPosition() const noexcept { return program_->needs_position(); }
bool Projection::IsEmpty() const noexcept { return program_->empty(); }

std::optional<std::vector<std::string>> Projection::KeptPaths() const {
  std::vector<std::string> paths;
  if (!program_->AddKept(&paths)) return std::nullopt;
  return paths;
}

Result<std::string> Projection::Apply(bson::Document doc, const MatchDetails& details) const {
  try {
    return program_->Apply(doc, details);
  } catch (QueryError& e) {
    return std::move(e.status);
  }
}

}  // namespace nexadb::query
