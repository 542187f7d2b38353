#include "plugins/database-document/value/path.h"

namespace nexadb::query {

int64_t ArrayIndexOf(std::string_view component) noexcept {
  constexpr size_t kDigitsMax = 10;
  if (component.empty() || component.size() > kDigitsMax) return -1;
  if (component[0] == '0' && component.size() > 1) return -1;
  int64_t index = 0;
  for (const char c : component) {
    if (c < '0' || c > '9') return -1;
    index = index * 10 + (c - '0');
  }
  return index;
}

Path::Path(std::string_view dotted) : text_(dotted) {
  size_t start = 0;
  while (true) {
    const size_t dot = dotted.find('.', start);
    const std::string_view name = dotted.substr(start, dot - start);
    components_.push_back({std::string(name), ArrayIndexOf(name)});
    if (dot == std::string_view::npos) break;
    start = dot + 1;
  }
}

bool Path::IsPrefixOf(const Path& other) const noexcept {
  if (size() > other.size()) return false;
  for (size_t i = 0; i < size(); ++i) {
    if (components_[i].name != other.components_[i].name) return false;
  }
  return true;
}

bson::Value ElementAt(bson::Document array, int64_t index) noexcept {
  for (const bson::Element& e : array) {
    if (index-- == 0) return e.value();
  }
  return {};
}

bson::Value GetPlain(bson::Document doc, const Path& path) noexcept {
  bson::Value v = doc.AsValue(bson::Type::kObject);
  for (const PathComponent& component : path.components()) {
    if (v.type() == bson::Type::kObject) {
      v = v.Doc()[component.name].value();
    } else if (v.type() == bson::Type::kArray && component.index >= 0) {
      v = ElementAt(v.Doc(), component.index);
    } else {
      return {};
    }
  }
  return v;
}

}  // namespace nexadb::query
