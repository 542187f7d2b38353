// listCollections and listDatabases: only what the caller may read is shown.
#include "core/document/error.h"
#include "plugins/database-document/catalog/describe.h"
#include "plugins/database-document/collection/statistics.h"
#include "plugins/database-document/command/fields.h"
#include "plugins/database-document/command/reply.h"

namespace nexadb::database {

namespace {

std::string DescribeCollection(const CollectionEntry& entry, bool name_only) {
  bson::Builder out;
  out.Text("name", entry.name).Text("type", TypeName(entry));
  if (!name_only) AppendDescription(entry, &out);
  return out.Finish();
}

bool MayRead(const CommandCall& call, std::string_view database, std::string_view name) {
  return call.session.CheckAccess(Action::kRead, database, name).ok();
}

}  // namespace

Status RunListCollections(const CommandCall& call, bson::Builder* reply) {
  static constexpr FieldSpec kKnown[] = {{"filter", FieldKind::kObject},
                                         {"nameOnly", FieldKind::kFlag},
                                         {"authorizedCollections", FieldKind::kFlag},
                                         {"cursor", FieldKind::kObject}};
  if (Status status = Fields::CheckCommand(call.command, kKnown); !status.ok()) return status;
  auto batch_size = CursorBatchSize(call, INT64_MAX);
  if (!batch_size.ok()) return batch_size.status();
  auto filter = query::Matcher::Parse(ObjectMember(call.command, "filter"), ParseOptionsOf(call));
  if (!filter.ok()) return filter.status();
  auto scope = ReadScope::Open(call.session);
  if (!scope.ok()) return scope.status();
  const bool name_only = FlagMember(call.command, "nameOnly", false);
  std::vector<std::string> documents;
  for (const EntryPtr& entry : (*scope)->catalog().InDatabase(call.database)) {
    if (entry->kind == EntryKind::kBucket || !MayRead(call, call.database, entry->name)) continue;
    const std::string whole = DescribeCollection(*entry, false);
    auto matches = (*filter)->Matches(bson::Document(AsBytes(whole)));
    if (!matches.ok()) return matches.status();
    if (!*matches) continue;
    documents.push_back(name_only ? DescribeCollection(*entry, true) : whole);
  }
  return AppendListCursor(call, "$cmd.listCollections", std::move(documents), *batch_size, reply);
}

namespace {

struct DatabaseSize {
  uint64_t bytes = 0;
  bool empty = true;
};

// Databases that hold anything which the caller may read.
Result<std::map<std::string, DatabaseSize>> MeasureDatabases(const CommandCall& call,
                                                             ReadScope& scope) {
  std::map<std::string, DatabaseSize> databases;
  for (const auto& [name, entry] : scope.catalog().entries()) {
    if (!MayRead(call, entry->database, entry->name)) continue;
    auto size = SizeOf(call.environment(), scope.reader(), *entry);
    if (!size.ok()) return size.status();
    DatabaseSize& total = databases[entry->database];
    total.bytes += size->bytes + size->index_bytes;
    total.empty = total.empty && size->count == 0;
  }
  return databases;
}

}  // namespace

Status RunListDatabases(const CommandCall& call, bson::Builder* reply) {
  static constexpr FieldSpec kKnown[] = {{"filter", FieldKind::kObject},
                                         {"nameOnly", FieldKind::kFlag},
                                         {"authorizedDatabases", FieldKind::kBool}};
  if (Status status = Fields::CheckCommand(call.command, kKnown); !status.ok()) return status;
  auto filter = query::Matcher::Parse(ObjectMember(call.command, "filter"), ParseOptionsOf(call));
  if (!filter.ok()) return filter.status();
  auto scope = ReadScope::Open(call.session);
  if (!scope.ok()) return scope.status();
  auto databases = MeasureDatabases(call, **scope);
  if (!databases.ok()) return databases.status();
  const bool name_only = FlagMember(call.command, "nameOnly", false);
  uint64_t total = 0;
  size_t listed = 0;
  reply->OpenArray("databases");
  for (const auto& [name, size] : *databases) {
    bson::Builder whole;
    whole.Text("name", name).Int64("sizeOnDisk", static_cast<int64_t>(size.bytes));
    whole.Bool("empty", size.empty);
    const std::string bytes = whole.Finish();
    auto matches = (*filter)->Matches(bson::Document(AsBytes(bytes)));
    if (!matches.ok()) return matches.status();
    if (!*matches) continue;
    total += size.bytes;
    const std::string position = std::to_string(listed++);
    if (name_only) {
      reply->OpenObject(position).Text("name", name).Close();
    } else {
      reply->Object(position, bson::Document(AsBytes(bytes)));
    }
  }
  reply->Close();
  if (name_only) return {};
  reply->Int64("totalSize", static_cast<int64_t>(total));
  reply->Int64("totalSizeMb", static_cast<int64_t>(total >> 20));
  return {};
}

}  // namespace nexadb::database
