// Dotted paths, and how filters follow them through arrays: at each array on the way, every element
// that is an object is entered, and a component that is a number also enters that index.
// Aggregation expressions follow paths by another rule (see expression/).
// A Path owns its text; resolving borrows the document and allocates nothing.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nexadb/bson.h"

namespace nexadb::query {

// Deeper paths are refused by whoever parses them.
constexpr size_t kPathComponentsMax = 200;

struct PathComponent {
  std::string name;
  int64_t index = -1;  // the component as an array index, or -1
};

// The array index that a component says, or -1: digits without a leading zero, at most 10 of them.
int64_t ArrayIndexOf(std::string_view component) noexcept;

class Path {
 public:
  Path() = default;
  explicit Path(std::string_view dotted);
  const std::string& text() const noexcept { return text_; }
  size_t size() const noexcept { return components_.size(); }
  const PathComponent& operator[](size_t i) const noexcept { return components_[i]; }
  const std::vector<PathComponent>& components() const noexcept { return components_; }
  // True when this path is `other` or lies above it.
  bool IsPrefixOf(const Path& other) const noexcept;

 private:
  std::string text_;
  std::vector<PathComponent> components_;
};

// The n-th element of an array, or none.
bson::Value ElementAt(bson::Document array, int64_t index) noexcept;

// Follows objects by name and arrays by index; nothing is expanded. None when absent.
bson::Value GetPlain(bson::Document doc, const Path& path) noexcept;

namespace internal {
template <class Visit>
bool VisitFrom(bson::Document doc, const Path& path, size_t at, int64_t position, Visit& visit);

template <class Visit>
bool VisitArray(bson::Document array, const Path& path, size_t at, int64_t position, Visit& visit) {
  int64_t i = 0;
  for (const bson::Element& e : array) {
    const int64_t here = position >= 0 ? position : i;
    if (e.type() == bson::Type::kObject && VisitFrom(e.value().Doc(), path, at, here, visit)) {
      return true;
    }
    if (path[at].index == i) {
      const bool last = at + 1 == path.size();
      if (last) {
        if (visit(e.value(), position)) return true;
      } else if (e.type() == bson::Type::kObject) {
        if (VisitFrom(e.value().Doc(), path, at + 1, position, visit)) return true;
      } else if (e.type() == bson::Type::kArray) {
        if (VisitArray(e.value().Doc(), path, at + 1, position, visit)) return true;
      }
    }
    ++i;
  }
  return false;
}

template <class Visit>
bool VisitFrom(bson::Document doc, const Path& path, size_t at, int64_t position, Visit& visit) {
  const bson::Value v = doc[path[at].name].value();
  if (at + 1 == path.size()) return visit(v, position);
  if (v.type() == bson::Type::kObject) return VisitFrom(v.Doc(), path, at + 1, position, visit);
  if (v.type() == bson::Type::kArray) return VisitArray(v.Doc(), path, at + 1, position, visit);
  return visit(bson::Value(), position);
}
}  // namespace internal

// Calls visit(value, position) for each value that `path` reaches, until it returns true; says
// whether it did. An absent leaf is visited as a missing value; a leaf array is visited whole, its
// elements are the visitor's business. `position` is the index of the first array gone through
// implicitly, or -1.
template <class Visit>
bool VisitPath(bson::Document doc, const Path& path, Visit&& visit) {
  return internal::VisitFrom(doc, path, 0, -1, visit);
}

}  // namespace nexadb::query
