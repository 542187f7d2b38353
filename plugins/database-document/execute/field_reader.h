// FieldReader: a few top-level fields of many documents, found in one pass over each.
//
// Documents of a collection tend to hold the same names in the same order. So the reader remembers
// what came at each place of the document before, and compares 16 bytes of the name with it; only
// where that fails it looks at the name itself. PathReader does the same for dotted paths.
// Both learn while they read: one thread at a time.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nexadb/bson.h"
#include "plugins/database-document/value/path.h"

namespace nexadb::query {

enum class ReadOutcome {
  kAll,       // to the end, or until there was nothing left to find
  kStopped,   // the visitor had enough
  kMalformed  // the document is damaged behind what was visited
};

class FieldReader {
 public:
  static constexpr size_t kFieldsMax = 64;

  // REQUIRES: names are distinct, and kFieldsMax at most.
  explicit FieldReader(std::vector<std::string> names);

  // Calls visit(field, value) for the first occurrence of each name, in the document's order, until
  // it returns false. Names that the document lacks are not visited.
  template <class Visit>
  ReadOutcome Read(bson::Document doc, Visit&& visit) {
    const BytesView bytes = doc.bytes();
    const uint8_t* at = bytes.data() + sizeof(uint32_t);
    const uint8_t* const end = bytes.data() + bytes.size() - 1;
    uint64_t wanted = wanted_;
    size_t last = steps_.size() - 1;
    for (size_t place = 0; wanted != 0 && at < end; ++place) {
      const Step* step = &steps_[std::min(place, last)];
      if (end - at < kReachBytes || !step->Names(at + 1)) {
        step = Learn(place, at, end);
        if (step == nullptr) return ReadOutcome::kMalformed;
        last = steps_.size() - 1;
      }
      const auto type = static_cast<bson::Type>(*at);
      const uint8_t* value = at + 1 + step->name_bytes;
      const size_t size = SizeOf(type, value, end);
      if (size == kBadSize) return ReadOutcome::kMalformed;
      const uint64_t bit = step->bit & wanted;
      if (bit != 0) {
        wanted &= ~bit;
        if (!visit(step->field, bson::Value(type, value, size))) return ReadOutcome::kStopped;
      }
      at = value + size;
    }
    return ReadOutcome::kAll;
  }

 private:
  static constexpr size_t kHeadBytes = 16;
  // A name's head can be loaded, and a value's length behind a name of that size.
  static constexpr ptrdiff_t kReachBytes = 1 + kHeadBytes + sizeof(uint32_t);
  // Documents with more fields are read all the same, but for the memory of places.
  static constexpr size_t kPlacesMax = 512;
  static constexpr size_t kBadSize = ~size_t{0};

  // What to expect at a place: a name, and which of the fields it is.
  struct Step {
    uint64_t head[2] = {1, 0};  // with an empty mask no name is like this
    uint64_t mask[2] = {0, 0};
    uint64_t bit = 0;  // none: not looked for
    uint32_t field = 0;
    uint32_t name_bytes = 0;  // with its NUL
    // REQUIRES: kHeadBytes can be read. Longer names are never expected.
    bool Names(const uint8_t* name) const {
      const uint64_t a = bson::Load<uint64_t>(name) & mask[0];
      const uint64_t b = bson::Load<uint64_t>(name + sizeof(uint64_t)) & mask[1];
      return ((a ^ head[0]) | (b ^ head[1])) == 0;
    }
  };
  struct TypeSize {
    uint32_t length_mask = 0;  // all ones: the value begins with a length
    uint8_t fixed = 0;         // bytes beside the length
    uint8_t least = 0;         // a well-formed value has so many
    bool plain = false;        // false: bson::ValueSize knows
  };
  static const TypeSize kTypeSizes[256];

  static size_t SizeOf(bson::Type type, const uint8_t* value, const uint8_t* end) {
    const TypeSize& t = kTypeSizes[static_cast<uint8_t>(type)];
    const auto left = static_cast<size_t>(end - value);
    if (!t.plain || left < sizeof(uint32_t)) [[unlikely]] {
      return bson::ValueSize(type, value, end);
    }
    const size_t size = size_t{t.fixed} + (bson::Load<uint32_t>(value) & t.length_mask);
    return size < t.least || size > left ? kBadSize : size;
  }
  // Reads the name at `at`, and remembers it for the place. Null when it does not end.
  const Step* Learn(size_t place, const uint8_t* at, const uint8_t* end);

  std::vector<std::string> names_;
  uint64_t wanted_ = 0;
  std::vector<Step> steps_;  // the last one names nothing
  Step passing_;
};

// What stands at the end of a path.
enum class PathEnd {
  kValue,
  kArray,  // the path leads through an array: the caller follows it by its own rule
};

class PathReader {
 public:
  static constexpr size_t kPathsMax = 64;

  // REQUIRES: kPathsMax paths at most, none of them empty. Paths may repeat and nest.
  explicit PathReader(const std::vector<Path>& paths);

  // Calls visit(path's number, value, end) for each path that is there, until it returns false. A
  // path through something else than objects and arrays is not visited, as is an absent one. With
  // kArray the value is none.
  template <class Visit>
  ReadOutcome Read(bson::Document doc, Visit&& visit) {
    return ReadNode(root_, doc, visit);
  }

 private:
  struct Node;
  struct Branch {
    std::vector<uint32_t> paths;  // that end here
    std::vector<uint32_t> below;  // that go on
    std::unique_ptr<Node> child;
  };
  struct Node {
    explicit Node(std::vector<std::string> names) : reader(std::move(names)) {}
    FieldReader reader;
    std::vector<Branch> branches;  // by the reader's fields
  };
  static Node Build(const std::vector<Path>& paths, const std::vector<uint32_t>& which,
                    size_t depth);

  template <class Visit>
  static ReadOutcome ReadNode(Node& node, bson::Document doc, Visit& visit) {
    ReadOutcome inner = ReadOutcome::kAll;
    const ReadOutcome outcome =
        node.reader.Read(doc, [&](uint32_t field, const bson::Value& value) {
          Branch& branch = node.branches[field];
          for (const uint32_t path : branch.paths) {
            if (!visit(path, value, PathEnd::kValue)) return false;
          }
          if (branch.child == nullptr) return true;
          if (value.type() == bson::Type::kObject) {
            inner = ReadNode(*branch.child, value.Doc(), visit);
            return inner == ReadOutcome::kAll;
          }
          if (value.type() != bson::Type::kArray) return true;
          for (const uint32_t path : branch.below) {
            if (!visit(path, bson::Value(), PathEnd::kArray)) return false;
          }
          return true;
        });
    return inner == ReadOutcome::kAll ? outcome : inner;
  }

  Node root_;
};

}  // namespace nexadb::query
