#include "plugins/database-document/match/json_schema.h"

#include <algorithm>
#include <optional>

#include "plugins/database-document/expression/arithmetic.h"
#include "plugins/database-document/expression/text.h"
#include "plugins/database-document/value/compare.h"
#include "plugins/database-document/value/failure.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

using bson::Type;

class Schema;
using SchemaPtr = std::unique_ptr<Schema>;

struct Dependency {
  std::string name;
  std::vector<std::string_view> needs;
  SchemaPtr schema;
};

// One schema. Every keyword but type and enum asks only values of its own kind.
class Schema {
 public:
  bool Accepts(const bson::Value& v) const {
    if (!types.empty() && std::find(types.begin(), types.end(), v.type()) == types.end()) {
      return false;
    }
    if (has_enum && std::none_of(one_of_values.begin(), one_of_values.end(),
                                 [&](const bson::Value& e) { return EqualValues(e, v); })) {
      return false;
    }
    if (!Combined(v)) return false;
    if (v.IsNumber()) return Number(v);
    if (v.type() == Type::kString) return Text(v.Text());
    if (v.type() == Type::kArray) return Array(v.Doc());
    if (v.type() == Type::kObject) return Object(v.Doc());
    return true;
  }

  std::vector<Type> types;
  bool has_enum = false;
  std::vector<bson::Value> one_of_values;
  bson::Value minimum, maximum, multiple_of;
  bool exclusive_minimum = false;
  bool exclusive_maximum = false;
  std::optional<int64_t> length_min, length_max, items_min, items_max, properties_min,
      properties_max;
  std::optional<Regex> pattern;
  std::vector<std::string_view> required;
  std::vector<std::pair<std::string_view, SchemaPtr>> properties;
  std::vector<std::pair<Regex, SchemaPtr>> pattern_properties;
  bool refuse_additional = false;
  SchemaPtr additional;
  std::vector<Dependency> dependencies;
  SchemaPtr every_item;
  std::vector<SchemaPtr> items;
  bool refuse_additional_items = false;
  SchemaPtr additional_items;
  bool unique_items = false;
  std::vector<SchemaPtr> all_of, any_of, one_of;
  SchemaPtr not_schema;

 private:
  bool Combined(const bson::Value& v) const {
    const auto accepts = [&](const SchemaPtr& s) { return s->Accepts(v); };
    if (!std::all_of(all_of.begin(), all_of.end(), accepts)) return false;
    if (!any_of.empty() && std::none_of(any_of.begin(), any_of.end(), accepts)) return false;
    if (!one_of.empty() && std::count_if(one_of.begin(), one_of.end(), accepts) != 1) return false;
    return not_schema == nullptr || !not_schema->Accepts(v);
  }
  bool Number(const bson::Value& v) const {
    if (minimum) {
      const int order = CompareNumbers(v, minimum);
      if (order < 0 || (exclusive_minimum && order == 0) || IsNan(v)) return false;
    }
    if (maximum) {
      const int order = CompareNumbers(v, maximum);
      if (order > 0 || (exclusive_maximum && order == 0)) return false;
    }
    if (!multiple_of) return true;
    return Decimal::Mod(ToDecimal(v), ToDecimal(multiple_of)).IsZero();
  }
  bool Text(std::string_view text) const {
    const int64_t length = CodePoints(text);
    if ((length_min && length < *length_min) || (length_max && length > *length_max)) return false;
    return !pattern || pattern->Search(text);
  }
  bool Array(bson::Document array) const {
    const auto size = static_cast<int64_t>(array.CountElements());
    if ((items_min && size < *items_min) || (items_max && size > *items_max)) return false;
    size_t i = 0;
    for (const bson::Element& e : array) {
      if (every_item != nullptr && !every_item->Accepts(e.value())) return false;
      if (i < items.size()) {
        if (!items[i]->Accepts(e.value())) return false;
      } else if (!items.empty()) {
        if (refuse_additional_items) return false;
        if (additional_items != nullptr && !additional_items->Accepts(e.value())) return false;
      }
      ++i;
    }
    return !unique_items || Unique(array);
  }
  static bool Unique(bson::Document array) {
    std::vector<bson::Value> values;
    for (const bson::Element& e : array) values.push_back(e.value());
    std::sort(values.begin(), values.end(), ValueLess());
    return std::adjacent_find(values.begin(), values.end(), ValueEqual()) == values.end();
  }
  bool Object(bson::Document doc) const {
    const auto size = static_cast<int64_t>(doc.CountElements());
    if ((properties_min && size < *properties_min) || (properties_max && size > *properties_max)) {
      return false;
    }
    for (const std::string_view name : required) {
      if (!doc[name]) return false;
    }
    for (const Dependency& d : dependencies) {
      if (!doc[d.name]) continue;
      for (const std::string_view name : d.needs) {
        if (!doc[name]) return false;
      }
      if (d.schema != nullptr && !d.schema->Accepts(doc.AsValue(Type::kObject))) return false;
    }
    for (const bson::Element& e : doc) {
      if (!Property(e)) return false;
    }
    return true;
  }
  bool Property(const bson::Element& e) const {
    bool known = false;
    for (const auto& [name, schema] : properties) {
      if (name != e.name()) continue;
      known = true;
      if (!schema->Accepts(e.value())) return false;
    }
    for (const auto& [regex, schema] : pattern_properties) {
      if (!regex.Search(e.name())) continue;
      known = true;
      if (!schema->Accepts(e.value())) return false;
    }
    if (known) return true;
    if (refuse_additional) return false;
    return additional == nullptr || additional->Accepts(e.value());
  }
};

[[noreturn]] void FailType(const bson::Element& e, std::string_view wanted) {
  Fail(code::kTypeMismatch, "$jsonSchema keyword '" + std::string(e.name()) + "' must be " +
                                std::string(wanted) + ", but found type " +
                                std::string(TypeName(e.type())));
}

void RequireType(const bson::Element& e, Type type, std::string_view wanted) {
  if (e.type() != type) FailType(e, wanted);
}

int64_t Count(const bson::Element& e) {
  const std::optional<int64_t> n = e.value().IsNumber() ? ExactInt64(e.value()) : std::nullopt;
  if (!n || *n < 0) {
    Fail(code::kFailedToParse,
         "$jsonSchema keyword '" + std::string(e.name()) + "' must be a non-negative integer");
  }
  return *n;
}

class SchemaParser {
 public:
  SchemaPtr Parse(bson::Document doc, size_t depth) {
    if (depth > kFilterDepthMax) Fail(code::kBadValue, "$jsonSchema is nested too deeply");
    auto schema = std::make_unique<Schema>();
    for (const bson::Element& e : doc) Keyword(e, doc, depth, schema.get());
    if (doc["type"] && doc["bsonType"]) {
      Fail(code::kFailedToParse, "Cannot specify both $jsonSchema keywords 'type' and 'bsonType'");
    }
    return schema;
  }

 private:
  SchemaPtr Child(const bson::Element& e, size_t depth) {
    RequireType(e, Type::kObject, "an object");
    return Parse(e.value().Doc(), depth + 1);
  }

  void Keyword(const bson::Element& e, bson::Document all, size_t depth, Schema* s) {
    const std::string_view name = e.name();
    if (name == "title" || name == "description") return RequireType(e, Type::kString, "a string");
    if (Numbers(e, all, s) || Objects(e, depth, s) || Arrays(e, depth, s)) return;
    if (name == "bsonType" || name == "type") return Types(e, name == "bsonType", s);
    if (name == "enum") return Enum(e, s);
    if (name == "minLength") {
      s->length_min = Count(e);
    } else if (name == "maxLength") {
      s->length_max = Count(e);
    } else if (name == "pattern") {
      RequireType(e, Type::kString, "a string");
      s->pattern.emplace(e.value().Text(), "", 51108);
    } else if (name == "allOf") {
      List(e, depth, &s->all_of);
    } else if (name == "anyOf") {
      List(e, depth, &s->any_of);
    } else if (name == "oneOf") {
      List(e, depth, &s->one_of);
    } else if (name == "not") {
      s->not_schema = Child(e, depth);
    } else {
      Fail(code::kFailedToParse,
           "Unknown or unsupported $jsonSchema keyword: " + std::string(name));
    }
  }

  static bool Numbers(const bson::Element& e, bson::Document all, Schema* s) {
    const std::string_view name = e.name();
    const auto number = [&] {
      if (!e.value().IsNumber()) FailType(e, "a number");
      return e.value();
    };
    const auto exclusive = [&](std::string_view with) {
      RequireType(e, Type::kBool, "a boolean");
      if (!all[with]) {
        Fail(code::kFailedToParse, "$jsonSchema keyword '" + std::string(with) +
                                       "' must be present if '" + std::string(name) + "' is");
      }
      return e.value().Bool();
    };
    if (name == "minimum") {
      s->minimum = number();
    } else if (name == "maximum") {
      s->maximum = number();
    } else if (name == "exclusiveMinimum") {
      s->exclusive_minimum = exclusive("minimum");
    } else if (name == "exclusiveMaximum") {
      s->exclusive_maximum = exclusive("maximum");
    } else if (name == "multipleOf") {
      s->multiple_of = number();
      if (IsNan(e.value()) || ToDouble(e.value()) <= 0) {
        Fail(code::kFailedToParse, "$jsonSchema keyword 'multipleOf' must have a positive value");
      }
    } else {
      return false;
    }
    return true;
  }

  bool Objects(const bson::Element& e, size_t depth, Schema* s) {
    const std::string_view name = e.name();
    if (name == "required") {
      s->required = Names(e);
    } else if (name == "properties") {
      RequireType(e, Type::kObject, "an object");
      for (const bson::Element& p : e.value().Doc()) {
        s->properties.emplace_back(p.name(), Child(p, depth));
      }
    } else if (name == "patternProperties") {
      RequireType(e, Type::kObject, "an object");
      for (const bson::Element& p : e.value().Doc()) {
        s->pattern_properties.emplace_back(Regex(p.name(), "", 51108), Child(p, depth));
      }
    } else if (name == "additionalProperties") {
      if (e.type() == Type::kBool) {
        s->refuse_additional = !e.value().Bool();
      } else {
        if (e.type() != Type::kObject) FailType(e, "an object or a boolean");
        s->additional = Child(e, depth);
      }
    } else if (name == "minProperties") {
      s->properties_min = Count(e);
    } else if (name == "maxProperties") {
      s->properties_max = Count(e);
    } else if (name == "dependencies") {
      RequireType(e, Type::kObject, "an object");
      for (const bson::Element& d : e.value().Doc()) {
        Dependency dependency{std::string(d.name()), {}, nullptr};
        if (d.type() == Type::kArray) {
          dependency.needs = Names(d);
        } else {
          dependency.schema = Child(d, depth);
        }
        s->dependencies.push_back(std::move(dependency));
      }
    } else {
      return false;
    }
    return true;
  }

  bool Arrays(const bson::Element& e, size_t depth, Schema* s) {
    const std::string_view name = e.name();
    if (name == "items") {
      if (e.type() == Type::kArray) {
        for (const bson::Element& item : e.value().Doc()) s->items.push_back(Child(item, depth));
      } else {
        if (e.type() != Type::kObject) FailType(e, "an array or an object");
        s->every_item = Child(e, depth);
      }
    } else if (name == "additionalItems") {
      if (e.type() == Type::kBool) {
        s->refuse_additional_items = !e.value().Bool();
      } else {
        if (e.type() != Type::kObject) FailType(e, "an object or a boolean");
        s->additional_items = Child(e, depth);
      }
    } else if (name == "minItems") {
      s->items_min = Count(e);
    } else if (name == "maxItems") {
      s->items_max = Count(e);
    } else if (name == "uniqueItems") {
      RequireType(e, Type::kBool, "a boolean");
      s->unique_items = e.value().Bool();
    } else {
      return false;
    }
    return true;
  }

  static std::vector<std::string_view> Names(const bson::Element& e) {
    RequireType(e, Type::kArray, "an array");
    std::vector<std::string_view> names;
    for (const bson::Element& n : e.value().Doc()) {
      if (n.type() != Type::kString) FailType(e, "an array of strings");
      if (std::find(names.begin(), names.end(), n.value().Text()) != names.end()) {
        Fail(code::kFailedToParse, "$jsonSchema keyword '" + std::string(e.name()) +
                                       "' array cannot contain duplicate values");
      }
      names.push_back(n.value().Text());
    }
    if (names.empty()) {
      Fail(code::kFailedToParse,
           "$jsonSchema keyword '" + std::string(e.name()) + "' cannot be an empty array");
    }
    return names;
  }

  void List(const bson::Element& e, size_t depth, std::vector<SchemaPtr>* out) {
    RequireType(e, Type::kArray, "an array");
    for (const bson::Element& child : e.value().Doc()) out->push_back(Child(child, depth));
    if (out->empty()) {
      Fail(code::kBadValue,
           "$jsonSchema keyword '" + std::string(e.name()) + "' must be a non-empty array");
    }
  }

  static void AddType(const bson::Element& keyword, const bson::Value& v, bool bson_names,
                      Schema* s) {
    if (v.type() != Type::kString) FailType(keyword, "a string or an array of strings");
    const std::string_view name = v.Text();
    if (name == "number") {
      s->types.insert(s->types.end(),
                      {Type::kInt32, Type::kInt64, Type::kDouble, Type::kDecimal128});
      return;
    }
    Type type = Type::kEnd;
    if (bson_names) {
      type = TypeNamed(name);
    } else {
      if (name == "integer") {
        Fail(code::kFailedToParse, "$jsonSchema type 'integer' is not currently supported.");
      }
      if (name == "boolean") type = Type::kBool;
      if (name == "string" || name == "object" || name == "array" || name == "null") {
        type = TypeNamed(name);
      }
    }
    if (type == Type::kEnd) {
      Fail(code::kBadValue, "Unknown type name alias: " + std::string(name));
    }
    s->types.push_back(type);
  }

  static void Types(const bson::Element& e, bool bson_names, Schema* s) {
    if (e.type() != Type::kArray) return AddType(e, e.value(), bson_names, s);
    for (const bson::Element& t : e.value().Doc()) AddType(e, t.value(), bson_names, s);
    if (s->types.empty()) {
      Fail(code::kFailedToParse,
           "$jsonSchema keyword '" + std::string(e.name()) + "' must name at least one type");
    }
  }

  static void Enum(const bson::Element& e, Schema* s) {
    RequireType(e, Type::kArray, "an array");
    for (const bson::Element& v : e.value().Doc()) {
      for (const bson::Value& other : s->one_of_values) {
        if (EqualValues(other, v.value())) {
          Fail(code::kFailedToParse,
               "$jsonSchema keyword 'enum' array cannot contain duplicate "
               "values");
        }
      }
      s->one_of_values.push_back(v.value());
    }
    if (s->one_of_values.empty()) {
      Fail(code::kFailedToParse, "$jsonSchema keyword 'enum' cannot be an empty array");
    }
    s->has_enum = true;
  }
};

class SchemaNode final : public MatchNode {
 public:
  explicit SchemaNode(SchemaPtr schema) : schema_(std::move(schema)) {}
  bool Match(bson::Document doc, MatchDetails&) const override {
    return schema_->Accepts(doc.AsValue(Type::kObject));
  }
  bool MatchValue(const bson::Value& value, Expand) const override {
    return schema_->Accepts(value);
  }

 private:
  SchemaPtr schema_;
};

}  // namespace

NodePtr ParseJsonSchema(bson::Document schema) {
  return std::make_unique<SchemaNode>(SchemaParser().Parse(schema, 0));
}

}  // namespace nexadb::query
