// SchemaSample: what documents are like, gathered from one after another.
//
// Keeps a tree of paths with how often each occurs and with which types; never a document. Elements
// of arrays count under the array's own path, as filters reach them. Bounded: past kPathsMax paths
// new ones are left out, and complete() says so. One thread at a time.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "nexadb/bson.h"

namespace nexadb::database {

class SchemaSample {
 public:
  static constexpr size_t kPathsMax = 10'000;
  // Deeper members are counted as part of their object.
  static constexpr int kDepthMax = 32;

  void Add(bson::Document document);

  uint64_t documents() const { return documents_; }
  bool complete() const { return complete_; }
  // fields: [{path, count, share, types: [{type, count}], min?, max?}], in order of paths; min and
  // max of numbers and dates.
  void AppendFields(bson::Builder& out) const;
  // A $jsonSchema that every document added satisfies.
  void AppendSchema(bson::Builder& out) const;

 private:
  // Of numbers or dates, whose BSON stands in a document of one member.
  struct Range {
    std::string least, most;
  };
  struct Node {
    uint64_t count = 0;  // documents, or objects within the parent, that have it
    std::map<std::string, uint64_t, std::less<>> types;
    std::map<std::string, uint64_t, std::less<>> item_types;  // of the elements of arrays
    Range range;
    uint64_t objects = 0;  // objects seen here, in arrays too: what children's counts are of
    std::map<std::string, std::unique_ptr<Node>, std::less<>> children;
  };
  void Members(Node& node, bson::Document document, int depth);
  void Value(Node& node, const bson::Value& value, int depth);
  static void Widen(Range& range, const bson::Value& value);
  void Fields(const Node& node, const std::string& prefix, size_t& index, bson::Builder& out) const;
  static void Schema(const Node& node, bson::Builder& out);

  Node root_;
  uint64_t documents_ = 0;
  size_t paths_ = 0;
  bool complete_ = true;
};

}  // namespace nexadb::database
