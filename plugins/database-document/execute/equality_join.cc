#include "plugins/database-document/execute/equality_join.h"

#include <algorithm>
#include <unordered_set>

#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/match/node.h"
#include "plugins/database-document/stage/stage.h"
#include "plugins/database-document/value/key_encoding.h"

namespace nexadb::query {
namespace {

// An entry of known_, beside its bytes.
constexpr size_t kEntryOverhead = 160;

struct Answer {
  ArrayBuilder documents;
  uint64_t last_row = 0;  // the last one that was added, counted from 1
};

bool IsUnder(const MatchNode& node, std::string_view field) {
  const auto all = [&](const auto& children) {
    return std::all_of(children.begin(), children.end(),
                       [&](const NodePtr& child) { return IsUnder(*child, field); });
  };
  if (const auto* both = dynamic_cast<const AndNode*>(&node)) return all(both->children());
  if (const auto* either = dynamic_cast<const OrNode*>(&node)) return all(either->children());
  if (const auto* negation = dynamic_cast<const NotNode*>(&node)) {
    return IsUnder(negation->child(), field);
  }
  const auto* leaf = dynamic_cast<const LeafNode*>(&node);
  return leaf != nullptr && leaf->path().size() != 0 && leaf->path()[0].name == field;
}

}  // namespace

bool DependsOnlyOn(const Matcher& filter, std::string_view field) {
  return IsUnder(filter.root(), field);
}

EqualityJoin::EqualityJoin(Options options, PipelineContext& context)
    : options_(std::move(options)), context_(context), reader_({options_.local}) {}

std::optional<bson::Value> EqualityJoin::KeyOf(bson::Document local, const Path& path) {
  std::optional<bson::Value> key;
  size_t values = 0;
  VisitPath(local, path, [&](const bson::Value& value, int64_t) {
    key = value;
    return ++values > 1;
  });
  if (values != 1 || key->type() == bson::Type::kArray || key->type() == bson::Type::kRegex ||
      key->type() == bson::Type::kUndefined) {
    return std::nullopt;
  }
  return key;
}

const std::string& EqualityJoin::Encode(const bson::Value& value) {
  scratch_.clear();
  AppendKey(value, options_.collation.get(), &scratch_);
  return scratch_;
}

const EqualityJoin::Joined* EqualityJoin::Find(const bson::Value& key) {
  const auto found = known_.find(Encode(key));
  return found == known_.end() ? nullptr : &found->second;
}

// As KeyOf, by one pass over the document where a plain value is found.
std::optional<bson::Value> EqualityJoin::FindKey(bson::Document local) {
  std::optional<bson::Value> plain;
  reader_.Read(local, [&](uint32_t, const bson::Value& value, PathEnd end) {
    if (end == PathEnd::kValue) plain = value;
    return false;
  });
  const bool found = plain && plain->type() != bson::Type::kArray &&
                     plain->type() != bson::Type::kRegex && plain->type() != bson::Type::kUndefined;
  return found ? plain : KeyOf(local, options_.local);
}

void EqualityJoin::Prepare(std::span<const BatchDocument> locals) {
  if (bytes_ > context_.MemoryBytesMax() / kMemoryShare) {
    known_.clear();
    bytes_ = 0;
  }
  joined_.assign(locals.size(), nullptr);
  std::vector<std::pair<size_t, bson::Value>> unknown;
  std::vector<bson::Value> keys;
  std::unordered_set<std::string> seen;
  for (size_t i = 0; i < locals.size(); ++i) {
    const std::optional<bson::Value> key = FindKey(locals[i].view());
    if (!key) continue;
    joined_[i] = Find(*key);
    if (joined_[i] != nullptr) continue;
    unknown.emplace_back(i, *key);
    if (!seen.insert(scratch_).second) continue;
    keys.push_back(*key);
    if (keys.size() < kValuesMax) continue;
    Ask(keys);
    keys.clear();
  }
  if (!keys.empty()) Ask(keys);
  for (const auto& [local, key] : unknown) joined_[local] = Find(key);
}

bool EqualityJoin::Passes(const OwnedValue& documents) const {
  if (options_.filter == nullptr) return true;
  bson::Builder joined;
  joined.Value(options_.as, documents.view());
  const std::string bytes = joined.Finish();
  return Unwrap(options_.filter->Matches(bson::Document(AsBytes(bytes))));
}

void EqualityJoin::Ask(const std::vector<bson::Value>& keys) {
  std::unordered_map<std::string, Answer> answers;
  bson::Builder filter;
  filter.OpenObject(options_.foreign.text()).OpenArray("$in");
  for (size_t i = 0; i < keys.size(); ++i) {
    // Absent is looked for as null.
    if (keys[i]) {
      filter.Value(std::to_string(i), keys[i]);
    } else {
      filter.Null(std::to_string(i));
    }
    answers.try_emplace(Encode(keys[i]));
  }
  filter.Close().Close();
  const std::string bytes = filter.Finish();
  BatchReader reader(
      Unwrap(context_.OpenCollection(options_.from, bson::Document(AsBytes(bytes)))));
  uint64_t row = 0;
  size_t held = 0;
  while (const BatchDocument* foreign = reader.Next()) {
    ++row;
    const bson::Value document = foreign->view().AsValue(bson::Type::kObject);
    const auto offer = [&](const bson::Value& value) {
      const auto answer = answers.find(Encode(value));
      if (answer == answers.end() || answer->second.last_row == row) return;
      answer->second.last_row = row;
      answer->second.documents.Add(document);
      held += document.bytes().size();
    };
    VisitPath(foreign->view(), options_.foreign, [&](const bson::Value& value, int64_t) {
      offer(value);
      if (value.type() != bson::Type::kArray) return false;
      for (const bson::Element& e : value.Doc()) offer(e.value());
      return false;
    });
    // Too much at once: each document then asks for its own.
    if (held > context_.MemoryBytesMax() / kMemoryShare) return;
  }
  for (auto& [key, answer] : answers) {
    OwnedValue documents = answer.documents.Finish();
    bytes_ += key.size() + documents.view().bytes().size() + kEntryOverhead;
    const bool passes = Passes(documents);
    known_.insert_or_assign(key, Joined{std::move(documents), passes});
  }
}

}  // namespace nexadb::query
