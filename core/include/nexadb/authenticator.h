// nexadb.authenticator: who is calling, and what they may touch.
//
// Access is checked where names are resolved: the database asks the session's principal for every
// namespace that a command touches. Frontends only authenticate.
#pragma once
#include "nexadb/abi.h"

namespace nexadb {

// A closed list; new ones are appended.
enum class Action : uint32_t {
  kRead = 0,    // documents, key-value, search, indexes' and collections' description
  kWrite = 1,   // insert, update, delete; making the collection or bucket by the first write
  kManage = 2,  // create with options, drop, rename, indexes, validators
  kAdmin = 3,   // the server: keys, backups, plugins, others' queries
};

// A thing: "collection" or "kv:bucket" within a database. An empty name is the database as a whole;
// both empty, the server.
struct Resource {
  StringView database;
  StringView name;
};

struct Credentials {
  uint32_t struct_size = sizeof(Credentials);
  uint32_t peer_is_loopback = 0;
  StringView secret;  // the key as sent; empty when none was
  StringView peer;    // the caller's address, without port: for throttling and the audit log
};

// [any][nonblocking] A caller. Holding one does not keep it valid: a revoked key's principal
// allows nothing, within a second of the revocation.
class Principal {
 public:
  virtual StringView Id() noexcept = 0;  // the key's id, never its secret
  virtual StringView Name() noexcept = 0;
  virtual bool Allows(Action action, const Resource& resource) noexcept = 0;
  // False once revoked or expired.
  virtual bool Valid() noexcept = 0;
  virtual void Release() noexcept = 0;

 protected:
  ~Principal() = default;
};

struct AuthenticateCallback {
  void (*done)(void* state, Result<Handle<Principal>> principal) noexcept = nullptr;
  void* state = nullptr;
};

class Authenticator {
 public:
  static constexpr InterfaceId kInterface{"nexadb.authenticator", 0, 1};
  // [any][nonblocking] kPermissionDenied for every refusal, with one text: callers must not learn
  // which part was wrong (errors unauthorized: no key; invalid_key: any bad key).
  // kResourceExhausted when the peer is throttled. kWouldBlock: use the asynchronous form.
  virtual Result<Handle<Principal>> Authenticate(const Credentials& credentials) noexcept = 0;
  // [any] Calls done exactly once, from any thread, perhaps before returning.
  virtual void AuthenticateAsync(const Credentials& credentials,
                                 const AuthenticateCallback& callback) noexcept = 0;
  // The principal of the server itself, which may do everything: for background work.
  virtual Handle<Principal> System() noexcept = 0;
  virtual void* Facet(const InterfaceId& id) noexcept = 0;  // this header's: KeyAdmin

 protected:
  ~Authenticator() = default;
};

// [worker] Facet: the keys. Documents in and out are BSON with the members of rest-api.md:
// {id, name, actions: ["read", …], patterns: ["logs_*", "shop/orders", "kv:sessions", "*/*"],
//  created_at, expires_at, revoked_at, last_used_at}; `key`, the secret, only in the answer to
// Create and Rotate.
class KeyAdmin {
 public:
  static constexpr InterfaceId kInterface{"nexadb.auth.key_admin", 0, 1};
  virtual Result<Buffer> Create(BytesView spec) noexcept = 0;
  virtual Result<Buffer> List() noexcept = 0;  // {keys: [...]}
  virtual Result<Buffer> Get(StringView id) noexcept = 0;
  virtual Result<Buffer> Update(StringView id, BytesView changes) noexcept = 0;
  virtual Status Revoke(StringView id) noexcept = 0;
  // A new secret; the old one works for `grace_ms` more.
  virtual Result<Buffer> Rotate(StringView id, uint64_t grace_ms) noexcept = 0;

 protected:
  ~KeyAdmin() = default;
};

}  // namespace nexadb
