#include "plugins/database-document/schema/infer.h"

#include <algorithm>

#include "plugins/database-document/value/compare.h"
#include "plugins/database-document/value/failure.h"

namespace nexadb::database {

namespace {

using Types = std::map<std::string, uint64_t, std::less<>>;

void CountType(Types& types, bson::Type type) {
  const std::string_view name = query::TypeName(type);
  const auto found = types.find(name);
  if (found == types.end()) {
    types.emplace(name, 1);
  } else {
    ++found->second;
  }
}

bson::Value KeptValue(const std::string& kept) {
  return (*bson::Document(AsBytes(kept)).begin()).value();
}

std::string Keep(const bson::Value& value) { return bson::Builder().Value("v", value).Finish(); }

void AppendTypes(std::string_view name, const Types& types, bson::Builder& out) {
  // The most frequent first.
  std::vector<std::pair<uint64_t, std::string_view>> order;
  for (const auto& [type, count] : types) order.emplace_back(count, type);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  out.OpenArray(name);
  for (size_t i = 0; i < order.size(); ++i) {
    out.OpenObject(std::to_string(i)).Text("type", order[i].second);
    out.Int64("count", static_cast<int64_t>(order[i].first)).Close();
  }
  out.Close();
}

void AppendBsonType(const Types& types, bson::Builder& out) {
  if (types.size() == 1) {
    out.Text("bsonType", types.begin()->first);
    return;
  }
  out.OpenArray("bsonType");
  size_t i = 0;
  for (const auto& [type, count] : types) out.Text(std::to_string(i++), type);
  out.Close();
}

}  // namespace

void SchemaSample::Add(bson::Document document) {
  ++documents_;
  ++root_.count;
  Members(root_, document, 1);
}

void SchemaSample::Members(Node& node, bson::Document document, int depth) {
  ++node.objects;
  if (depth > kDepthMax) {
    complete_ = false;
    return;
  }
  for (const bson::Element& element : document) {
    auto found = node.children.find(element.name());
    if (found == node.children.end()) {
      if (paths_ == kPathsMax) {
        complete_ = false;
        continue;
      }
      ++paths_;
      found = node.children.emplace(element.name(), std::make_unique<Node>()).first;
    }
    Node& child = *found->second;
    ++child.count;
    CountType(child.types, element.type());
    Value(child, element.value(), depth + 1);
  }
}

void SchemaSample::Value(Node& node, const bson::Value& value, int depth) {
  if (value.type() == bson::Type::kObject) {
    Members(node, value.Doc(), depth);
  } else if (value.type() == bson::Type::kArray) {
    for (const bson::Element& element : value.Doc()) {
      CountType(node.item_types, element.type());
      if (element.type() == bson::Type::kObject) Members(node, element.value().Doc(), depth);
    }
  } else if (value.IsNumber() || value.type() == bson::Type::kDate) {
    Widen(node.range, value);
  }
}

void SchemaSample::Widen(Range& range, const bson::Value& value) {
  const auto comparable = [&](const std::string& kept) {
    return query::TypeRank(KeptValue(kept).type()) == query::TypeRank(value.type());
  };
  if (range.least.empty()) {
    range.least = range.most = Keep(value);
    return;
  }
  if (!comparable(range.least)) return;
  if (query::CompareValues(value, KeptValue(range.least)) < 0) range.least = Keep(value);
  if (query::CompareValues(value, KeptValue(range.most)) > 0) range.most = Keep(value);
}

void SchemaSample::Fields(const Node& node, const std::string& prefix, size_t& index,
                          bson::Builder& out) const {
  for (const auto& [name, child] : node.children) {
    const std::string path = prefix.empty() ? name : prefix + "." + name;
    out.OpenObject(std::to_string(index++)).Text("path", path);
    out.Int64("count", static_cast<int64_t>(child->count));
    out.Double("share", static_cast<double>(child->count) / static_cast<double>(node.objects));
    AppendTypes("types", child->types, out);
    if (!child->item_types.empty()) AppendTypes("items", child->item_types, out);
    if (!child->range.least.empty()) {
      out.Value("min", KeptValue(child->range.least)).Value("max", KeptValue(child->range.most));
    }
    out.Close();
    Fields(*child, path, index, out);
  }
}

void SchemaSample::AppendFields(bson::Builder& out) const {
  out.OpenArray("fields");
  size_t index = 0;
  Fields(root_, "", index, out);
  out.Close();
}

void SchemaSample::Schema(const Node& node, bson::Builder& out) {
  if (node.children.empty()) return;
  std::vector<std::string_view> always;
  for (const auto& [name, child] : node.children) {
    if (child->count == node.objects) always.push_back(name);
  }
  if (!always.empty()) {
    out.OpenArray("required");
    for (size_t i = 0; i < always.size(); ++i) out.Text(std::to_string(i), always[i]);
    out.Close();
  }
  out.OpenObject("properties");
  for (const auto& [name, child] : node.children) {
    out.OpenObject(name);
    AppendBsonType(child->types, out);
    // What is known of members holds for objects here and in arrays alike.
    const bool in_arrays = child->item_types.contains("object");
    if (child->types.contains("object")) Schema(*child, out);
    if (!child->item_types.empty()) {
      out.OpenObject("items");
      AppendBsonType(child->item_types, out);
      if (in_arrays) Schema(*child, out);
      out.Close();
    }
    out.Close();
  }
  out.Close();
}

void SchemaSample::AppendSchema(bson::Builder& out) const {
  out.OpenObject("schema").Text("bsonType", "object");
  Schema(root_, out);
  out.Close();
}

}  // namespace nexadb::database
