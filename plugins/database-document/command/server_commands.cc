// ping, hello, buildInfo, endSessions, dbStats, collStats, validate.
#include <array>

#include "core/document/error.h"
#include "plugins/database-document/collection/scan.h"
#include "plugins/database-document/collection/statistics.h"
#include "plugins/database-document/command/command.h"
#include "plugins/database-document/command/fields.h"
#include "plugins/database-document/index/entry_types.h"
#include "plugins/database-document/index/index_keys.h"

namespace nexadb::database {

namespace {

constexpr int32_t kBadValue = 2;
constexpr int32_t kNamespaceNotFound = 26;
// The MongoDB whose semantics these are; drivers read it to know what they may send.
constexpr std::string_view kMongoVersion = "8.2.4";
constexpr int32_t kMongoVersionParts[] = {8, 2, 4, 0};
constexpr int32_t kWireVersionMax = 27;
constexpr int32_t kDocumentBytesMax = 16 << 20;
constexpr int32_t kMessageBytesMax = 48'000'000;
constexpr int32_t kWriteBatchMax = 100'000;
constexpr int32_t kSessionMinutes = 30;

}  // namespace

Status RunPing(const CommandCall& call, bson::Builder*) {
  return Fields::CheckCommand(call.command, {});
}

Status RunHello(const CommandCall& call, bson::Builder* reply) {
  const bson::Value mechanisms = Member(call.command, "saslSupportedMechs");
  if (mechanisms && mechanisms.type() != bson::Type::kString) {
    return MongoError(kBadValue, "saslSupportedMechs must be a string");
  }
  reply->Bool("helloOk", true);
  reply->Bool(call.name() == "hello" ? "isWritablePrimary" : "ismaster", true);
  reply->OpenObject("topologyVersion").Int64("counter", 0).Close();
  reply->Int32("maxBsonObjectSize", kDocumentBytesMax);
  reply->Int32("maxMessageSizeBytes", kMessageBytesMax);
  reply->Int32("maxWriteBatchSize", kWriteBatchMax);
  reply->DateMs("localTime", call.environment().NowMs());
  reply->Int32("logicalSessionTimeoutMinutes", kSessionMinutes).Int32("connectionId", 1);
  reply->Int32("minWireVersion", 0).Int32("maxWireVersion", kWireVersionMax);
  reply->Bool("readOnly", false);
  return {};
}

Status RunBuildInfo(const CommandCall& call, bson::Builder* reply) {
  if (Status status = Fields::CheckCommand(call.command, {}); !status.ok()) return status;
  reply->Text("version", kMongoVersion).Text("gitVersion", "nexadb");
  reply->OpenArray("modules").Close().Text("allocator", "system");
  reply->Text("javascriptEngine", "none").Text("sysInfo", "deprecated");
  reply->OpenArray("versionArray");
  for (size_t i = 0; i < std::size(kMongoVersionParts); ++i) {
    reply->Int32(std::to_string(i), kMongoVersionParts[i]);
  }
  reply->Close().Int32("bits", 64).Bool("debug", false);
  reply->Int32("maxBsonObjectSize", kDocumentBytesMax);
  reply->OpenArray("storageEngines").Text("0", "nexadb").Close();
  return {};
}

Status RunEndSessions(const CommandCall& call, bson::Builder*) {
  const bson::Element first = *call.command.begin();
  if (first.type() != bson::Type::kArray) {
    return WrongType("endSessions", "endSessions", first.type(), "array");
  }
  return Fields::CheckCommand(call.command, {});
}

namespace {

Result<int64_t> ScaleOf(const CommandCall& call) {
  const int64_t scale = IntegerMember(call.command, "scale", 1);
  if (scale >= 1) return scale;
  return MongoError(kBadValue, "BSON field 'scale' value must be >= 1, actual value '" +
                                   std::to_string(scale) + "'");
}

int64_t Scaled(uint64_t bytes, int64_t scale) {
  return static_cast<int64_t>(bytes / static_cast<uint64_t>(scale));
}

}  // namespace

Status RunDbStats(const CommandCall& call, bson::Builder* reply) {
  static constexpr FieldSpec kKnown[] = {{"scale", FieldKind::kNumber},
                                         {"freeStorage", FieldKind::kNumber}};
  if (Status status = Fields::CheckCommand(call.command, kKnown); !status.ok()) return status;
  Status status = call.session.CheckAccess(Action::kRead, call.database, "");
  if (!status.ok()) return status;
  auto scale = ScaleOf(call);
  if (!scale.ok()) return scale.status();
  auto scope = ReadScope::Open(call.session);
  if (!scope.ok()) return scope.status();
  CollectionSize total;
  int64_t collections = 0;
  int64_t views = 0;
  int64_t indexes = 0;
  for (const EntryPtr& entry : (*scope)->catalog().InDatabase(call.database)) {
    if (entry->kind == EntryKind::kView) {
      ++views;
      continue;
    }
    if (entry->kind == EntryKind::kBucket) continue;
    ++collections;
    indexes += static_cast<int64_t>(entry->indexes.size()) + 1;
    auto size = SizeOf(call.environment(), (*scope)->reader(), *entry);
    if (!size.ok()) return size.status();
    total.count += size->count;
    total.bytes += size->bytes;
    total.index_bytes += size->index_bytes;
  }
  reply->Text("db", call.database).Int64("collections", collections).Int64("views", views);
  reply->Int64("objects", total.count);
  reply->Double(
      "avgObjSize",
      total.count == 0 ? 0 : static_cast<double>(total.bytes) / static_cast<double>(total.count));
  // As a server of MongoDB, which gives them as doubles here, and as integers in collStats.
  reply->Double("dataSize", static_cast<double>(Scaled(total.bytes, *scale)));
  reply->Double("storageSize", static_cast<double>(Scaled(total.bytes, *scale)))
      .Int64("indexes", indexes);
  reply->Double("indexSize", static_cast<double>(Scaled(total.index_bytes, *scale)));
  reply->Double("totalSize", static_cast<double>(Scaled(total.bytes + total.index_bytes, *scale)));
  reply->Int64("scaleFactor", *scale);
  return {};
}

Status RunCollStats(const CommandCall& call, bson::Builder* reply) {
  static constexpr FieldSpec kKnown[] = {{"scale", FieldKind::kNumber}};
  auto name = CollectionOf(call);
  if (!name.ok()) return name.status();
  if (Status status = Fields::CheckCommand(call.command, kKnown); !status.ok()) return status;
  Status status = call.session.CheckAccess(Action::kRead, call.database, *name);
  if (!status.ok()) return status;
  auto scale = ScaleOf(call);
  if (!scale.ok()) return scale.status();
  auto scope = ReadScope::Open(call.session);
  if (!scope.ok()) return scope.status();
  const EntryPtr entry = (*scope)->Find(call.database, *name);
  CollectionSize size;
  if (entry != nullptr) {
    auto found = SizeOf(call.environment(), (*scope)->reader(), *entry);
    if (!found.ok()) return found.status();
    size = *found;
  }
  reply->Text("ns", Namespace(call.database, *name)).Int64("size", Scaled(size.bytes, *scale));
  reply->Int64("count", size.count);
  reply->Int64("storageSize", Scaled(size.bytes, *scale));
  reply->Int64("totalIndexSize", Scaled(size.index_bytes, *scale));
  reply->Int64("totalSize", Scaled(size.bytes + size.index_bytes, *scale));
  reply->Int32("nindexes", entry == nullptr ? 0 : static_cast<int32_t>(entry->indexes.size()) + 1);
  reply->Int64("scaleFactor", *scale).Bool("capped", false);
  return {};
}

namespace {

struct Validated {
  int64_t records = 0;
  std::vector<std::string> errors;
};

// A secondary index against the documents: every key that they ask for is there and leads back to
// its document, and there are no others.
class IndexCheck {
 public:
  IndexCheck() = default;
  static Result<IndexCheck> Open(uint32_t collection_id, const IndexEntry& index) {
    auto keys = IndexKeys::Compile(collection_id, index);
    if (!keys.ok()) return keys.status();
    return IndexCheck(collection_id, std::move(*keys));
  }

  Status Document(Reader& reader, std::string_view owner, bson::Document body) {
    auto wanted = keys_.Of(body, IndexKeys::Stored::kYes);
    if (!wanted.ok()) return wanted.status();
    for (const std::string& values : wanted->values) {
      ++expected_;
      auto found = reader.Get(AsBytes(keys_.EntryKey(values, owner)), {});
      if (!found.ok() && found.status().code() != Code::kNotFound) return found.status();
      const std::string_view value = found.ok() ? found->text() : std::string_view();
      if (!found.ok() || EntryOwner(value) != owner) {
        ++missing_;
      } else if (EntryTypesIn(value) != wanted->types) {
        ++mistyped_;
      }
    }
    return {};
  }

  Status Finish(QueryContext& context, std::vector<std::string>* errors) {
    auto stored = Count(context);
    if (!stored.ok()) return stored.status();
    const std::string name = "index '" + keys_.index().name + "': ";
    if (missing_ != 0) {
      errors->push_back(name + std::to_string(missing_) + " entries are missing");
    }
    if (mistyped_ != 0) {
      errors->push_back(name + std::to_string(mistyped_) +
                        " entries say other types than their documents have");
    }
    const int64_t extra = *stored - (expected_ - missing_);
    if (extra > 0) {
      errors->push_back(name + std::to_string(extra) + " entries belong to no document");
    }
    return {};
  }

 private:
  IndexCheck(uint32_t collection_id, IndexKeys keys)
      : collection_id_(collection_id), keys_(std::move(keys)) {}

  Result<int64_t> Count(QueryContext& context) const {
    const std::string begin = IndexPrefix(collection_id_, keys_.index().id);
    const std::string end = IndexPrefix(collection_id_, keys_.index().id + 1);
    ScanOptions options;
    options.begin = AsBytes(begin);
    options.end = AsBytes(end);
    auto cursor = context.scope().reader().Scan(options);
    if (!cursor.ok()) return cursor.status();
    std::array<Row, query::kBatchDocuments> rows;
    int64_t total = 0;
    for (;;) {
      auto count = (*cursor)->Next(rows);
      if (!count.ok()) return count.status();
      if (*count == 0) return total;
      total += static_cast<int64_t>(*count);
      if (Status stop = context.CheckInterrupt(); !stop.ok()) return stop;
    }
  }

  uint32_t collection_id_ = 0;
  IndexKeys keys_;
  int64_t expected_ = 0;
  int64_t missing_ = 0;
  int64_t mistyped_ = 0;
};

// Reads every document: it must decode, be well-formed BSON, and lie under its own _id's key; and
// the indexes must hold its keys and no more.
Result<Validated> ValidateDocuments(const CommandCall& call, ReadScopePtr scope,
                                    const CollectionEntry& entry) {
  Validated out;
  auto everything = query::Matcher::Parse({}, {});
  if (!everything.ok()) return everything.status();
  const std::shared_ptr<const query::Matcher> filter = std::move(*everything);
  QueryContext context(call.session, std::string(call.database), std::move(scope));
  CollectionScan scan(context, ChooseAccess(entry.id, *filter, ScanDirection::kForward), filter);
  std::vector<IndexCheck> indexes;
  for (const IndexEntry& index : entry.indexes) {
    if (index.building) continue;
    auto check = IndexCheck::Open(entry.id, index);
    if (!check.ok()) return check.status();
    indexes.push_back(std::move(*check));
  }
  std::vector<ScannedDocument> batch(query::kBatchDocuments);
  for (;;) {
    auto count = scan.Next(batch);
    if (!count.ok()) return count.status();
    if (*count == 0) break;
    for (size_t i = 0; i < *count; ++i) {
      ++out.records;
      const bson::Document body = batch[i].stored.body;
      if (const char* error = bson::Validate(body.bytes())) {
        out.errors.emplace_back(std::string("a document is not well-formed: ") + error);
      } else if (AsText(batch[i].key) != DocumentKey(entry.id, body["_id"].value())) {
        out.errors.emplace_back("a document lies under another key than its _id's");
      } else {
        const std::string_view owner = AsText(batch[i].key).substr(kDocumentKeyPrefixBytes);
        for (IndexCheck& check : indexes) {
          Status bad = check.Document(context.scope().reader(), owner, body);
          if (!bad.ok()) return bad;
        }
      }
    }
  }
  for (IndexCheck& check : indexes) {
    if (Status bad = check.Finish(context, &out.errors); !bad.ok()) return bad;
  }
  auto counted = CountDocuments(context.scope().reader(), entry.id);
  if (!counted.ok()) return counted.status();
  if (*counted != out.records) {
    out.errors.push_back("the counter says " + std::to_string(*counted) + ", there are " +
                         std::to_string(out.records));
  }
  return out;
}

}  // namespace

Status RunValidate(const CommandCall& call, bson::Builder* reply) {
  static constexpr FieldSpec kKnown[] = {
      {"full", FieldKind::kAny},        {"repair", FieldKind::kAny},
      {"metadata", FieldKind::kAny},    {"checkBSONConformance", FieldKind::kAny},
      {"fixMultikey", FieldKind::kAny}, {"background", FieldKind::kAny}};
  auto name = CollectionOf(call);
  if (!name.ok()) return name.status();
  if (Status status = Fields::CheckCommand(call.command, kKnown); !status.ok()) return status;
  Status status = call.session.CheckAccess(Action::kRead, call.database, *name);
  if (!status.ok()) return status;
  auto scope = ReadScope::Open(call.session);
  if (!scope.ok()) return scope.status();
  const EntryPtr entry = (*scope)->Find(call.database, *name);
  if (entry == nullptr) {
    return MongoError(kNamespaceNotFound, "Collection '" + Namespace(call.database, *name) +
                                              "' does not exist to validate.");
  }
  if (entry->kind == EntryKind::kView) {
    return MongoError(166, "Cannot validate a view");
  }
  auto validated = ValidateDocuments(call, *scope, *entry);
  if (!validated.ok()) return validated.status();
  reply->Text("ns", Namespace(call.database, *name)).Int32("nInvalidDocuments", 0);
  reply->Int32("nNonCompliantDocuments", 0);
  reply->Int32("nrecords", static_cast<int32_t>(validated->records));
  reply->Int32("nIndexes", static_cast<int32_t>(entry->indexes.size()) + 1);
  reply->Bool("valid", validated->errors.empty()).Bool("repaired", false);
  reply->OpenArray("warnings").Close().OpenArray("errors");
  for (size_t i = 0; i < validated->errors.size(); ++i) {
    reply->Text(std::to_string(i), validated->errors[i]);
  }
  reply->Close().OpenArray("extraIndexEntries").Close().OpenArray("missingIndexEntries").Close();
  return {};
}

}  // namespace nexadb::database
