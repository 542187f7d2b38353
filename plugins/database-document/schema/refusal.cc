#include "plugins/database-document/schema/refusal.h"

#include <vector>

#include "plugins/database-document/match/matcher.h"

namespace nexadb::database {

namespace {

bool Holds(const std::string& filter, bson::Document document, const query::ParseOptions& parse) {
  auto matcher = query::Matcher::Parse(bson::Document(AsBytes(filter)), parse);
  if (!matcher.ok()) return true;  // the rule means something only beside others
  auto matches = (*matcher)->Matches(document);
  return matches.ok() && *matches;
}

std::string SchemaOf(const bson::Element& rule) {
  return bson::Builder().OpenObject("$jsonSchema").Element(rule).Close().Finish();
}

std::string SchemaOfProperty(const bson::Element& property) {
  bson::Builder out;
  out.OpenObject("$jsonSchema").OpenObject("properties").Element(property).Close().Close();
  return out.Finish();
}

// A name of a list, from 0.
class Index {
 public:
  std::string Next() { return std::to_string(next_++); }

 private:
  size_t next_ = 0;
};

void AppendMissing(const bson::Element& required, bson::Document document, bson::Builder& out) {
  out.OpenArray("missingProperties");
  Index index;
  if (required.type() == bson::Type::kArray) {
    for (const bson::Element& name : required.value().Doc()) {
      if (name.type() == bson::Type::kString && !document[name.value().Text()]) {
        out.Value(index.Next(), name.value());
      }
    }
  }
  out.Close();
}

void AppendUnsatisfied(const bson::Element& properties, bson::Document document,
                       const query::ParseOptions& parse, bson::Builder& out) {
  out.OpenArray("propertiesNotSatisfied");
  Index index;
  for (const bson::Element& property : properties.value().Doc()) {
    if (Holds(SchemaOfProperty(property), document, parse)) continue;
    out.OpenObject(index.Next()).Text("propertyName", property.name());
    const bson::Document rules =
        property.type() == bson::Type::kObject ? property.value().Doc() : bson::Document();
    for (const std::string_view name : {"title", "description"}) {
      if (rules[name]) out.Element(rules[name]);
    }
    out.Value("specifiedAs", property.value());
    out.Value("consideredValue", document[property.name()].value()).Close();
  }
  out.Close();
}

void AppendSchemaRules(bson::Document schema, bson::Document document,
                       const query::ParseOptions& parse, bson::Builder& out) {
  out.OpenObject("details").Text("operatorName", "$jsonSchema");
  out.OpenArray("schemaRulesNotSatisfied");
  Index index;
  for (const bson::Element& rule : schema) {
    if (Holds(SchemaOf(rule), document, parse)) continue;
    out.OpenObject(index.Next()).Text("operatorName", rule.name());
    if (rule.name() == "required") {
      out.Value("specifiedAs", rule.value());
      AppendMissing(rule, document, out);
    } else if (rule.name() == "properties" && rule.type() == bson::Type::kObject) {
      AppendUnsatisfied(rule, document, parse, out);
    } else {
      out.Value("specifiedAs", rule.value());
    }
    out.Close();
  }
  out.Close().Close();
}

}  // namespace

std::string ExplainRefusal(bson::Document validator, bson::Document document,
                           const query::ParseOptions& parse) {
  bson::Builder out;
  if (document["_id"]) out.Value("failingDocumentId", document["_id"].value());
  const bson::Element only = validator.empty() ? bson::Element() : *validator.begin();
  if (validator.CountElements() == 1 && only.name() == "$jsonSchema") {
    AppendSchemaRules(only.value().Doc(), document, parse, out);
    return out.Finish();
  }
  out.OpenObject("details").Text("operatorName", "$and").OpenArray("clausesNotSatisfied");
  Index index;
  for (const bson::Element& clause : validator) {
    if (Holds(bson::Builder().Element(clause).Finish(), document, parse)) continue;
    out.OpenObject(index.Next()).Text("operatorName", clause.name());
    out.Value("specifiedAs", clause.value());
    const bson::Value considered = document[clause.name()].value();
    if (considered) out.Value("consideredValue", considered);
    out.Close();
  }
  out.Close().Close();
  return out.Finish();
}

}  // namespace nexadb::database
