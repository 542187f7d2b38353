#include "plugins/database-document/execute/equality_join.h"

#include <unordered_set>

#include "plugins/database-document/expression/node.h"
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

}  // namespace

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
  AppendKey(value, &scratch_);
  return scratch_;
}

const OwnedValue* EqualityJoin::Find(const bson::Value& key) {
  const auto found = known_.find(Encode(key));
  return found == known_.end() ? nullptr : &found->second;
}

void EqualityJoin::Prepare(std::span<const BatchDocument> locals, const Path& path) {
  if (bytes_ > context_.MemoryBytesMax() / kMemoryShare) {
    known_.clear();
    bytes_ = 0;
  }
  std::vector<bson::Value> keys;
  std::unordered_set<std::string> seen;
  for (const BatchDocument& local : locals) {
    const std::optional<bson::Value> key = KeyOf(local.view(), path);
    if (!key || known_.contains(Encode(*key)) || !seen.insert(scratch_).second) continue;
    keys.push_back(*key);
    if (keys.size() < kValuesMax) continue;
    Ask(keys);
    keys.clear();
  }
  if (!keys.empty()) Ask(keys);
}

void EqualityJoin::Ask(const std::vector<bson::Value>& keys) {
  std::unordered_map<std::string, Answer> answers;
  bson::Builder filter;
  filter.OpenObject(foreign_.text()).OpenArray("$in");
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
  BatchReader reader(Unwrap(context_.OpenCollection(from_, bson::Document(AsBytes(bytes)))));
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
    VisitPath(foreign->view(), foreign_, [&](const bson::Value& value, int64_t) {
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
    known_.insert_or_assign(key, std::move(documents));
  }
}

}  // namespace nexadb::query
