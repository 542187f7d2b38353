#include "database_laws.h"

namespace nexadb::testkit {
namespace {

constexpr const char* kDatabase = "law";

std::string IdDocument(int64_t id) { return bson::Builder().Int64("_id", id).Finish(); }

}  // namespace

DatabaseBench::DatabaseBench(LawBench& bench) : assembly_(bench.Started()) {
  database_ = assembly_->Service<Database>();
  if (database_ == nullptr) throw std::runtime_error("the plugin provides no database");
  session_ = NewSession();
}

Handle<Session> DatabaseBench::NewSession(LawPrincipal* principal) {
  SessionOptions options;
  options.principal = principal != nullptr ? principal : &everyone_;
  return Must(database_->OpenSession(options));
}

Result<Buffer> DatabaseBench::Insert(Session& session, const std::string& collection,
                                     const std::vector<std::string>& documents,
                                     const InsertOptions& options) {
  std::vector<BytesView> views;
  for (const std::string& document : documents) views.push_back(AsBytes(document));
  return database_->Insert(session, kDatabase, collection, views, options);
}

void DatabaseBench::Store(const std::string& collection,
                          const std::vector<std::string>& documents) {
  const Buffer reply = Must(Insert(session(), collection, documents));
  if (IntegerOf(reply.bytes(), "n") != static_cast<int64_t>(documents.size())) {
    throw std::runtime_error("not every document was stored in " + collection);
  }
}

Result<VersionedDocument> DatabaseBench::Get(Session& session, const std::string& collection,
                                             int64_t id) {
  return database_->GetById(session, kDatabase, collection, AsBytes(IdDocument(id)), false);
}

Result<VersionedDocument> DatabaseBench::Update(Session& session, const std::string& collection,
                                                int64_t id, const std::string& update,
                                                const UpdateByIdOptions& options) {
  return database_->UpdateById(session, kDatabase, collection, AsBytes(IdDocument(id)),
                               AsBytes(update), options);
}

Status DatabaseBench::Delete(Session& session, const std::string& collection, int64_t id,
                             const DeleteByIdOptions& options) {
  return database_->DeleteById(session, kDatabase, collection, AsBytes(IdDocument(id)), options);
}

Result<std::vector<std::string>> DatabaseBench::Find(Session& session,
                                                     const std::string& collection,
                                                     const std::string& filter,
                                                     const std::string& sort) {
  bson::Builder command;
  command.Text("find", collection).Object("filter", bson::Document(AsBytes(filter)));
  if (!sort.empty()) command.Object("sort", bson::Document(AsBytes(sort)));
  const std::string text = command.Finish();
  auto cursor = database_->Query(session, kDatabase, AsBytes(text), {});
  if (!cursor.ok()) return std::move(cursor).status();
  std::vector<std::string> found;
  while (true) {
    constexpr size_t kBatch = 7;  // no divisor of what the laws store
    BytesView batch[kBatch];
    auto given = (*cursor)->Next(Span<BytesView>(batch, kBatch));
    if (!given.ok()) return std::move(given).status();
    if (*given == 0) return found;
    for (size_t i = 0; i < *given; ++i) found.emplace_back(AsText(batch[i]));
  }
}

Result<Buffer> DatabaseBench::Run(Session& session, const std::string& command,
                                  const std::string& collection, const std::string& rest) {
  bson::Builder text;
  text.Text(command, collection);
  if (!rest.empty()) text.Elements(bson::Document(AsBytes(rest)));
  const std::string done = text.Finish();
  return database_->Run(session, kDatabase, AsBytes(done));
}

std::string Numbered(int64_t id, int64_t n) {
  return bson::Builder().Int64("_id", id).Int64("n", n).Finish();
}

std::string Nested(const std::string& name, const std::string& document) {
  return bson::Builder().Object(name, bson::Document(AsBytes(document))).Finish();
}

int64_t IntegerOf(BytesView document, const std::string& name) {
  for (const bson::Element& element : bson::Document(document)) {
    if (element.name() != name) continue;
    const bson::Value value = element.value();
    if (value.type() == bson::Type::kInt32) return value.Int32();
    if (value.type() == bson::Type::kInt64) return value.Int64();
    if (value.type() == bson::Type::kDouble) return static_cast<int64_t>(value.Double());
  }
  throw std::runtime_error("no number under '" + name + "'");
}

std::vector<int64_t> IdsOf(const std::vector<std::string>& documents) {
  std::vector<int64_t> ids;
  for (const std::string& document : documents) ids.push_back(IntegerOf(AsBytes(document), "_id"));
  return ids;
}

void RegisterDatabaseSuite(const PluginSuite& suite) {
  RegisterLaws(suite, DatabaseDocumentLaws());
  RegisterLaws(suite, DatabaseQueryLaws());
  RegisterLaws(suite, DatabaseSessionLaws());
  RegisterLaws(suite, DatabaseKeyValueLaws());
}

}  // namespace nexadb::testkit
