#include "plugins/database-document/index/entry_builder.h"

#include <algorithm>

#include "core/document/error.h"
#include "plugins/database-document/index/entry_types.h"
#include "plugins/database-document/value/key_encoding.h"

namespace nexadb::database {

namespace {

constexpr int32_t kCannotIndexParallelArrays = 171;
constexpr int32_t kCannotBuildIndexKeys = 201;

bson::Value Undefined() { return {bson::Type::kUndefined, nullptr, 0}; }

Status ParallelArrays(const IndexPart& a, const IndexPart& b) {
  return MongoError(kCannotIndexParallelArrays,
                    "cannot index parallel arrays [" + b.path.text() + "] [" + a.path.text() + "]");
}

query::KeyOrder OrderOf(const IndexPart& part) {
  return part.descending ? query::KeyOrder::kDescending : query::KeyOrder::kAscending;
}

}  // namespace

Status EntryLimits::Check(size_t entries, size_t bytes) const {
  if (entries <= entries_max && bytes <= bytes_max) return {};
  return MongoError(kCannotBuildIndexKeys,
                    "a document has more than " + std::to_string(entries_max) +
                        " entries in one index, or more than " + std::to_string(bytes_max >> 20) +
                        " MiB of them: its arrays are too long to be indexed");
}

Status EntryBuilder::Build(bson::Document document) {
  document_ = document;
  std::vector<Walk> walks(parts_.size());
  for (Walk& walk : walks) walk.value = document.AsValue(bson::Type::kObject);
  return Expand(std::move(walks));
}

// As far as objects lead.
void EntryBuilder::Advance(size_t part, Walk& walk) {
  const query::Path& path = parts_[part].path;
  while (walk.at < path.size() && walk.value.type() == bson::Type::kObject) {
    walk.value = walk.value.Doc()[path[walk.at].name].value();
    ++walk.at;
  }
  const bool at_end = walk.at == path.size();
  if (at_end) any_present_ |= static_cast<bool>(walk.value);
  if (walk.value.type() == bson::Type::kArray) return;
  if (!at_end) walk.value = bson::Value();
  walk.done = true;
}

Status EntryBuilder::Expand(std::vector<Walk> walks) {
  if (combined_) return {};
  std::vector<size_t> waiting;  // at an array
  for (size_t i = 0; i < walks.size(); ++i) {
    if (!walks[i].done) Advance(i, walks[i]);
    if (walks[i].done) continue;
    const auto same = [&](size_t other) {
      return walks[other].value.bytes().data() == walks[i].value.bytes().data();
    };
    if (!waiting.empty() && !same(waiting[0])) {
      return ParallelArrays(parts_[waiting[0]], parts_[i]);
    }
    waiting.push_back(i);
  }
  if (waiting.empty()) return Emit(walks);
  if (TakesPosition(walks, waiting)) return Combine();
  for (const size_t i : waiting) out_.arrays.Add(i, walks[i].at - 1);
  return ExpandArray(walks, waiting);
}

Status EntryBuilder::ExpandArray(const std::vector<Walk>& walks,
                                 const std::vector<size_t>& waiting) {
  const bson::Document array = walks[waiting[0]].value.Doc();
  bool any = false;
  for (const bson::Element& e : array) {
    std::vector<Walk> next = walks;
    bool reaches = false;
    for (const size_t i : waiting) {
      const bool leaf = next[i].at == parts_[i].path.size();
      const bool enters = e.type() == bson::Type::kObject;
      next[i].value = leaf || enters ? e.value() : bson::Value();
      next[i].done = leaf || !enters;
      reaches |= leaf || enters;
    }
    // No path goes on in such an element.
    if (!reaches) continue;
    any = true;
    if (Status status = Expand(std::move(next)); !status.ok()) return status;
  }
  if (any) return {};
  std::vector<Walk> next = walks;
  for (const size_t i : waiting) {
    const bool empty_leaf = next[i].at == parts_[i].path.size();
    next[i].value = empty_leaf ? Undefined() : bson::Value();
    next[i].done = true;
  }
  return Expand(std::move(next));
}

// A component that is a number means a position of the array as well as a name in its elements.
bool EntryBuilder::TakesPosition(const std::vector<Walk>& walks,
                                 const std::vector<size_t>& waiting) const {
  return std::any_of(waiting.begin(), waiting.end(), [&](size_t i) {
    const query::Path& path = parts_[i].path;
    return walks[i].at < path.size() && path[walks[i].at].index >= 0;
  });
}

// Every value of each part with every value of the others: more entries than there need be, and
// none missing, whatever positions and names mean.
Status EntryBuilder::Combine() {
  std::set<std::string> combined{""};
  const IndexPart* through = nullptr;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const IndexPart& part = parts_[i];
    std::vector<bson::Value> values;
    bool arrays = false;
    query::VisitPath(document_, part.path, [&](const bson::Value& value, int64_t position) {
      arrays |= position >= 0 || value.type() == bson::Type::kArray;
      any_present_ |= static_cast<bool>(value);
      if (value.type() != bson::Type::kArray) {
        values.push_back(value);
        return false;
      }
      const size_t before = values.size();
      for (const bson::Element& e : value.Doc()) values.push_back(e.value());
      if (values.size() == before) values.push_back(Undefined());
      return false;
    });
    if (values.empty()) values.push_back(bson::Value());
    arrays |= values.size() > 1;
    if (arrays && through != nullptr && through->path[0].name != part.path[0].name) {
      return ParallelArrays(*through, part);
    }
    if (arrays) through = &part;
    out_.arrays.AddAll(i);
    std::set<std::string> longer;
    out_.bytes = 0;
    for (const std::string& key : combined) {
      for (const bson::Value& value : values) {
        std::string next = key;
        query::AppendKey(value, OrderOf(part), collation_, &next);
        if (Status bad = Insert(std::move(next), &longer); !bad.ok()) return bad;
      }
    }
    combined = std::move(longer);
  }
  out_.values = std::move(combined);
  combined_ = true;
  return {};
}

Status EntryBuilder::Emit(const std::vector<Walk>& walks) {
  if (tells_types_ && !out_.arrays.Any()) {
    EntryTypes told;
    for (const Walk& walk : walks) told.Add(walk.value);
    told.AppendTo(document_, &out_.types);
  }
  std::string key;
  for (size_t i = 0; i < parts_.size(); ++i) {
    query::AppendKey(walks[i].value, OrderOf(parts_[i]), collation_, &key);
  }
  return Insert(std::move(key), &out_.values);
}

Status EntryBuilder::Insert(std::string key, std::set<std::string>* keys) {
  const size_t size = key.size();
  if (keys->insert(std::move(key)).second) out_.bytes += size;
  return limits_.Check(keys->size(), out_.bytes);
}

}  // namespace nexadb::database
