#include "plugins/database-document/plan/write_stages.h"

#include <algorithm>
#include <vector>

#include "core/document/error.h"
#include "plugins/database-document/collection/ddl.h"
#include "plugins/database-document/collection/insert.h"
#include "plugins/database-document/collection/merge.h"
#include "plugins/database-document/collection/update.h"
#include "plugins/database-document/command/index_commands.h"
#include "plugins/database-document/expression/expression.h"
#include "plugins/database-document/expression/node.h"

namespace nexadb::database {

namespace {

constexpr int32_t kTypeMismatch = 14;
constexpr int32_t kBadValue = 2;
constexpr int32_t kCommandFailed = 125;

struct TargetName {
  std::string database;
  std::string collection;
};

Result<TargetName> ParseTarget(QueryContext& context, const bson::Value& spec,
                               std::string_view stage, int32_t wrong_type) {
  if (spec.type() == bson::Type::kString) {
    return TargetName{context.database(), std::string(spec.Text())};
  }
  if (spec.type() != bson::Type::kObject) {
    return MongoError(wrong_type, std::string(stage) + " needs a collection's name or an object");
  }
  TargetName name{context.database(), {}};
  for (const bson::Element& e : spec.Doc()) {
    const bool database = e.name() == "db";
    if (!database && e.name() != "coll") {
      return MongoError(40415, "BSON field '" + std::string(stage) + "." + std::string(e.name()) +
                                   "' is an unknown field.");
    }
    if (e.type() != bson::Type::kString) {
      return MongoError(kTypeMismatch,
                        std::string(stage) + ": '" + std::string(e.name()) + "' must be a string");
    }
    (database ? name.database : name.collection) = std::string(e.value().Text());
  }
  if (name.collection.empty()) {
    return MongoError(
        40414, "BSON field '" + std::string(stage) + ".coll' is missing but a required field");
  }
  return name;
}

// Pulls everything out of `input`, in batches of owned documents.
template <class Use>
Status Drain(query::DocumentSource& input, Use&& use) {
  std::vector<query::BatchDocument> batch(query::kBatchDocuments);
  for (;;) {
    auto count = input.Next(batch);
    if (!count.ok()) return count.status();
    if (*count == 0) return {};
    std::vector<BytesView> documents(*count);
    for (size_t i = 0; i < *count; ++i) documents[i] = batch[i].view().bytes();
    if (Status status = use(documents); !status.ok()) return status;
  }
}

class WriteStage : public query::DocumentSource {
 public:
  WriteStage(QueryContext& context, const bson::Value& spec, query::SourcePtr input)
      : context_(context), input_(std::move(input)) {
    bson::Builder copy;
    copy.Value("", spec);
    spec_ = copy.Finish();
  }
  Result<size_t> Next(std::span<query::BatchDocument>) override {
    if (done_) return size_t{0};
    done_ = true;
    if (Status status = Write(); !status.ok()) return status;
    return size_t{0};
  }

 protected:
  virtual Status Write() = 0;
  Validation validation() const {
    return context_.bypass_validation() ? Validation::kBypass : Validation::kCheck;
  }
  bson::Value spec() const { return (*bson::Document(AsBytes(spec_)).begin()).value(); }
  QueryContext& context_;
  query::SourcePtr input_;

 private:
  std::string spec_;
  bool done_ = false;
};

bool SameShape(const CollectionEntry* a, const CollectionEntry* b) {
  if (a == nullptr || b == nullptr) return a == b;
  const auto same = [](const IndexEntry& x, const IndexEntry& y) { return x.spec == y.spec; };
  return a->options == b->options && std::equal(a->indexes.begin(), a->indexes.end(),
                                                b->indexes.begin(), b->indexes.end(), same);
}

// $out: fills a collection that is not seen yet, then puts it in the target's place. The target's
// options and indexes stay, and hold for the new documents.
class OutStage final : public WriteStage {
 public:
  using WriteStage::WriteStage;

 private:
  Status Write() override {
    auto target = ParseTarget(context_, spec(), "$out", 16990);
    if (!target.ok()) return target.status();
    SessionImpl& session = context_.session();
    const std::string& database = target->database;
    if (Status bad = CheckWritableName(database, target->collection); !bad.ok()) return bad;
    Status status = session.CheckAccess(Action::kWrite, database, target->collection);
    if (!status.ok()) return status;
    std::string temporary = "tmp.out." + session.environment().ids->Next();
    status = Fill(*target, temporary);
    if (status.ok()) status = Swap(*target, temporary);
    if (!status.ok()) {
      Status dropped = RunWrite(session, [&](WriteSet& set) -> Status {
        const EntryPtr entry = set.Find(database, temporary);
        return entry == nullptr ? Status() : EraseCollection(set, *entry);
      });
      if (!dropped.ok()) return dropped;
    }
    return status;
  }

  Status Fill(const TargetName& target, const std::string& temporary) {
    SessionImpl& session = context_.session();
    const std::string& database = target.database;
    Status status = RunWrite(session, [&](WriteSet& set) -> Status {
      auto entry =
          NewEntry(session.environment(), set, EntryKind::kCollection, database, temporary);
      if (!entry.ok()) return entry.status();
      replaced_ = set.Find(database, target.collection);
      if (Status bad = TakeShape(**entry); !bad.ok()) return bad;
      return set.PutEntry(*entry);
    });
    if (!status.ok()) return status;
    return Drain(*input_, [&](const std::vector<BytesView>& documents) -> Status {
      return RunWrite(session, [&](WriteSet& set) -> Status {
        return InsertAll(set, set.Find(database, temporary), documents);
      });
    });
  }

  Status TakeShape(CollectionEntry& entry) const {
    if (replaced_ == nullptr) return {};
    if (replaced_->kind == EntryKind::kView) {
      return MongoError(17017, "namespace '" + Namespace(replaced_->database, replaced_->name) +
                                   "' is a view and cannot be used for $out");
    }
    entry.options = replaced_->options;
    entry.collation = replaced_->collation;
    entry.indexes = replaced_->indexes;
    // An index that is being built to take another's place would stand beside it here.
    std::erase_if(entry.indexes, [&](const IndexEntry& index) {
      return index.building && std::any_of(replaced_->indexes.begin(), replaced_->indexes.end(),
                                           [&](const IndexEntry& other) {
                                             return other.id != index.id &&
                                                    SameKey(other.key(), index.key()) &&
                                                    query::SameCollation(other.collation.get(),
                                                                         index.collation.get());
                                           });
    });
    entry.last_index_id = replaced_->last_index_id;
    // One that was being built is whole here: it is written with every document.
    for (IndexEntry& index : entry.indexes) index.building = false;
    return {};
  }

  Status InsertAll(WriteSet& set, const EntryPtr& entry, const std::vector<BytesView>& documents) {
    SessionImpl& session = context_.session();
    auto writer = CollectionWriter::Open(session, set, entry, validation());
    if (!writer.ok()) return writer.status();
    for (const BytesView& document : documents) {
      auto prepared = PrepareInsert(session.environment(), bson::Document(document),
                                    IdKind::kObjectId, Stamps::kNone);
      if (!prepared.ok()) return prepared.status();
      if (Status status = (*writer)->Insert(*prepared); !status.ok()) return status;
    }
    return (*writer)->Flush();
  }

  Status Swap(const TargetName& target, const std::string& temporary) {
    return RunWrite(context_.session(), [&](WriteSet& set) -> Status {
      const EntryPtr filled = set.Find(target.database, temporary);
      const EntryPtr old = set.Find(target.database, target.collection);
      auto renamed = std::make_shared<CollectionEntry>(*filled);
      renamed->name = target.collection;
      if (!SameShape(old.get(), replaced_.get())) {
        return MongoError(kCommandFailed, "options or indexes of the collection '" +
                                              target.collection + "' changed while $out wrote");
      }
      if (old != nullptr) {
        if (Status status = EraseCollection(set, *old); !status.ok()) return status;
      }
      if (Status status = set.RemoveEntry(*filled); !status.ok()) return status;
      return set.PutEntry(std::move(renamed));
    });
  }

  EntryPtr replaced_;  // the target as it was when the first document was written; null: absent
};

enum class WhenMatched { kReplace, kKeepExisting, kMerge, kFail, kPipeline };
enum class WhenNotMatched { kInsert, kDiscard, kFail };

struct MergeSpec {
  TargetName into;
  std::vector<std::string> on;
  WhenMatched when_matched = WhenMatched::kMerge;
  WhenNotMatched when_not_matched = WhenNotMatched::kInsert;
  bson::Value pipeline;
  bson::Document let;
};

Status CheckPath(std::string_view path) {
  return query::Catch<bool>([&] {
           query::CheckFieldPath(path);
           return true;
         })
      .status();
}

Status ParseOn(const bson::Value& value, MergeSpec* spec) {
  if (value.type() == bson::Type::kString) {
    spec->on = {std::string(value.Text())};
    return CheckPath(value.Text());
  }
  if (value.type() != bson::Type::kArray) {
    return MongoError(51186, "$merge 'on' field must be either a string or an array of strings");
  }
  spec->on.clear();
  for (const bson::Element& e : value.Doc()) {
    if (e.type() != bson::Type::kString) {
      return MongoError(51134, "$merge 'on' array elements must be strings");
    }
    spec->on.emplace_back(e.value().Text());
    if (Status bad = CheckPath(e.value().Text()); !bad.ok()) return bad;
  }
  if (spec->on.empty()) {
    return MongoError(51187,
                      "If explicitly specifying $merge 'on', must include at least one field");
  }
  return {};
}

Status ParseWhenMatched(const bson::Value& value, MergeSpec* spec) {
  if (value.type() == bson::Type::kArray) {
    for (const bson::Element& e : value.Doc()) {
      if (e.type() == bson::Type::kObject) continue;
      return MongoError(kTypeMismatch, "each element of $merge's 'whenMatched' must be an object");
    }
    spec->when_matched = WhenMatched::kPipeline;
    spec->pipeline = value;
    return {};
  }
  if (value.type() != bson::Type::kString) {
    return MongoError(51191, "$merge 'whenMatched' field must be either a string or an array");
  }
  const std::pair<std::string_view, WhenMatched> modes[] = {
      {"replace", WhenMatched::kReplace},
      {"keepExisting", WhenMatched::kKeepExisting},
      {"merge", WhenMatched::kMerge},
      {"fail", WhenMatched::kFail}};
  for (const auto& [name, mode] : modes) {
    if (value.Text() == name) {
      spec->when_matched = mode;
      return {};
    }
  }
  return MongoError(kBadValue, "Enumeration value '" + std::string(value.Text()) +
                                   "' for field '$merge.whenMatched' is not a valid value.");
}

Status ParseWhenNotMatched(const bson::Value& value, MergeSpec* spec) {
  if (value.type() != bson::Type::kString) {
    return MongoError(kTypeMismatch, "$merge 'whenNotMatched' must be a string");
  }
  const std::pair<std::string_view, WhenNotMatched> modes[] = {
      {"insert", WhenNotMatched::kInsert},
      {"discard", WhenNotMatched::kDiscard},
      {"fail", WhenNotMatched::kFail}};
  for (const auto& [name, mode] : modes) {
    if (value.Text() == name) {
      spec->when_not_matched = mode;
      return {};
    }
  }
  return MongoError(kBadValue, "Enumeration value '" + std::string(value.Text()) +
                                   "' for field '$merge.whenNotMatched' is not a valid value.");
}

Status ParseMergeMember(QueryContext& context, const bson::Element& e, MergeSpec* spec) {
  if (e.name() == "into") {
    auto into = ParseTarget(context, e.value(), "$merge", 51178);
    if (!into.ok()) return into.status();
    spec->into = std::move(*into);
    return {};
  }
  if (e.name() == "on") return ParseOn(e.value(), spec);
  if (e.name() == "whenMatched") return ParseWhenMatched(e.value(), spec);
  if (e.name() == "whenNotMatched") return ParseWhenNotMatched(e.value(), spec);
  if (e.name() == "let") {
    if (e.type() == bson::Type::kObject) spec->let = e.value().Doc();
    if (e.type() == bson::Type::kObject || e.value().IsNullish()) return {};
    return MongoError(kTypeMismatch, "$merge 'let' must be an object");
  }
  return MongoError(40415,
                    "BSON field '$merge." + std::string(e.name()) + "' is an unknown field.");
}

Result<MergeSpec> ParseMerge(QueryContext& context, const bson::Value& value) {
  MergeSpec spec;
  spec.on = {"_id"};
  if (value.type() == bson::Type::kString) {
    spec.into = {context.database(), std::string(value.Text())};
    return spec;
  }
  if (value.type() != bson::Type::kObject) {
    return MongoError(kTypeMismatch, "$merge requires a string or object argument");
  }
  for (const bson::Element& e : value.Doc()) {
    if (Status status = ParseMergeMember(context, e, &spec); !status.ok()) return status;
  }
  if (spec.into.collection.empty()) {
    return MongoError(40414, "BSON field '$merge.into' is missing but a required field");
  }
  const bson::Element let = value.Doc()["let"];
  if (let && !let.value().IsNullish() && spec.when_matched != WhenMatched::kPipeline) {
    return MongoError(51199, "Cannot use 'let' variables with 'whenMatched' of this mode");
  }
  return spec;
}

// The filter that finds the target's document for one of the source's.
Result<std::string> MatchOn(const MergeSpec& spec, bson::Document document) {
  bson::Builder filter;
  for (const std::string& path : spec.on) {
    const bson::Value value = query::GetPlain(document, query::Path(path));
    if (value.IsNullish() || value.type() == bson::Type::kArray) {
      return MongoError(value.IsNullish() ? 51132 : 51185,
                        "$merge write error: 'on' field '" + path +
                            "' cannot be missing, null, undefined or an array");
    }
    filter.OpenObject(path).Value("$eq", value).Close();
  }
  return filter.Finish();
}

class MergeStage final : public WriteStage {
 public:
  using WriteStage::WriteStage;

 private:
  Status Write() override {
    auto spec = ParseMerge(context_, this->spec());
    if (!spec.ok()) return spec.status();
    if (Status status = CheckUnique(*spec); !status.ok()) return status;
    return Drain(*input_, [&](const std::vector<BytesView>& documents) -> Status {
      for (const BytesView& bytes : documents) {
        if (Status status = MergeOne(*spec, bson::Document(bytes)); !status.ok()) return status;
      }
      return {};
    });
  }

  // What the documents are found by has to be unique, as the query compares it.
  Status CheckUnique(const MergeSpec& spec) const {
    if (spec.on.size() == 1 && spec.on.front() == "_id") return {};
    const EntryPtr into = context_.scope().Find(spec.into.database, spec.into.collection);
    const auto serves = [&](const IndexEntry& index) {
      const bson::Document key = index.key();
      const bool partial =
          static_cast<bool>(bson::Document(AsBytes(index.spec))["partialFilterExpression"]);
      return index.unique && !index.building && !partial && key.CountElements() == spec.on.size() &&
             std::all_of(spec.on.begin(), spec.on.end(),
                         [&](const std::string& path) { return static_cast<bool>(key[path]); }) &&
             query::SameCollation(index.collation.get(), context_.collation());
    };
    if (into != nullptr && std::any_of(into->indexes.begin(), into->indexes.end(), serves)) {
      return {};
    }
    return MongoError(51183,
                      "Cannot find index to verify that join fields will be unique: $merge needs a "
                      "unique index of the 'on' fields, with the collation of the aggregation");
  }

  Status MergeOne(const MergeSpec& spec, bson::Document document) {
    std::string with_id;
    if (!document["_id"]) {
      bson::Builder made;
      made.ObjectId("_id", context_.session().environment().object_ids->Next());
      with_id = made.Elements(document).Finish();
      document = bson::Document(AsBytes(with_id));
    }
    auto filter = MatchOn(spec, document);
    if (!filter.ok()) return filter.status();
    bool matched = false;
    if (spec.when_matched == WhenMatched::kFail) {
      // The insert itself finds out whether it is there.
      return Insert(spec, document);
    }
    auto outcome = UpdateMatched(spec, bson::Document(AsBytes(*filter)), document);
    if (!outcome.ok()) return outcome.status();
    matched = *outcome;
    if (matched || spec.when_not_matched == WhenNotMatched::kDiscard) return {};
    if (spec.when_not_matched == WhenNotMatched::kFail) {
      return MongoError(13113,
                        "$merge could not find a matching document in the target collection");
    }
    return Insert(spec, document);
  }

  // What whenMatched's pipeline sees: $$new, and `let` evaluated over the source's document.
  Result<std::string> Variables(const MergeSpec& spec, bson::Document document) {
    bson::Builder out;
    if (!spec.let["new"]) out.OpenObject("new").Object("$literal", document).Close();
    for (const bson::Element& e : spec.let) {
      auto expression = query::Expression::Parse(e.value(), context_.parse_options());
      if (!expression.ok()) return expression.status();
      auto value = (*expression)->Evaluate(document);
      if (!value.ok()) return value.status();
      if (value->IsMissing()) continue;
      out.OpenObject(e.name()).Value("$literal", value->view()).Close();
    }
    return out.Finish();
  }

  Result<bool> UpdateMatched(const MergeSpec& spec, bson::Document filter,
                             bson::Document document) {
    bson::Builder update;
    switch (spec.when_matched) {
      case WhenMatched::kReplace:
        for (const bson::Element& e : document) {
          if (e.name() != "_id" || spec.on.front() == "_id") update.Element(e);
        }
        break;
      case WhenMatched::kKeepExisting: update.OpenObject("$setOnInsert").Close(); break;
      case WhenMatched::kMerge:
        update.OpenObject("$set");
        for (const bson::Element& e : document) {
          if (e.name() != "_id") update.Element(e);
        }
        update.Close();
        break;
      case WhenMatched::kPipeline:
      case WhenMatched::kFail: break;
    }
    const std::string bytes = update.Finish();
    UpdateStatement statement;
    statement.filter = filter;
    statement.update = spec.when_matched == WhenMatched::kPipeline
                           ? spec.pipeline
                           : bson::Document(AsBytes(bytes)).AsValue(bson::Type::kObject);
    query::ParseOptions options = context_.parse_options();
    std::string let;
    if (spec.when_matched == WhenMatched::kPipeline) {
      auto variables = Variables(spec, document);
      if (!variables.ok()) return variables.status();
      let = std::move(*variables);
      options.let = bson::Document(AsBytes(let));
    }
    statement.validation = validation();
    auto outcome = RunUpdate(context_.session(), {spec.into.database, spec.into.collection},
                             statement, options);
    if (!outcome.ok()) return outcome.status();
    return outcome->matched != 0;
  }

  Status Insert(const MergeSpec& spec, bson::Document document) {
    const BytesView bytes = document.bytes();
    InsertRequest request;
    request.database = spec.into.database;
    request.collection = spec.into.collection;
    request.documents = std::span(&bytes, 1);
    request.atomic = true;
    request.validation = validation();
    return InsertMany(context_.session(), request).status();
  }
};

}  // namespace

Status CheckOutStage(QueryContext& context, const bson::Value& spec) {
  auto target = ParseTarget(context, spec, "$out", 16990);
  if (!target.ok()) return target.status();
  return context.session().CheckAccess(Action::kWrite, target->database, target->collection);
}

Status CheckMergeStage(QueryContext& context, const bson::Value& spec) {
  auto parsed = ParseMerge(context, spec);
  if (!parsed.ok()) return parsed.status();
  return context.session().CheckAccess(Action::kWrite, parsed->into.database,
                                       parsed->into.collection);
}

query::SourcePtr OpenOutStage(QueryContext& context, const bson::Value& spec,
                              query::SourcePtr input) {
  return std::make_unique<OutStage>(context, spec, std::move(input));
}

query::SourcePtr OpenMergeStage(QueryContext& context, const bson::Value& spec,
                                query::SourcePtr input) {
  return std::make_unique<MergeStage>(context, spec, std::move(input));
}

}  // namespace nexadb::database
