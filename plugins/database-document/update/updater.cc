#include "plugins/database-document/update/updater.h"

#include <algorithm>
#include <map>
#include <set>

#include "plugins/database-document/match/matcher.h"
#include "plugins/database-document/match/parser.h"
#include "plugins/database-document/stage/pipeline_update.h"
#include "plugins/database-document/update/modifier.h"
#include "plugins/database-document/value/compare.h"
#include "plugins/database-document/value/failure.h"
#include "plugins/database-document/value/path.h"

namespace nexadb::query {
namespace {

constexpr std::string_view kOperators[] = {
    "$set",  "$unset", "$inc",      "$mul", "$min",     "$max",         "$rename",     "$push",
    "$pull", "$pop",   "$addToSet", "$bit", "$pullAll", "$currentDate", "$setOnInsert"};

struct Change {
  std::string path;
  std::vector<std::string> components;
  std::unique_ptr<Modifier> modifier;  // null: a $rename
  std::vector<std::string> rename_to;
  bool on_insert_only = false;
};

std::vector<std::string> Components(std::string_view path) {
  std::vector<std::string> out;
  const Path parts(path);
  for (const PathComponent& c : parts.components()) out.push_back(c.name);
  return out;
}

bool IsPositional(std::string_view component) { return component.starts_with('$'); }

// Numbers by value, names by bytes: the order in which new fields are appended.
bool PathLess(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
    if (a[i] == b[i]) continue;
    const int64_t x = ArrayIndexOf(a[i]);
    const int64_t y = ArrayIndexOf(b[i]);
    if (x >= 0 && y >= 0) return x < y;
    return a[i] < b[i];
  }
  return a.size() < b.size();
}

bool Conflict(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  const size_t common = std::min(a.size(), b.size());
  return std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(common), b.begin());
}

}  // namespace

class UpdateProgram {
 public:
  UpdateProgram(const ParseOptions& options) : options_(options) {}

  Updater::Kind kind = Updater::Kind::kOperators;
  bool needs_position = false;

  void Parse(const bson::Value& update, bson::Document array_filters) {
    source_ = OwnedValue::Copy(update);
    if (update.type() == bson::Type::kArray) {
      if (!array_filters.empty()) {
        Fail(code::kFailedToParse, "arrayFilters may not be specified for pipeline-style updates");
      }
      kind = Updater::Kind::kPipeline;
      pipeline_ = ParsePipelineUpdate(source_.view().Doc(), options_);
      return;
    }
    if (update.type() != bson::Type::kObject) {
      Fail(code::kFailedToParse, "Update argument must be either an object or an array");
    }
    const bson::Document doc = source_.view().Doc();
    if (doc.empty() || !doc.begin()->name().starts_with('$')) return ParseReplacement(doc);
    ParseArrayFilters(array_filters);
    for (const bson::Element& e : doc) Operator(e);
    for (const auto& [name, filter] : filters_) {
      if (!used_filters_.contains(name)) {
        Fail(code::kFailedToParse,
             "The array filter for identifier '" + name + "' was not used in the update");
      }
    }
    std::stable_sort(changes_.begin(), changes_.end(), [](const Change& a, const Change& b) {
      return PathLess(a.components, b.components);
    });
    CheckConflicts();
  }

  UpdateOutcome Apply(bson::Document doc, const ApplyOptions& apply) const {
    UpdateOutcome outcome;
    if (kind == Updater::Kind::kReplacement) {
      outcome.document = Replace(doc);
    } else if (kind == Updater::Kind::kPipeline) {
      outcome.document = KeepId(doc, pipeline_->Apply(doc));
    } else {
      outcome.document = AsText(doc.bytes());
      for (const Change& change : changes_) {
        if (change.on_insert_only && !apply.inserting) continue;
        if (change.modifier == nullptr) {
          Rename(change, &outcome.document);
        } else {
          Modify(change, apply, &outcome.document);
        }
      }
      CheckId(doc, outcome.document, apply.inserting);
    }
    outcome.modified = outcome.document != AsText(doc.bytes());
    return outcome;
  }

 private:
  void ParseReplacement(bson::Document doc) {
    kind = Updater::Kind::kReplacement;
    for (const bson::Element& e : doc) {
      if (e.name().starts_with('$')) {
        Fail(code::kFailedToParse,
             "The replacement document must not contain update operators, "
             "but has '" +
                 std::string(e.name()) + "'");
      }
    }
  }

  void ParseArrayFilters(bson::Document array) {
    for (const bson::Element& e : array) {
      if (e.type() != bson::Type::kObject) {
        Fail(code::kTypeMismatch, "array filters must be objects");
      }
      std::string name;
      FilterName(e.value().Doc(), &name);
      if (name.empty()) {
        Fail(code::kFailedToParse,
             "Cannot use an expression without a top-level field name in "
             "arrayFilters");
      }
      const bool plain =
          name[0] >= 'a' && name[0] <= 'z' && std::all_of(name.begin(), name.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
          });
      if (!plain) {
        Fail(code::kBadValue,
             "The top-level field name must be an alphanumeric string beginning "
             "with a lowercase letter, found '" +
                 name + "'");
      }
      if (filters_.contains(name)) {
        Fail(code::kFailedToParse,
             "Found multiple array filters with the same top-level field "
             "name " +
                 name);
      }
      filters_[name] = Unwrap(Matcher::Parse(e.value().Doc(), options_));
    }
  }

  // The one identifier that all of a filter's paths begin with.
  static void FilterName(bson::Document filter, std::string* name) {
    for (const bson::Element& e : filter) {
      if (e.name() == "$and" || e.name() == "$or" || e.name() == "$nor") {
        if (e.type() != bson::Type::kArray) continue;
        for (const bson::Element& child : e.value().Doc()) {
          if (child.type() == bson::Type::kObject) FilterName(child.value().Doc(), name);
        }
        continue;
      }
      if (e.name() == "$text" || e.name() == "$where" || e.name() == "$near") {
        Fail(code::kBadValue, std::string(e.name()) + " is not allowed in this context");
      }
      if (e.name().starts_with('$')) continue;
      const std::string first(e.name().substr(0, e.name().find('.')));
      if (!name->empty() && *name != first) {
        Fail(code::kFailedToParse,
             "Error parsing array filter: Expected a single top-level "
             "field name, found '" +
                 *name + "' and '" + first + "'");
      }
      *name = first;
    }
  }

  void Operator(const bson::Element& e) {
    const std::string_view op = e.name();
    if (std::find(std::begin(kOperators), std::end(kOperators), op) == std::end(kOperators)) {
      FailUnknown(code::kFailedToParse,
                  "Unknown modifier: " + std::string(op) +
                      ". Expected a valid update modifier or pipeline-style update specified as "
                      "an array",
                  op, kOperators, std::size(kOperators),
                  std::string(options_.pointer) + "/" + std::string(op));
    }
    if (e.type() != bson::Type::kObject) {
      Fail(code::kFailedToParse, "Modifiers operate on fields but we found type " +
                                     std::string(TypeName(e.type())) + " instead. For example: {" +
                                     std::string(op) + ": {<field>: ...}}");
    }
    for (const bson::Element& field : e.value().Doc()) {
      Change change;
      change.path = field.name();
      change.components = CheckPath(field.name());
      change.on_insert_only = op == "$setOnInsert";
      if (op == "$rename") {
        ParseRename(field, &change);
      } else {
        change.modifier = ParseModifier(op, field, options_);
      }
      changes_.push_back(std::move(change));
    }
  }

  std::vector<std::string> CheckPath(std::string_view path) {
    if (path.empty()) Fail(56, "An empty update path is not valid.");
    std::vector<std::string> components = Components(path);
    bool positional = false;
    for (size_t i = 0; i < components.size(); ++i) {
      const std::string& c = components[i];
      if (c.empty()) {
        Fail(56, "The update path '" + std::string(path) + "' contains an empty field name");
      }
      if (!IsPositional(c)) continue;
      if (c == "$ref" || c == "$id" || c == "$db") continue;
      if (i == 0) {
        if (c == "$" || c.starts_with("$[")) {
          Fail(code::kBadValue, "Cannot have positional element in the first position in path '" +
                                    std::string(path) + "'");
        }
        Fail(52, "The dollar ($) prefixed field '" + c +
                     "' is not allowed in the context of an "
                     "update's replacement document");
      }
      if (c == "$") {
        if (positional) {
          Fail(code::kBadValue,
               "Too many positional elements found in path '" + std::string(path) + "'");
        }
        positional = true;
        needs_position = true;
      } else if (c.starts_with("$[") && c.ends_with(']')) {
        const std::string name = c.substr(2, c.size() - 3);
        if (name.empty()) continue;
        if (!filters_.contains(name)) {
          Fail(code::kBadValue, "No array filter found for identifier '" + name + "' in path '" +
                                    std::string(path) + "'");
        }
        used_filters_.insert(name);
      } else {
        Fail(52, "The dollar ($) prefixed field '" + c + "' in '" + std::string(path) +
                     "' is not valid for storage.");
      }
    }
    return components;
  }

  void ParseRename(const bson::Element& field, Change* change) {
    if (field.type() != bson::Type::kString) {
      Fail(code::kBadValue, "The 'to' field for $rename must be a string");
    }
    const std::string_view to = field.value().Text();
    if (to.find('\0') != std::string_view::npos) {
      Fail(code::kBadValue, "The 'to' field for $rename cannot contain an embedded null byte");
    }
    change->rename_to = CheckPath(to);
    for (const auto* side : {&change->components, &change->rename_to}) {
      if (std::any_of(side->begin(), side->end(), IsPositional)) {
        Fail(code::kBadValue, "The source and destination field for $rename may not be dynamic");
      }
    }
    if (to == field.name()) {
      Fail(code::kBadValue, "The source and target field for $rename must differ");
    }
    if (Conflict(change->components, change->rename_to)) {
      Fail(code::kBadValue,
           "The source and target field for $rename must not be on the same "
           "path");
    }
  }

  void CheckConflicts() const {
    std::vector<const std::vector<std::string>*> paths;
    for (const Change& c : changes_) {
      paths.push_back(&c.components);
      if (c.modifier == nullptr) paths.push_back(&c.rename_to);
    }
    std::sort(paths.begin(), paths.end(), [](auto* a, auto* b) { return *a < *b; });
    for (size_t i = 1; i < paths.size(); ++i) {
      if (!Conflict(*paths[i - 1], *paths[i])) continue;
      std::string path;
      for (const std::string& c : *paths[i]) path += (path.empty() ? "" : ".") + c;
      Fail(code::kConflictingUpdates,
           "Updating the path '" + path + "' would create a conflict at '" + path + "'");
    }
  }

  // Concrete paths that a path with $, $[] and $[id] stands for in this document.
  void Expand(const bson::Value& at, const Change& change, size_t i, const ApplyOptions& apply,
              std::vector<std::string>* prefix, std::vector<std::vector<std::string>>* out) const {
    const auto& components = change.components;
    while (i < components.size() && !IsPositional(components[i])) {
      prefix->push_back(components[i++]);
    }
    if (i == components.size()) {
      out->push_back(*prefix);
      return;
    }
    const std::string& c = components[i];
    const bson::Value array = at.type() == bson::Type::kObject || at.type() == bson::Type::kArray
                                  ? ValueAt(bson::Document(root_bytes_), *prefix)
                                  : bson::Value();
    if (c == "$") {
      if (apply.position < 0) {
        Fail(code::kBadValue,
             "The positional operator did not find the match needed from the "
             "query.");
      }
      ExpandInto(at, std::to_string(apply.position), change, i, apply, *prefix, out);
      return;
    }
    if (array.type() != bson::Type::kArray) {
      Fail(code::kBadValue, array ? "Cannot apply array updates to non-array element"
                                  : "The path '" + change.path +
                                        "' must exist in the document in order to apply array "
                                        "updates.");
    }
    const std::string name = c.substr(2, c.size() - 3);
    int64_t index = 0;
    for (const bson::Element& e : array.Doc()) {
      if (name.empty() || FilterMatches(name, e.value())) {
        ExpandInto(at, std::to_string(index), change, i, apply, *prefix, out);
      }
      ++index;
    }
  }

  void ExpandInto(const bson::Value& at, std::string index, const Change& change, size_t i,
                  const ApplyOptions& apply, std::vector<std::string> prefix,
                  std::vector<std::vector<std::string>>* out) const {
    prefix.push_back(std::move(index));
    Expand(at, change, i + 1, apply, &prefix, out);
  }

  bool FilterMatches(const std::string& name, const bson::Value& element) const {
    const std::string wrapped = bson::Builder().Value(name, element).Finish();
    return Unwrap(filters_.at(name)->Matches(bson::Document(AsBytes(wrapped))));
  }

  void Modify(const Change& change, const ApplyOptions& apply, std::string* document) const {
    std::vector<std::vector<std::string>> paths;
    const bool positional =
        std::any_of(change.components.begin(), change.components.end(), IsPositional);
    if (positional) {
      root_bytes_ = AsBytes(*document);
      std::vector<std::string> prefix;
      Expand(bson::Document(root_bytes_).AsValue(bson::Type::kObject), change, 0, apply, &prefix,
             &paths);
    } else {
      paths.push_back(change.components);
    }
    for (const std::vector<std::string>& path : paths) {
      *document = EditPath(
          bson::Document(AsBytes(*document)), path, change.modifier->if_absent(),
          [&](const bson::Value& old) { return change.modifier->Apply(old, change.path); });
    }
  }

  static void Rename(const Change& change, std::string* document) {
    const bson::Document doc(AsBytes(*document));
    CheckNoArray(doc, change.components, "source");
    const bson::Value value = ValueAt(doc, change.components);
    if (!value) return;
    const OwnedValue kept = OwnedValue::Copy(value);
    CheckNoArray(doc, change.rename_to, "destination");
    std::string without = EditPath(doc, change.components, IfAbsent::kLeaveAlone,
                                   [](const bson::Value&) { return OwnedValue(); });
    *document = EditPath(bson::Document(AsBytes(without)), change.rename_to, IfAbsent::kCreate,
                         [&](const bson::Value&) { return kept; });
  }

  static void CheckNoArray(bson::Document doc, const std::vector<std::string>& path,
                           std::string_view side) {
    bson::Value v = doc.AsValue(bson::Type::kObject);
    for (const std::string& name : path) {
      if (v.type() == bson::Type::kArray) {
        Fail(code::kBadValue,
             "The " + std::string(side) + " field of $rename cannot be an array element");
      }
      if (v.type() != bson::Type::kObject) return;
      v = v.Doc()[name].value();
    }
  }

  static void CheckId(bson::Document before, const std::string& after, bool inserting) {
    const bson::Value old_id = before["_id"].value();
    const bson::Value new_id = bson::Document(AsBytes(after))["_id"].value();
    if (!old_id && inserting) return;
    if (old_id.type() == new_id.type() && AsText(old_id.bytes()) == AsText(new_id.bytes())) {
      return;
    }
    if (old_id && new_id && EqualValues(old_id, new_id)) return;
    Fail(code::kImmutableField,
         "Performing an update on the path '_id' would modify the immutable field '_id'");
  }

  std::string Replace(bson::Document doc) const {
    return KeepId(doc, std::string(AsText(source_.view().Doc().bytes())));
  }

  // The document's _id first; 66 when the new one differs.
  static std::string KeepId(bson::Document doc, const std::string& next) {
    const bson::Value old_id = doc["_id"].value();
    const bson::Document fields(AsBytes(next));
    const bson::Value new_id = fields["_id"].value();
    if (old_id && new_id && !EqualValues(old_id, new_id)) {
      Fail(code::kImmutableField,
           "After applying the update, the (immutable) field '_id' was "
           "found to have been altered");
    }
    bson::Builder out;
    if (old_id || new_id) out.Value("_id", old_id ? old_id : new_id);
    for (const bson::Element& e : fields) {
      if (e.name() != "_id") out.Element(e);
    }
    return out.Finish();
  }

  const ParseOptions options_;
  OwnedValue source_;
  std::vector<Change> changes_;
  std::map<std::string, std::unique_ptr<Matcher>> filters_;
  std::set<std::string> used_filters_;
  std::unique_ptr<PipelineUpdate> pipeline_;
  mutable BytesView root_bytes_;
};

Updater::Updater() = default;
Updater::~Updater() = default;

Result<std::unique_ptr<Updater>> Updater::Parse(bson::Value update, bson::Document array_filters,
                                                const ParseOptions& options) {
  return Catch<std::unique_ptr<Updater>>([&] {
    std::unique_ptr<Updater> updater(new Updater());
    updater->program_ = std::make_unique<UpdateProgram>(options);
    updater->program_->Parse(update, array_filters);
    return updater;
  });
}

Updater::Kind Updater::kind() const noexcept { return program_->kind; }
bool Updater::NeedsPosition() const noexcept { return program_->needs_position; }

Result<UpdateOutcome> Updater::Apply(bson::Document doc, const ApplyOptions& options) const {
  try {
    return program_->Apply(doc, options);
  } catch (QueryError& e) {
    return std::move(e.status);
  }
}

namespace {

struct Equality {
  std::vector<std::string> path;
  bson::Value value;
};

void CollectEqualities(bson::Document filter, std::vector<Equality>* out) {
  for (const bson::Element& e : filter) {
    if (e.name() == "$and" || e.name() == "$or") {
      if (e.type() != bson::Type::kArray) continue;
      if (e.name() == "$or" && e.value().Doc().CountElements() != 1) continue;
      for (const bson::Element& child : e.value().Doc()) {
        if (child.type() == bson::Type::kObject) CollectEqualities(child.value().Doc(), out);
      }
      continue;
    }
    if (e.name().starts_with('$') || e.type() == bson::Type::kRegex) continue;
    bson::Value value = e.value();
    if (IsOperatorObject(value)) {
      const bson::Document operators = value.Doc();
      value = operators["$eq"].value();
      const bson::Value one_of = operators["$in"].value();
      const bson::Value all = operators["$all"].value();
      for (const bson::Value& list : {one_of, all}) {
        const bool single = list.type() == bson::Type::kArray && list.Doc().CountElements() == 1;
        if (!value && single && list.Doc().begin()->type() != bson::Type::kRegex &&
            !IsOperatorObject(list.Doc().begin()->value())) {
          value = list.Doc().begin()->value();
        }
      }
      if (!value) continue;
    }
    out->push_back({Components(e.name()), value});
  }
}

}  // namespace

Result<std::string> UpsertBase(bson::Document filter) {
  return Catch<std::string>([&] {
    std::vector<Equality> equalities;
    CollectEqualities(filter, &equalities);
    std::string document = bson::Builder().Finish();
    const auto set = [&](const Equality& e) {
      for (const Equality& other : equalities) {
        if (&other != &e && Conflict(other.path, e.path)) {
          Fail(54, "cannot infer query fields to set, a path is matched twice");
        }
      }
      document = EditPath(bson::Document(AsBytes(document)), e.path, IfAbsent::kCreate,
                          [&](const bson::Value&) { return OwnedValue::Copy(e.value); });
    };
    for (const Equality& e : equalities) {
      if (e.path.front() == "_id") set(e);
    }
    for (const Equality& e : equalities) {
      if (e.path.front() != "_id") set(e);
    }
    return document;
  });
}

}  // namespace nexadb::query
