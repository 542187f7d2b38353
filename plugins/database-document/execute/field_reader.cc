#include "plugins/database-document/execute/field_reader.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace nexadb::query {

const FieldReader::TypeSize FieldReader::kTypeSizes[256] = {
#define NEXADB_FIXED(bytes) \
  { 0, bytes, bytes, true }
#define NEXADB_SIZED(extra, least) \
  { ~uint32_t{0}, extra, least, true }
    {},                    // kEnd
    NEXADB_FIXED(8),       // kDouble
    NEXADB_SIZED(4, 5),    // kString
    NEXADB_SIZED(0, 5),    // kObject
    NEXADB_SIZED(0, 5),    // kArray
    NEXADB_SIZED(5, 5),    // kBinary
    NEXADB_FIXED(0),       // kUndefined
    NEXADB_FIXED(12),      // kObjectId
    NEXADB_FIXED(1),       // kBool
    NEXADB_FIXED(8),       // kDate
    NEXADB_FIXED(0),       // kNull
    {},                    // kRegex
    NEXADB_SIZED(16, 17),  // kDbPointer
    NEXADB_SIZED(4, 5),    // kCode
    NEXADB_SIZED(4, 5),    // kSymbol
    NEXADB_SIZED(0, 14),   // kCodeWithScope
    NEXADB_FIXED(4),       // kInt32
    NEXADB_FIXED(8),       // kTimestamp
    NEXADB_FIXED(8),       // kInt64
    NEXADB_FIXED(16),      // kDecimal128
#undef NEXADB_FIXED
#undef NEXADB_SIZED
};

FieldReader::FieldReader(std::vector<std::string> names) : names_(std::move(names)), steps_(1) {
  wanted_ = names_.size() >= kFieldsMax ? ~uint64_t{0} : (uint64_t{1} << names_.size()) - 1;
}

const FieldReader::Step* FieldReader::Learn(size_t place, const uint8_t* at, const uint8_t* end) {
  const uint8_t* name = at + 1;
  if (name >= end) return nullptr;
  const void* name_end = std::memchr(name, 0, static_cast<size_t>(end - name));
  if (name_end == nullptr) return nullptr;
  const auto size = static_cast<size_t>(static_cast<const uint8_t*>(name_end) - name);
  passing_ = Step();
  passing_.name_bytes = static_cast<uint32_t>(size + 1);
  const std::string_view text(reinterpret_cast<const char*>(name), size);
  const auto found = std::find(names_.begin(), names_.end(), text);
  if (found != names_.end()) {
    passing_.field = static_cast<uint32_t>(found - names_.begin());
    passing_.bit = uint64_t{1} << passing_.field;
  }
  // At the end of a document nothing is compared, so there is nothing to be learned for it.
  if (size + 1 > kHeadBytes || end - at < kReachBytes || place >= kPlacesMax) return &passing_;
  uint8_t head[kHeadBytes] = {};
  uint8_t mask[kHeadBytes] = {};
  std::memcpy(head, name, size);
  std::memset(mask, 0xFF, size + 1);
  std::memcpy(passing_.head, head, kHeadBytes);
  std::memcpy(passing_.mask, mask, kHeadBytes);
  // Places are learned one after the other, and may be passed over by long names.
  if (place + 1 >= steps_.size()) steps_.resize(place + 2);
  steps_[place] = passing_;
  return &steps_[place];
}

PathReader::Node PathReader::Build(const std::vector<Path>& paths,
                                   const std::vector<uint32_t>& which, size_t depth) {
  std::vector<std::string> names;
  std::vector<Branch> branches;
  std::vector<std::vector<uint32_t>> below;
  for (const uint32_t path : which) {
    const std::string& name = paths[path][depth].name;
    const auto found = std::find(names.begin(), names.end(), name);
    const auto branch = static_cast<size_t>(found - names.begin());
    if (found == names.end()) {
      names.push_back(name);
      branches.emplace_back();
    }
    const bool ends = depth + 1 == paths[path].size();
    (ends ? branches[branch].paths : branches[branch].below).push_back(path);
  }
  Node node(std::move(names));
  for (Branch& branch : branches) {
    if (branch.below.empty()) continue;
    branch.child = std::make_unique<Node>(Build(paths, branch.below, depth + 1));
  }
  node.branches = std::move(branches);
  return node;
}

namespace {

std::vector<uint32_t> AllOf(size_t count) {
  std::vector<uint32_t> all(count);
  for (size_t i = 0; i < count; ++i) all[i] = static_cast<uint32_t>(i);
  return all;
}

}  // namespace

PathReader::PathReader(const std::vector<Path>& paths)
    : root_(Build(paths, AllOf(paths.size()), 0)) {}

}  // namespace nexadb::query
