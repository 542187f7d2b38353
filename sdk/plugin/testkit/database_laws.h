// What the laws of databases are written with: principals of the laws' own, and calls that end the
// law when they fail. Internal to the test kit.
#pragma once
#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "law.h"
#include "nexadb/bson.h"
#include "nexadb/database.h"

namespace nexadb::testkit {

// A caller who may do what `allows` says. The law keeps it alive longer than its sessions.
class LawPrincipal final : public Principal {
 public:
  using Rule = std::function<bool(Action action, std::string_view database, std::string_view name)>;
  explicit LawPrincipal(Rule allows = nullptr) : allows_(std::move(allows)) {}
  StringView Id() noexcept override { return "law"; }
  StringView Name() noexcept override { return "law"; }
  bool Allows(Action action, const Resource& resource) noexcept override {
    return valid_ && (!allows_ || allows_(action, resource.database, resource.name));
  }
  bool Valid() noexcept override { return valid_; }
  void Release() noexcept override {}
  void Revoke() { valid_ = false; }

 private:
  const Rule allows_;
  std::atomic<bool> valid_{true};
};

// A started database and a session that may do everything. Collections are in database "law".
class DatabaseBench {
 public:
  explicit DatabaseBench(LawBench& bench);
  Database& database() { return *database_; }
  Session& session() { return *session_; }
  // A further session; of `principal`, or of one that may do everything.
  Handle<Session> NewSession(LawPrincipal* principal = nullptr);

  Result<Buffer> Insert(Session& session, const std::string& collection,
                        const std::vector<std::string>& documents,
                        const InsertOptions& options = {});
  // Ends the law unless every document was stored.
  void Store(const std::string& collection, const std::vector<std::string>& documents);
  Result<VersionedDocument> Get(Session& session, const std::string& collection, int64_t id);
  Result<VersionedDocument> Update(Session& session, const std::string& collection, int64_t id,
                                   const std::string& update,
                                   const UpdateByIdOptions& options = {});
  Status Delete(Session& session, const std::string& collection, int64_t id,
                const DeleteByIdOptions& options = {});
  // The documents that a find gives, in its order. `sort` may be empty.
  Result<std::vector<std::string>> Find(Session& session, const std::string& collection,
                                        const std::string& filter = bson::Builder().Finish(),
                                        const std::string& sort = {});
  std::vector<std::string> All(const std::string& collection) {
    return Must(Find(session(), collection));
  }
  // A command of one member whose value is the collection's name, followed by `rest`.
  Result<Buffer> Run(Session& session, const std::string& command, const std::string& collection,
                     const std::string& rest = {});

 private:
  LawPrincipal everyone_;
  std::unique_ptr<Assembly> assembly_;
  Database* database_ = nullptr;
  Handle<Session> session_;
};

// {_id: id, n: n}
std::string Numbered(int64_t id, int64_t n);
// {name: {…}}, as $set and the like take it.
std::string Nested(const std::string& name, const std::string& document);
// A whole number of a document, whatever its type; ends the law when there is none.
int64_t IntegerOf(BytesView document, const std::string& name);
// The _id of each, in order. REQUIRES: they are whole numbers.
std::vector<int64_t> IdsOf(const std::vector<std::string>& documents);

std::vector<PluginLaw> DatabaseDocumentLaws();
std::vector<PluginLaw> DatabaseQueryLaws();
std::vector<PluginLaw> DatabaseSessionLaws();
std::vector<PluginLaw> DatabaseKeyValueLaws();

}  // namespace nexadb::testkit
