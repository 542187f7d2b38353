#include "plugins/database-document/collection/writer.h"

#include <algorithm>

#include "core/document/error.h"
#include "core/document/json.h"
#include "core/document/limits.h"
#include "plugins/database-document/index/entry_types.h"
#include "plugins/database-document/schema/refusal.h"
#include "plugins/database-document/vectors/record.h"
#include "plugins/database-document/vectors/registry.h"

namespace nexadb::database {

namespace {

constexpr int32_t kNotSupportedOnView = 166;
// Held back until then: one call to storage for many documents.
constexpr size_t kBatchBytesMax = 1 << 20;
constexpr size_t kUuidVersionByte = 6;
constexpr size_t kUuidVariantByte = 8;

std::string_view IdOf(std::string_view key) { return key.substr(kDocumentKeyPrefixBytes); }

}  // namespace

Status DuplicateKey(const CollectionEntry& entry, std::string_view index, bson::Document pattern,
                    bson::Document value) {
  const std::string where = Namespace(entry.database, entry.name);
  ErrorDetail detail;
  detail.Text("collection", entry.name).Text("index", index);
  detail.Object("keyPattern", pattern).Object("keyValue", value);
  return MakeError(ErrorId::kDuplicateKey,
                   "E11000 duplicate key error collection: " + where + " index: " +
                       std::string(index) + " dup key: " + BsonToJson(value, JsonMode::kRelaxed),
                   detail.Finish());
}

Result<std::unique_ptr<CollectionWriter>> CollectionWriter::Open(SessionImpl& session,
                                                                 WriteSet& set, EntryPtr entry,
                                                                 Validation validation) {
  std::unique_ptr<CollectionWriter> writer(new CollectionWriter(session, set, std::move(entry)));
  const CollectionEntry& e = writer->entry();
  if (Status status = set.Guard(EntryName(e.database, e.name)); !status.ok()) return status;
  for (const IndexEntry& index : e.indexes) {
    auto keys = IndexKeys::Compile(e.id, index);
    if (!keys.ok()) return keys.status();
    writer->indexes_.push_back(std::move(*keys));
  }
  writer->changes_ = ChangeOptionsOf(e);
  const bson::Document options = e.option_document();
  const bson::Element validator = options["validator"];
  const auto says = [&](std::string_view option, std::string_view value) {
    const bson::Element found = options[option];
    return found.type() == bson::Type::kString && found.value().Text() == value;
  };
  const bool off = validation == Validation::kBypass || says("validationLevel", "off");
  writer->moderate_ = says("validationLevel", "moderate");
  writer->only_warns_ = says("validationAction", "warn");
  if (validator.type() == bson::Type::kObject && !off) {
    // Nobody knows how long it takes.
    if (Status status = session.CheckMayWait("a validator"); !status.ok()) return status;
    query::ParseOptions parse;
    parse.now_ms = session.environment().NowMs();
    parse.collation = e.collation;
    auto matcher = query::Matcher::Parse(validator.value().Doc(), parse);
    if (!matcher.ok()) return matcher.status();
    writer->validator_ = std::move(*matcher);
  }
  return writer;
}

Stamps CollectionWriter::stamps() const {
  if (!session_.timestamps() || !entry_->timestamps()) return Stamps::kNone;
  return session_.keeps_timestamps() ? Stamps::kKeep : Stamps::kSet;
}

void CollectionWriter::Add(Mutation::Op op, std::string key, std::string value) {
  batch_bytes_ += key.size() + value.size();
  bytes_.push_back(std::move(key));
  const BytesView key_view = AsBytes(bytes_.back());
  bytes_.push_back(std::move(value));
  batch_.push_back({op, 0, key_view, AsBytes(bytes_.back())});
}

void CollectionWriter::Record(ChangeOperation operation, bson::Document before,
                              bson::Document after) {
  if (!changes_) return;
  const bson::Value id = (after.empty() ? before : after)["_id"].value();
  if (changes_->images == ChangeImages::kNone) after = {};
  if (changes_->images != ChangeImages::kBoth) before = {};
  set_.AddChange(entry_->id, EncodeEvent(operation, id, after, before));
}

void CollectionWriter::AddDocument(std::string key, bson::Document body,
                                   std::optional<uint64_t> row) {
  std::string value = EncodeDocument(body, row);
  if (set_.TakeStamp()) {
    Add(Mutation::Op::kPutStampedValue, std::move(key), std::move(value));
  } else {
    value.replace(0, kVersionstampBytes, set_.FallbackVersion());
    Add(Mutation::Op::kPut, std::move(key), std::move(value));
  }
}

Status CollectionWriter::Flush() {
  if (count_delta_ != 0) {
    Add(Mutation::Op::kAdd, SpacePrefix(entry_->id, Space::kCount),
        std::string(reinterpret_cast<const char*>(&count_delta_), sizeof(count_delta_)));
    count_delta_ = 0;
  }
  Status status = batch_.empty() ? Status() : set_.Write(batch_);
  batch_.clear();
  bytes_.clear();
  pending_keys_.clear();
  pending_owners_.clear();
  batch_bytes_ = 0;
  return status;
}

Status CollectionWriter::CheckValidator(bson::Document document, bson::Document before) const {
  if (validator_ == nullptr) return {};
  auto matches = validator_->Matches(document);
  if (!matches.ok()) return matches.status();
  if (*matches) return {};
  if (moderate_ && !before.empty()) {
    // What was wrong already may stay wrong.
    auto was_good = validator_->Matches(before);
    if (!was_good.ok()) return was_good.status();
    if (!*was_good) return {};
  }
  query::ParseOptions parse;
  parse.now_ms = session_.environment().NowMs();
  parse.collation = entry_->collation;
  const std::string why = ExplainRefusal(validator_->Source(), document, parse);
  if (only_warns_) {
    session_.environment().log->Warning(
        "'" + entry_->name + "' takes a document that its validator refuses: " +
        BsonToJson(bson::Document(AsBytes(why)), JsonMode::kRelaxed));
    return {};
  }
  ErrorDetail detail;
  detail.Text("collection", entry_->name).Object("errInfo", bson::Document(AsBytes(why)));
  return MakeError(ErrorId::kValidationFailed, "Document failed validation", detail.Finish());
}

Status CollectionWriter::CheckIdFree(bson::Document document, const std::string& key) {
  bool taken = pending_keys_.contains(key);
  if (!taken) {
    auto stored = set_.transaction().Get(AsBytes(key), {});
    if (!stored.ok() && stored.status().code() != Code::kNotFound) return stored.status();
    taken = stored.ok();
  }
  if (!taken) return {};
  bson::Builder pattern;
  pattern.Int32("_id", 1);
  bson::Builder value;
  value.Value("_id", document["_id"].value());
  return DuplicateKey(*entry_, "_id_", bson::Document(AsBytes(pattern.Finish())),
                      bson::Document(AsBytes(value.Finish())));
}

Status CollectionWriter::Insert(const PreparedDocument& document) {
  const bson::Document body(AsBytes(document.bytes));
  if (Status status = CheckValidator(body, {}); !status.ok()) return status;
  std::string key = DocumentKey(entry_->id, body["_id"].value());
  if (Status status = CheckIdFree(body, key); !status.ok()) return status;
  const size_t mark = batch_.size();
  if (Status status = ChangeIndexes(IdOf(key), {}, body); !status.ok()) return status;
  auto row = ChangeVector(document.vector, std::nullopt, IdOf(key));
  if (!row.ok()) {
    // Other documents of the batch stay, this one leaves nothing: all that it added are entries.
    for (size_t i = mark; i < batch_.size(); ++i) {
      pending_owners_.erase(std::string(AsText(batch_[i].key)));
    }
    batch_.resize(mark);
    bytes_.resize(2 * mark);
    return row.status();
  }
  pending_keys_.insert(key);
  AddDocument(std::move(key), body, *row);
  Record(ChangeOperation::kInsert, {}, body);
  ++count_delta_;
  return batch_bytes_ < kBatchBytesMax ? Status() : Flush();
}

Status CollectionWriter::Replace(const CurrentDocument& before, const PreparedDocument& after) {
  const bson::Document body(AsBytes(after.bytes));
  if (Status status = CheckValidator(body, before.stored.body); !status.ok()) return status;
  Status status = ChangeIndexes(IdOf(before.key), before.stored.body, body);
  if (!status.ok()) return status;
  std::optional<uint64_t> old_row;
  if (before.stored.has_row) old_row = before.stored.row;
  auto row = ChangeVector(after.vector, old_row, IdOf(before.key));
  if (!row.ok()) return row.status();
  AddDocument(before.key, body, *row);
  Record(ChangeOperation::kUpdate, before.stored.body, body);
  return batch_bytes_ < kBatchBytesMax ? Status() : Flush();
}

Status CollectionWriter::Remove(const CurrentDocument& before) {
  Status status = ChangeIndexes(IdOf(before.key), before.stored.body, {});
  if (!status.ok()) return status;
  if (before.stored.has_row) {
    VectorEdit edit;
    edit.kind = VectorEdit::Kind::kRemove;
    auto row = ChangeVector(edit, before.stored.row, IdOf(before.key));
    if (!row.ok()) return row.status();
  }
  Add(Mutation::Op::kDelete, before.key, {});
  Record(ChangeOperation::kDelete, before.stored.body, {});
  --count_delta_;
  return batch_bytes_ < kBatchBytesMax ? Status() : Flush();
}

Result<std::string> CollectionWriter::OwnerOf(const std::string& unique_key) {
  if (const auto pending = pending_owners_.find(unique_key); pending != pending_owners_.end()) {
    return pending->second;
  }
  auto stored = set_.transaction().Get(AsBytes(unique_key), {});
  if (stored.ok()) return std::string(EntryOwner(stored->text()));
  return stored.status().code() == Code::kNotFound ? Result<std::string>(std::string())
                                                   : stored.status();
}

Status CollectionWriter::CheckUniqueFree(const IndexKeys& keys, std::string_view values,
                                         std::string_view document_key, bson::Document document) {
  auto owner = OwnerOf(keys.UniqueKey(values));
  if (!owner.ok()) return owner.status();
  if (owner->empty() || *owner == document_key) return {};
  return DuplicateKey(*entry_, keys.index().name, keys.index().key(),
                      bson::Document(AsBytes(keys.KeyValue(document))));
}

// While a unique index is being built, a key may belong to another document that is not yet known
// to share it: the build will find both, so the other's entry must stay.
Result<bool> CollectionWriter::OwnsEntry(const IndexKeys& keys, std::string_view values,
                                         std::string_view document_key) {
  if (!keys.index().unique || !keys.index().building) return true;
  auto owner = OwnerOf(keys.UniqueKey(values));
  if (!owner.ok()) return owner.status();
  return owner->empty() || *owner == document_key;
}

// What changes in one index.
Status CollectionWriter::CompareEntries(const IndexKeys& keys, std::string_view document_key,
                                        bson::Document before, bson::Document after,
                                        IndexDifference* out) {
  DocumentEntries old_entries, new_entries;
  for (const auto& [document, entries] :
       {std::pair(before, &old_entries), std::pair(after, &new_entries)}) {
    if (document.empty()) continue;
    const bool stored = entries == &old_entries;
    auto found = keys.Of(document, stored ? IndexKeys::Stored::kYes : IndexKeys::Stored::kNo);
    if (!found.ok()) return found.status();
    *entries = std::move(*found);
  }
  for (const std::string& values : old_entries.values) {
    if (new_entries.values.contains(values)) continue;
    auto owns = OwnsEntry(keys, values, document_key);
    if (!owns.ok()) return owns.status();
    if (*owns) out->removed.push_back(keys.EntryKey(values, document_key));
  }
  // An entry whose key stays is written anew where its types do not: 1 becomes 1.0.
  const bool same_types = old_entries.types == new_entries.types;
  for (const std::string& values : new_entries.values) {
    const bool there = old_entries.values.contains(values);
    if (there && same_types) continue;
    auto key = keys.NewEntryKey(values, document_key);
    if (!key.ok()) return key.status();
    if (there) {
      auto owns = OwnsEntry(keys, values, document_key);
      if (!owns.ok()) return owns.status();
      if (!*owns) continue;
    } else if (keys.index().unique) {
      Status status = CheckUniqueFree(keys, values, document_key, after);
      if (!status.ok()) return status;
    }
    out->added.push_back(std::move(*key));
  }
  out->arrays = std::move(new_entries.arrays);
  out->types = std::move(new_entries.types);
  return {};
}

Status CollectionWriter::ChangeIndexes(std::string_view document_key, bson::Document before,
                                       bson::Document after) {
  std::vector<IndexDifference> differences(indexes_.size());
  for (size_t i = 0; i < indexes_.size(); ++i) {
    Status status = CompareEntries(indexes_[i], document_key, before, after, &differences[i]);
    if (!status.ok()) return status;
  }
  // Only now, when no index objects any more.
  for (size_t i = 0; i < indexes_.size(); ++i) {
    const bool unique = indexes_[i].index().unique;
    for (std::string& key : differences[i].removed) {
      if (unique) pending_owners_.insert_or_assign(key, std::string());
      Add(Mutation::Op::kDelete, std::move(key), {});
    }
    for (std::string& key : differences[i].added) {
      if (unique) pending_owners_.insert_or_assign(key, std::string(document_key));
      Add(Mutation::Op::kPut, std::move(key), differences[i].types + std::string(document_key));
    }
  }
  return NoteArrays(differences);
}

// The planner must know of the first array on a path of an index before it reads its entry.
Status CollectionWriter::NoteArrays(const std::vector<IndexDifference>& differences) {
  std::shared_ptr<CollectionEntry> changed;
  for (size_t i = 0; i < differences.size(); ++i) {
    if (entry_->indexes[i].arrays.Includes(differences[i].arrays)) continue;
    if (changed == nullptr) changed = std::make_shared<CollectionEntry>(*entry_);
    changed->indexes[i].arrays.Merge(differences[i].arrays);
  }
  if (changed == nullptr) return {};
  entry_ = std::move(changed);
  return set_.PutEntry(entry_);
}

Status CollectionWriter::BecomeVectorCollection(size_t dimensions) {
  auto changed = std::make_shared<CollectionEntry>(*entry_);
  changed->vector = VectorOptions();
  changed->vector->dimensions = static_cast<uint32_t>(dimensions);
  if (!session_.environment().vectors->Offers(changed->vector->index)) {
    return MakeError(ErrorId::kVectorIndexUnavailable,
                     "no plugin offers the vector index '" + changed->vector->index + "'");
  }
  entry_ = changed;
  return set_.PutEntry(entry_);
}

Result<std::optional<uint64_t>> CollectionWriter::ChangeVector(const VectorEdit& edit,
                                                               std::optional<uint64_t> row,
                                                               std::string_view document_key) {
  const bool has_none = edit.kind == VectorEdit::Kind::kRemove && !row;
  if (edit.kind == VectorEdit::Kind::kKeep || has_none) return row;
  if (Status status = session_.CheckMayWait("a vector"); !status.ok()) return status;
  if (edit.kind == VectorEdit::Kind::kRemove) {
    if (row) {
      Add(Mutation::Op::kDelete, RowKey(entry_->id, *row), {});
      set_.AddVector({entry_, *row, {}});
    }
    return std::optional<uint64_t>();
  }
  if (!entry_->vector) {
    Status status = BecomeVectorCollection(edit.vector.size());
    if (!status.ok()) return status;
  }
  if (edit.vector.size() != entry_->vector->dimensions) {
    ErrorDetail detail;
    detail.Text("pointer", "/__vector__");
    detail.Int64("expected", entry_->vector->dimensions);
    detail.Int64("got", static_cast<int64_t>(edit.vector.size()));
    return MakeError(ErrorId::kVectorDimensionMismatch,
                     entry_->name + " holds vectors of " +
                         std::to_string(entry_->vector->dimensions) + " dimensions, got " +
                         std::to_string(edit.vector.size()),
                     detail.Finish());
  }
  if (!row) {
    auto taken = session_.environment().vectors->NewRow(entry_->id);
    if (!taken.ok()) return taken.status();
    row = *taken;
  }
  Add(Mutation::Op::kPut, RowKey(entry_->id, *row), EncodeVector(edit.vector, document_key));
  set_.AddVector({entry_, *row, edit.vector});
  return row;
}

Result<std::shared_ptr<CollectionEntry>> NewEntry(Environment& environment, WriteSet& set,
                                                  EntryKind kind, std::string_view database,
                                                  std::string_view name) {
  auto id = TakeCollectionId(set.transaction());
  if (!id.ok()) return id.status();
  auto entry = std::make_shared<CollectionEntry>();
  entry->id = *id;
  entry->kind = kind;
  entry->database = database;
  entry->name = name;
  environment.system->Random().Fill(entry->uuid);
  entry->uuid[kUuidVersionByte] =
      static_cast<uint8_t>((entry->uuid[kUuidVersionByte] & 0x0F) | 0x40);
  entry->uuid[kUuidVariantByte] =
      static_cast<uint8_t>((entry->uuid[kUuidVariantByte] & 0x3F) | 0x80);
  return entry;
}

Status CheckNewName(const SessionImpl& session, std::string_view name) {
  return session.timestamps() ? nexadb::CheckCollectionName(name) : Status();
}

Result<EntryPtr> FindForWrite(SessionImpl& session, WriteSet& set, std::string_view database,
                              std::string_view name, Action needs) {
  if (Status status = CheckWritableName(database, name); !status.ok()) return status;
  Status status = session.CheckAccess(needs, database, name);
  if (!status.ok()) return status;
  EntryPtr entry = set.Find(database, name);
  if (entry != nullptr && entry->kind == EntryKind::kView) {
    return MongoError(kNotSupportedOnView,
                      "Namespace " + Namespace(database, name) + " is a view, not a collection");
  }
  return entry;
}

Result<EntryPtr> FindOrCreate(SessionImpl& session, WriteSet& set, std::string_view database,
                              std::string_view name, Action needs) {
  auto found = FindForWrite(session, set, database, name, needs);
  if (!found.ok() || *found != nullptr) return found;
  if (Status status = CheckNewName(session, name); !status.ok()) return status;
  auto entry = NewEntry(session.environment(), set, EntryKind::kCollection, database, name);
  if (!entry.ok()) return entry.status();
  if (Status status = set.PutEntry(*entry); !status.ok()) return status;
  return EntryPtr(std::move(*entry));
}

}  // namespace nexadb::database
