#include "plugins/api-rest/testing/fakes.h"

#include <algorithm>

#include "core/document/error.h"
#include "core/document/json.h"
#include "plugins/api-rest/members.h"

namespace nexadb::rest::testing {
namespace {

// Lends a service that lives in the bench.
struct FakeLease final : ServiceLease {
  explicit FakeLease(void* service_in) : service(service_in) {}
  void* service;
  void* Service() noexcept override { return service; }
  StringView InstanceName() noexcept override { return "fake"; }
  void OnRebind(const Callback&) noexcept override {}
  void Release() noexcept override { delete this; }
};

template <class I>
ServiceRef<I> Lend(I& service) {
  return ServiceRef<I>(Handle<ServiceLease>(new FakeLease(&service)));
}

struct FakeMount final : Mount {
  void Release() noexcept override { delete this; }
};

std::string DocumentOf(int64_t n) {
  return bson::Builder().Text("_id", std::to_string(n)).Int64("n", n).Finish();
}

struct FakeCursor final : DocumentCursor {
  FakeDatabase* database = nullptr;
  int64_t next = 0;
  int64_t end = 0;
  std::vector<std::string> batch;
  Result<uint64_t> Next(Span<BytesView> documents) noexcept override {
    const Unharmed here;
    batch.clear();
    while (batch.size() < documents.size() && next < end) {
      if (database->fail_after >= 0 && next >= database->fail_after) {
        return MakeError(database->failure, "the disk is gone");
      }
      batch.push_back(DocumentOf(next++));
    }
    for (size_t i = 0; i < batch.size(); ++i) documents[i] = AsBytes(batch[i]);
    return batch.size();
  }
  Result<Buffer> Position() noexcept override {
    const Unharmed here;
    return database->keyset ? Buffer::Own(std::to_string(next)) : Buffer();
  }
  void Release() noexcept override { delete this; }
};

VersionedDocument Versioned(std::string document) {
  VersionedDocument versioned;
  versioned.document = Buffer::Own(std::move(document));
  versioned.version[9] = 1;
  return versioned;
}

}  // namespace

Result<Handle<Principal>> FakeAuthenticator::Authenticate(const Credentials& credentials) noexcept {
  const Unharmed here;
  ++calls;
  if (credentials.secret.empty()) return MakeError(ErrorId::kUnauthorized, "no key");
  if (std::string_view(credentials.secret) == "wrong")
    return MakeError(ErrorId::kInvalidKey, "bad");
  return Handle<Principal>(new FakePrincipal(std::string(std::string_view(credentials.secret))));
}

Result<Handle<Session>> FakeDatabase::OpenSession(const SessionOptions& options) noexcept {
  const Unharmed here;
  if (options.principal == nullptr) return MakeError(ErrorId::kForbidden, "no principal");
  return Handle<Session>(new FakeSession(&sessions));
}

Result<Handle<Session>> FakeDatabase::OpenNonblocking(const SessionOptions&) noexcept {
  const Unharmed here;
  auto* session = new FakeSession(&sessions);
  session->nonblocking = true;
  return Handle<Session>(session);
}

Result<Buffer> FakeDatabase::Run(Session&, StringView, BytesView command) noexcept {
  const Unharmed here;
  const bson::Document document(command);
  commands.push_back(BsonToJson(document, JsonMode::kRelaxed));
  if ((*document.begin()).name() == "fail") return MongoError(14, "a type is wrong");
  return Buffer::Own(bson::Builder().Int64("n", documents).Double("ok", 1).Finish());
}

Result<Handle<DocumentCursor>> FakeDatabase::Query(Session&, StringView, BytesView command,
                                                   const QueryOptions& options) noexcept {
  const Unharmed here;
  const bson::Document document(command);
  commands.push_back(BsonToJson(document, JsonMode::kRelaxed));
  auto cursor = std::make_unique<FakeCursor>();
  cursor->database = this;
  cursor->next = IntegerOf(document, "skip");
  if (!options.after.empty()) cursor->next = std::stoll(std::string(AsText(options.after)));
  cursor->end = documents;
  const int64_t limit = IntegerOf(document, "limit");
  if (limit > 0) cursor->end = std::min(documents, cursor->next + limit);
  return Handle<DocumentCursor>(cursor.release());
}

Result<VersionedDocument> FakeDatabase::GetById(Session&, StringView, StringView, BytesView id,
                                                bool nonblocking) noexcept {
  const Unharmed here;
  if (nonblocking) ++tries;
  if (nonblocking && would_block) return Status::Error(Code::kWouldBlock, "on disk");
  const std::string_view text = bson::Document(id)["_id"].value().Text();
  for (int64_t n = 0; n < documents; ++n) {
    if (std::to_string(n) == text) return Versioned(DocumentOf(n));
  }
  return MakeError(ErrorId::kDocumentNotFound, "no such document");
}

Result<Buffer> FakeDatabase::Insert(Session& session, StringView, StringView,
                                    Span<const BytesView> inserted,
                                    const InsertOptions& options) noexcept {
  const Unharmed here;
  const bool nonblocking = static_cast<FakeSession&>(session).nonblocking;
  if (nonblocking) ++tries;
  if (nonblocking && would_block) return Status::Error(Code::kWouldBlock, "no room");
  bson::Builder reply;
  std::vector<std::string> ids;
  bson::Builder errors;
  size_t failed = 0;
  for (size_t i = 0; i < inserted.size(); ++i) {
    const bson::Value id = bson::Document(inserted[i])["_id"].value();
    if (id.type() == bson::Type::kString && id.Text() == "taken") {
      if (options.atomic != 0) return MakeError(ErrorId::kDuplicateKey, "taken");
      errors.OpenObject(std::to_string(failed++)).Int32("index", static_cast<int32_t>(i));
      errors.Int32("number", static_cast<int32_t>(ErrorId::kDuplicateKey)).Text("errmsg", "taken");
      errors.Close();
      if (options.ordered != 0) break;
      continue;
    }
    ids.push_back(id ? std::string(id.Text()) : std::to_string(documents));
    ++documents;
  }
  reply.Int64("n", static_cast<int64_t>(ids.size())).OpenArray("ids");
  for (size_t i = 0; i < ids.size(); ++i) reply.Text(std::to_string(i), ids[i]);
  const std::string error_array = errors.Finish();
  reply.Close().Array("writeErrors", AsDocument(error_array));
  return Buffer::Own(reply.Finish());
}

Result<VersionedDocument> FakeDatabase::UpdateById(Session& session, StringView name,
                                                   StringView collection, BytesView id, BytesView,
                                                   const UpdateByIdOptions& options) noexcept {
  const Unharmed here;
  const bool nonblocking = static_cast<FakeSession&>(session).nonblocking;
  if (nonblocking) ++tries;
  if (nonblocking && would_block) return Status::Error(Code::kWouldBlock, "no room");
  Result<VersionedDocument> found = GetById(session, name, collection, id, false);
  if (found.ok() && options.if_absent != 0) return MakeError(ErrorId::kVersionMismatch, "exists");
  if (!found.ok() && options.upsert != 0) return Versioned(std::string(AsText(id)));
  return found;
}

Status FakeDatabase::DeleteById(Session& session, StringView name, StringView collection,
                                BytesView id, const DeleteByIdOptions&) noexcept {
  const Unharmed here;
  return GetById(session, name, collection, id, false).status();
}

Result<Buffer> FakeDatabase::Statistics(Session&) noexcept {
  const Unharmed here;
  return Buffer::Own(bson::Builder().Int64("documents", documents).Finish());
}

void FakeExchange::SetCaptures(std::vector<std::string> captures) {
  texts_ = std::move(captures);
  captures_.assign(texts_.begin(), texts_.end());
}

StringView FakeExchange::Header(StringView name) noexcept {
  const Unharmed here;
  const auto found = headers_.find(std::string(std::string_view(name)));
  return found == headers_.end() ? StringView() : StringView(found->second);
}

// A few bytes at a time, so that readers meet every boundary.
Result<BytesView> FakeExchange::ReadBody() noexcept {
  const Unharmed here;
  const std::string_view part = std::string_view(body_).substr(read_, 7);
  read_ += part.size();
  return AsBytes(part);
}

Status FakeExchange::Begin(uint16_t status, Span<const HttpHeader> headers) noexcept {
  const Unharmed here;
  answer_.begun = true;
  answer_.status = status;
  for (const HttpHeader& header : headers) {
    answer_.headers[std::string(std::string_view(header.name))] = std::string_view(header.value);
  }
  return {};
}

Result<uint64_t> FakeExchange::Write(Buffer chunk) noexcept {
  const Unharmed here;
  ++answer_.chunks;
  answer_.chunk_max = std::max(answer_.chunk_max, chunk.size());
  answer_.body += chunk.text();
  return uint64_t{0};
}

void FakeExchange::Send(uint16_t status, Span<const HttpHeader> headers, Buffer body) noexcept {
  const Unharmed here;
  answer_.twice = answer_.twice || answer_.finished || answer_.begun;
  (void)Begin(status, headers);
  answer_.begun = false;
  answer_.body = body.text();
  answer_.finished = true;
}

Result<Handle<Mount>> FakeRouter::Attach(const Route& route, HttpHandler& handler) noexcept {
  const Unharmed here;
  routes.push_back({std::string(std::string_view(route.method)),
                    std::string(std::string_view(route.pattern)), route.run, &handler});
  return Handle<Mount>(new FakeMount());
}

Bench::Bench() {
  Services services;
  services.router = Lend<HttpRouter>(router);
  services.database = Lend<Database>(database);
  services.auth = Lend<Authenticator>(auth);
  services.kernel = Lend<KernelInfo>(kernel);
  services.clock = &clock;
  services.random = &random;
  services.executor = &executor;
  services.log = &log;
  CursorKey key{};
  api = std::make_unique<Api>(std::move(services), ApiOptions{}, key);
  Status opened = api->Open();
  if (!opened.ok()) std::abort();
}

Answer Bench::Send(std::string method, std::string_view pattern, std::vector<std::string> captures,
                   std::string query, std::string body, std::map<std::string, std::string> headers,
                   const std::function<void()>& before, const std::function<void()>& after) {
  Answer answer;
  for (const FakeRouter::Attached& route : router.routes) {
    if (route.method != method || route.pattern != pattern) continue;
    auto* exchange = new FakeExchange(answer, method, std::string(pattern), std::move(query),
                                      std::move(body), std::move(headers));
    exchange->SetCaptures(std::move(captures));
    if (before) before();
    route.handler->Serve(Handle<Exchange>(exchange));
    if (after) after();
    return answer;
  }
  std::abort();  // the test names a route that is not there
}

}  // namespace nexadb::rest::testing
