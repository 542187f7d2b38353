#include "plugins/database-document/plan/access_path.h"

#include <algorithm>

#include "plugins/database-document/value/compare.h"

namespace nexadb::database {

namespace {

// The least key above `key`.
std::string Successor(std::string_view key) { return std::string(key).append(1, '\0'); }

void NarrowById(uint32_t collection_id, const query::Matcher& filter, AccessPath& path) {
  const auto bounds = filter.Bounds("_id");
  if (!bounds) return;
  if (bounds->low) {
    const std::string low = DocumentKey(collection_id, bounds->low);
    path.span.begin = bounds->low_inclusive ? low : Successor(low);
    path.narrowed = true;
  }
  if (bounds->high) {
    const std::string high = DocumentKey(collection_id, bounds->high);
    path.span.end = bounds->high_inclusive ? Successor(high) : high;
    path.narrowed = true;
  }
}

// An $in of regular expressions matches by pattern, so it names no _id.
bool NamesValues(bson::Document values) {
  for (const bson::Element& e : values) {
    if (e.type() == bson::Type::kRegex || e.value().IsNullish()) return false;
  }
  return true;
}

}  // namespace

void AccessPath::ResumeAfter(std::string_view key) {
  const bool reverse = direction == ScanDirection::kReverse;
  if (kind == Kind::kIdLookup) {
    KeyBatch left;
    for (size_t i = 0; i < keys.size(); ++i) {
      if (reverse ? keys[i] < key : keys[i] > key) left.Add(keys[i]);
    }
    keys = std::move(left);
  } else if (reverse) {
    if (key < span.end) span.end = std::string(key);
  } else if (Successor(key) > span.begin) {
    span.begin = Successor(key);
  }
}

AccessPath ChooseAccess(uint32_t collection_id, const query::Matcher& filter,
                        ScanDirection direction) {
  AccessPath path;
  path.direction = direction;
  if (const auto id = filter.IdEquality()) {
    path.kind = AccessPath::Kind::kIdLookup;
    path.single_id = true;
    path.keys.Add(DocumentKey(collection_id, *id));
    return path;
  }
  if (const auto ids = filter.IdIn(); ids && NamesValues(*ids)) {
    path.kind = AccessPath::Kind::kIdLookup;
    std::vector<std::string> keys;
    for (const bson::Element& e : *ids) keys.push_back(DocumentKey(collection_id, e.value()));
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    if (direction == ScanDirection::kReverse) std::reverse(keys.begin(), keys.end());
    for (const std::string& key : keys) path.keys.Add(key);
    return path;
  }
  path.span = SpaceSpan(collection_id, Space::kDocument);
  NarrowById(collection_id, filter, path);
  return path;
}

}  // namespace nexadb::database
