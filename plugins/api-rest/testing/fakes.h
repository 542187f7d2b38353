// Fakes of the services around the plugin, for its unit tests: a router that keeps the routes, an
// exchange that records its answer, a database of one collection, keys that are names.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/document/error.h"
#include "nexadb/authenticator.h"
#include "nexadb/bson.h"
#include "nexadb/database.h"
#include "nexadb/http.h"
#include "nexadb/kernel_info.h"
#include "plugins/api-rest/api.h"

namespace nexadb::rest::testing {

// While it lives, memory_test.cc refuses this thread no memory: fakes stand for services, which
// never throw.
class Unharmed {
 public:
  Unharmed() { ++depth_; }
  ~Unharmed() { --depth_; }
  Unharmed(const Unharmed&) = delete;
  Unharmed& operator=(const Unharmed&) = delete;
  static bool Here() { return depth_ != 0; }

 private:
  static inline thread_local int depth_ = 0;
};

struct FakeClock final : Clock {
  uint64_t now_ns = 1'000'000'000;
  uint64_t MonotonicNs() noexcept override { return now_ns; }
  int64_t UnixMs() noexcept override { return 1'700'000'000'000; }
};

struct FakeRandom final : Random {
  uint8_t next = 1;
  void Fill(Span<uint8_t> out) noexcept override {
    for (uint8_t& byte : out) byte = next++;
  }
};

// Keeps delayed tasks until Fire.
struct FakeExecutor final : Executor {
  std::vector<Task> tasks;
  ~FakeExecutor() {
    for (const Task& task : tasks) task.drop(task.state);
  }
  Status Post(const Task& task) noexcept override { return PostAfter(0, task); }
  Status PostAfter(uint64_t, const Task& task) noexcept override {
    const Unharmed here;
    tasks.push_back(task);
    return {};
  }
  void Fire() {
    std::vector<Task> due;
    due.swap(tasks);
    for (const Task& task : due) task.run(task.state);
  }
  void ParallelFor(uint64_t count, void (*body)(void*, uint64_t) noexcept,
                   void* state) noexcept override {
    for (uint64_t i = 0; i < count; ++i) body(state, i);
  }
  uint32_t BlockingThreads() noexcept override { return 1; }
  uint32_t ComputeThreads() noexcept override { return 1; }
};

struct FakePrincipal final : Principal {
  explicit FakePrincipal(std::string name_in) : name(std::move(name_in)) {}
  std::string name;
  StringView Id() noexcept override { return name; }
  StringView Name() noexcept override { return name; }
  bool Allows(Action action, const Resource&) noexcept override {
    return action != Action::kAdmin || name == "root";
  }
  bool Valid() noexcept override { return true; }
  void Release() noexcept override { delete this; }
};

// Every key is good but "" and "wrong".
struct FakeAuthenticator final : Authenticator {
  int calls = 0;
  Result<Handle<Principal>> Authenticate(const Credentials& credentials) noexcept override;
  void AuthenticateAsync(const Credentials& credentials,
                         const AuthenticateCallback& callback) noexcept override {
    callback.done(callback.state, Authenticate(credentials));
  }
  Handle<Principal> System() noexcept override {
    const Unharmed here;
    return Handle<Principal>(new FakePrincipal("system"));
  }
  void* Facet(const InterfaceId&) noexcept override { return nullptr; }
};

struct FakeKernel final : KernelInfo {
  std::string state = "running";
  StringView Version() noexcept override { return "0.1.0"; }
  StringView State() noexcept override { return state; }
  uint64_t UptimeMs() noexcept override { return 5000; }
  Result<Buffer> Instances() noexcept override { return Empty(); }
  Result<Buffer> Config() noexcept override { return Empty(); }
  Result<Buffer> MetricsText() noexcept override { return Buffer::Own(std::string("m 1\n")); }

 private:
  static Buffer Empty() {
    const Unharmed here;
    return Buffer::Own(bson::Builder().Finish());
  }
};

struct FakeLogger final : Logger {
  std::vector<std::string> lines;  // message name=value …
  bool Enabled(LogLevel) noexcept override { return true; }
  void Write(LogLevel, StringView message, Span<const LogField> fields) noexcept override {
    const Unharmed here;
    std::string line(std::string_view{message});
    for (const LogField& field : fields) {
      line += " " + std::string(std::string_view(field.name)) + "=" +
              std::string(std::string_view(field.value));
    }
    lines.push_back(std::move(line));
  }
};

struct FakeSession final : Session {
  explicit FakeSession(int* open_in) : open(open_in) { ++*open; }
  int* open;
  bool nonblocking = false;
  bool in_transaction = false;
  Status Begin(TransactionIsolation) noexcept override {
    in_transaction = true;
    return {};
  }
  Status Commit() noexcept override {
    in_transaction = false;
    return {};
  }
  Status Rollback() noexcept override { return Commit(); }
  bool InTransaction() noexcept override { return in_transaction; }
  void SetDeadline(uint64_t) noexcept override {}
  void Cancel() noexcept override {}
  void Release() noexcept override {
    --*open;
    delete this;
  }
};

// `documents` documents {_id: "<n>", n: <n>}, whatever the collection. A find is cut by its limit.
struct FakeDatabase final : Database, NonblockingSessions {
  int64_t documents = 0;
  int64_t fail_after = -1;  // of documents handed out: then the cursor fails
  ErrorId failure = ErrorId::kStorageFailed;
  bool would_block = false;  // where nothing may wait
  int tries = 0;             // calls where nothing may wait
  bool keyset = true;        // cursors tell their position
  int sessions = 0;
  std::vector<std::string> commands;  // as relaxed JSON

  Result<Handle<Session>> OpenSession(const SessionOptions& options) noexcept override;
  Result<Buffer> Run(Session&, StringView, BytesView command) noexcept override;
  Result<Handle<DocumentCursor>> Query(Session&, StringView, BytesView command,
                                       const QueryOptions& options) noexcept override;
  Result<VersionedDocument> GetById(Session&, StringView, StringView, BytesView id,
                                    bool nonblocking) noexcept override;
  Result<Buffer> Insert(Session&, StringView, StringView, Span<const BytesView> inserted,
                        const InsertOptions& options) noexcept override;
  Result<VersionedDocument> UpdateById(Session& session, StringView name, StringView collection,
                                       BytesView id, BytesView update,
                                       const UpdateByIdOptions& options) noexcept override;
  Status DeleteById(Session&, StringView, StringView, BytesView,
                    const DeleteByIdOptions&) noexcept override;
  Result<Buffer> Statistics(Session&) noexcept override;
  Result<Handle<Session>> OpenNonblocking(const SessionOptions& options) noexcept override;
  void* Facet(const InterfaceId& id) noexcept override {
    const bool is = std::string_view(id.name) == NonblockingSessions::kInterface.name;
    return is ? static_cast<NonblockingSessions*>(this) : nullptr;
  }
};

// What became of a request.
struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;
  std::string body;
  int chunks = 0;
  size_t chunk_max = 0;
  bool begun = false;
  bool finished = false;
  bool twice = false;  // answered again
};

class FakeExchange final : public Exchange {
 public:
  FakeExchange(Answer& answer, std::string method, std::string path, std::string query,
               std::string body, std::map<std::string, std::string> headers)
      : answer_(answer),
        method_(std::move(method)),
        path_(std::move(path)),
        query_(std::move(query)),
        body_(std::move(body)),
        headers_(std::move(headers)) {
    for (const auto& [name, value] : headers_) header_views_.push_back({name, value});
  }
  void SetCaptures(std::vector<std::string> captures);

  StringView Method() noexcept override { return method_; }
  StringView Path() noexcept override { return path_; }
  StringView Query() noexcept override { return query_; }
  Span<const HttpHeader> Headers() noexcept override { return header_views_; }
  StringView Header(StringView name) noexcept override;
  Span<const StringView> Captures() noexcept override { return captures_; }
  BytesView Body() noexcept override { return AsBytes(body_); }
  StringView PeerAddress() noexcept override { return "127.0.0.1"; }
  bool PeerIsLoopback() noexcept override { return true; }
  StringView RequestId() noexcept override { return "r1"; }
  uint64_t StartedNs() noexcept override { return 0; }
  Result<BytesView> ReadBody() noexcept override;
  void Send(uint16_t status, Span<const HttpHeader> headers, Buffer body) noexcept override;
  Status Begin(uint16_t status, Span<const HttpHeader> headers) noexcept override;
  Result<uint64_t> Write(Buffer chunk) noexcept override;
  bool WaitWritable() noexcept override { return true; }
  void OnWritable(const Callback&) noexcept override {}
  void OnClosed(const Callback&) noexcept override {}
  bool PeerGone() noexcept override { return false; }
  void Finish() noexcept override { answer_.finished = true; }
  void Release() noexcept override { delete this; }

 private:
  Answer& answer_;
  std::string method_, path_, query_, body_;
  std::map<std::string, std::string> headers_;
  std::vector<HttpHeader> header_views_;
  std::vector<std::string> texts_;
  std::vector<StringView> captures_;
  size_t read_ = 0;
};

struct FakeRouter final : HttpRouter {
  struct Attached {
    std::string method;
    std::string pattern;
    RunMode run;
    HttpHandler* handler;
  };
  std::vector<Attached> routes;
  int moved = 0;
  Result<Handle<Mount>> Attach(const Route& route, HttpHandler& handler) noexcept override;
  void MoveToPool(Handle<Exchange> exchange, HttpHandler& handler) noexcept override {
    ++moved;
    handler.Serve(std::move(exchange));
  }
  Result<Buffer> Limits() noexcept override { return Buffer::Own(bson::Builder().Finish()); }
  uint16_t Port() noexcept override { return 1; }
  void* Facet(const InterfaceId&) noexcept override { return nullptr; }
};

// A whole Api on fakes.
class Bench {
 public:
  Bench();
  // Sends a request to the route of that pattern (a row's, or one with a prefix). `before` and
  // `after` are called right before it is served, and right after.
  Answer Send(std::string method, std::string_view pattern, std::vector<std::string> captures,
              std::string query = "", std::string body = "",
              std::map<std::string, std::string> headers = {{"X-API-Key", "ada"}},
              const std::function<void()>& before = {}, const std::function<void()>& after = {});

  FakeClock clock;
  FakeRandom random;
  FakeExecutor executor;
  FakeRouter router;
  FakeDatabase database;
  FakeAuthenticator auth;
  FakeKernel kernel;
  FakeLogger log;
  std::unique_ptr<Api> api;
};

}  // namespace nexadb::rest::testing
