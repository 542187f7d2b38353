#include "plugins/database-document/collection/by_id.h"

#include <cstring>

#include "core/document/error.h"
#include "core/document/json.h"
#include "plugins/database-document/collection/merge.h"
#include "plugins/database-document/update/updater.h"
#include "plugins/database-document/value/compare.h"

namespace nexadb::database {

namespace {

constexpr int32_t kImmutableField = 66;
// What a thread that must not wait takes the time to look through.
constexpr size_t kQuickDocumentBytesMax = 64 << 10;
// An operator may compare each part of a document with each part of the update: so many pairs of
// bytes take some 10 ms at worst, and far less than 1 ms as updates are.
constexpr size_t kQuickOperatorBytesSquaredMax = 4 << 20;

Status NotFound(std::string_view collection, bson::Document id) {
  std::string text;
  AppendJson(text, id["_id"].value(), JsonMode::kRelaxed);
  ErrorDetail detail;
  detail.Text("collection", collection).Value("id", id["_id"].value());
  return MakeError(ErrorId::kDocumentNotFound,
                   "'" + std::string(collection) + "' has no document with _id " + text,
                   detail.Finish());
}

// A version as an entity tag.
std::string TagOf(const uint8_t* version) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string tag = "\"";
  for (size_t i = 0; i < kVersionstampBytes; ++i) {
    tag.push_back(kHex[version[i] >> 4]);
    tag.push_back(kHex[version[i] & 15]);
  }
  return tag + '"';
}

// `expected` is null where no document was, `got` where none is.
Status VersionMismatch(std::string_view what, std::string_view collection, bson::Document id,
                       const uint8_t* expected, const uint8_t* got) {
  ErrorDetail detail;
  detail.Text("collection", collection).Value("id", id["_id"].value());
  expected != nullptr ? detail.Text("expected", TagOf(expected)) : detail.Null("expected");
  got != nullptr ? detail.Text("got", TagOf(got)) : detail.Null("got");
  return MakeError(ErrorId::kVersionMismatch, what, detail.Finish());
}

Result<bson::Value> IdOf(bson::Document id) {
  const bson::Element element = id["_id"];
  if (!element) return MakeError(ErrorId::kInvalidId, "the id must be a document {_id: …}");
  if (Status status = CheckId(element.value()); !status.ok()) return status;
  return element.value();
}

VersionedDocument Versioned(const CurrentDocument& current) {
  VersionedDocument out;
  const BytesView body = current.stored.body.bytes();
  out.document = current.value.Slice(current.stored.body_offset, body.size());
  std::memcpy(out.version, current.stored.version.data(), kVersionstampBytes);
  return out;
}

// The document that an update of `mode` makes of `before`, whose _id must stay.
Result<std::string> Changed(bson::Document before, bson::Document update, UpdateMode mode,
                            bson::Document array_filters, query::ParseOptions parse) {
  if (mode == UpdateMode::kOperators) {
    auto updater = query::Updater::Parse(update.AsValue(bson::Type::kObject), array_filters, parse);
    if (!updater.ok()) return updater.status();
    auto outcome = (*updater)->Apply(before, {});
    if (!outcome.ok()) return outcome.status();
    return std::move(outcome->document);
  }
  const bson::Element id = before["_id"];
  const bson::Element other = update["_id"];
  if (other && !query::EqualValues(other.value(), id.value())) {
    return MongoError(kImmutableField, "the _id of a document cannot be changed");
  }
  if (mode == UpdateMode::kSetFields) return SetFields(before, update);
  if (mode == UpdateMode::kMergePatch) return MergePatch(before, update);
  bson::Builder out;
  out.Element(id);
  for (const bson::Element& e : update) {
    if (e.name() != "_id") out.Element(e);
  }
  return out.Finish();
}

// What UpdateById may do beside changing what is there.
struct ById {
  SessionImpl& session;
  std::string_view database;
  std::string_view collection;
  bson::Document id;
  bson::Document update;
  const UpdateByIdOptions& options;
  std::string after;  // the document as written
};

bool IsQuick(const ById& call, bson::Document before) {
  const size_t bytes = before.bytes().size();
  if (bytes > kQuickDocumentBytesMax) return false;
  const size_t update = call.update.bytes().size() + call.options.array_filters.size();
  return call.options.mode != UpdateMode::kOperators ||
         bytes * update <= kQuickOperatorBytesSquaredMax;
}

Status InsertMissing(ById& call, WriteSet& set) {
  auto entry = FindOrCreate(call.session, set, call.database, call.collection);
  if (!entry.ok()) return entry.status();
  auto writer = CollectionWriter::Open(call.session, set, *entry, Validation::kCheck);
  if (!writer.ok()) return writer.status();
  auto made = Changed(call.id, call.update, UpdateMode::kReplace, {}, {});
  if (!made.ok()) return made.status();
  auto prepared = PrepareInsert(call.session.environment(), bson::Document(AsBytes(*made)),
                                IdKind::kText, (*writer)->stamps());
  if (!prepared.ok()) return prepared.status();
  if (Status status = (*writer)->Insert(*prepared); !status.ok()) return status;
  call.after = std::move(prepared->bytes);
  return (*writer)->Flush();
}

Status UpdateOrInsert(ById& call, WriteSet& set, const bson::Value& id) {
  const UpdateByIdOptions& options = call.options;
  auto entry = FindForWrite(call.session, set, call.database, call.collection);
  if (!entry.ok()) return entry.status();
  CurrentDocument before;
  if (*entry != nullptr) {
    auto read = ReadDocument(set.transaction(), DocumentKey((*entry)->id, id), {});
    if (!read.ok()) return read.status();
    before = std::move(*read);
  }
  if (!before.found) {
    if (options.has_if_version != 0) {
      return VersionMismatch("the document does not exist", call.collection, call.id,
                             options.if_version, nullptr);
    }
    if (options.upsert == 0 || options.mode != UpdateMode::kReplace) {
      return NotFound(call.collection, call.id);
    }
    return InsertMissing(call, set);
  }
  const uint8_t* version = before.stored.version.data();
  if (options.if_absent != 0) {
    return VersionMismatch("the document exists already", call.collection, call.id, nullptr,
                           version);
  }
  if (options.has_if_version != 0 &&
      std::memcmp(options.if_version, version, kVersionstampBytes) != 0) {
    return VersionMismatch("the document has another version", call.collection, call.id,
                           options.if_version, version);
  }
  if (!IsQuick(call, before.stored.body)) {
    if (Status quick = call.session.CheckMayWait("a large document"); !quick.ok()) return quick;
  }
  auto writer = CollectionWriter::Open(call.session, set, *entry, Validation::kCheck);
  if (!writer.ok()) return writer.status();
  Environment& environment = call.session.environment();
  query::ParseOptions parse;
  parse.now_ms = environment.NowMs();
  parse.collation = (*entry)->collation;
  auto changed = Changed(before.stored.body, call.update, options.mode,
                         bson::Document(options.array_filters), parse);
  if (!changed.ok()) return changed.status();
  auto prepared = PrepareUpdate(environment, before.stored.body, bson::Document(AsBytes(*changed)),
                                (*writer)->stamps());
  if (!prepared.ok()) return prepared.status();
  if (RemovesVector(options.mode, call.update)) prepared->vector.kind = VectorEdit::Kind::kRemove;
  if (Status status = (*writer)->Replace(before, *prepared); !status.ok()) return status;
  call.after = std::move(prepared->bytes);
  return (*writer)->Flush();
}

}  // namespace

Result<VersionedDocument> GetById(SessionImpl& session, std::string_view database,
                                  std::string_view collection, bson::Document id, ReadMode mode) {
  if (Status status = CheckCollectionName(database, collection); !status.ok()) return status;
  Status status = session.CheckAccess(Action::kRead, database, collection);
  if (!status.ok()) return status;
  auto value = IdOf(id);
  if (!value.ok()) return value.status();
  auto scope = ReadScope::Open(session);
  if (!scope.ok()) return scope.status();
  const EntryPtr entry = (*scope)->Find(database, collection);
  if (entry == nullptr) return NotFound(collection, id);
  if (entry->kind == EntryKind::kView) {
    return MakeError(ErrorId::kViewNotSupported,
                     "'" + std::string(collection) + "' is a view: query it instead");
  }
  ReadOptions options;
  options.nonblocking = mode == ReadMode::kNonblocking ? 1 : 0;
  auto current = ReadDocument((*scope)->reader(), DocumentKey(entry->id, *value), options);
  if (!current.ok()) return current.status();
  if (!current->found) return NotFound(collection, id);
  return Versioned(*current);
}

Result<VersionedDocument> UpdateById(SessionImpl& session, std::string_view database,
                                     std::string_view collection, bson::Document id,
                                     bson::Document update, const UpdateByIdOptions& options) {
  auto value = IdOf(id);
  if (!value.ok()) return value.status();
  ById call{session, database, collection, id, update, options, {}};
  uint64_t sequence = 0;
  Status status = RunWrite(
      session, [&](WriteSet& set) { return UpdateOrInsert(call, set, *value); }, &sequence);
  if (!status.ok()) return status;
  VersionedDocument out;
  out.document = Buffer::Own(std::move(call.after));
  // The one stamped put of its commit. Within a transaction the version is not known yet: zeros.
  if (session.InTransaction()) return out;
  std::string version;
  AppendBigEndian64(sequence, &version);
  std::memcpy(out.version, version.data(), version.size());
  return out;
}

Status DeleteById(SessionImpl& session, std::string_view database, std::string_view collection,
                  bson::Document id, const DeleteByIdOptions& options) {
  auto value = IdOf(id);
  if (!value.ok()) return value.status();
  return RunWrite(session, [&](WriteSet& set) -> Status {
    auto entry = FindForWrite(session, set, database, collection);
    if (!entry.ok()) return entry.status();
    if (*entry == nullptr) return NotFound(collection, id);
    auto before = ReadDocument(set.transaction(), DocumentKey((*entry)->id, *value), {});
    if (!before.ok()) return before.status();
    if (!before->found) return NotFound(collection, id);
    if (options.has_if_version != 0 &&
        std::memcmp(options.if_version, before->stored.version.data(), kVersionstampBytes) != 0) {
      return VersionMismatch("the document has another version", collection, id, options.if_version,
                             before->stored.version.data());
    }
    if (before->stored.body.bytes().size() > kQuickDocumentBytesMax) {
      if (Status quick = session.CheckMayWait("a large document"); !quick.ok()) return quick;
    }
    auto writer = CollectionWriter::Open(session, set, *entry, Validation::kBypass);
    if (!writer.ok()) return writer.status();
    if (Status status = (*writer)->Remove(*before); !status.ok()) return status;
    return (*writer)->Flush();
  });
}

}  // namespace nexadb::database
