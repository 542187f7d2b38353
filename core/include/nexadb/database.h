// nexadb.database: collections of BSON documents, spoken to by MongoDB's commands.
//
// Every caller goes through a Session, which says who is calling, in which transaction, and within
// which limits. Run takes a command document and gives its reply, so REST, a wire protocol and
// in-process callers mean the same. A few hot operations have typed calls.
// Documents in and out are BSON; a malformed one is kInvalidArgument, never trusted.
#pragma once
#include "nexadb/abi.h"
#include "nexadb/authenticator.h"
#include "nexadb/storage_engine.h"

namespace nexadb {

// SessionOptions::timestamps. Kept: an inserted document's own _created_at and _updated_at stay, so
// that what was exported is restored as it was; what it lacks is set.
inline constexpr uint32_t kTimestampsOff = 0;
inline constexpr uint32_t kTimestampsSet = 1;
inline constexpr uint32_t kTimestampsKept = 2;

struct SessionOptions {
  uint32_t struct_size = sizeof(SessionOptions);
  // Documents that are inserted get _created_at and _updated_at, updated ones _updated_at, and a
  // generated _id is the 16-character kind instead of an ObjectId: the REST document routes' rule.
  uint32_t timestamps = 0;
  Principal* principal = nullptr;  // borrowed for the session's life; null is refused
  uint64_t deadline_ns = 0;        // of Clock::MonotonicNs; 0 takes the default time limit
  uint64_t memory_bytes = 0;       // working memory of a query before it spills; 0: the default
};

enum class TransactionIsolation : uint32_t { kSnapshot = 0, kSerializable = 1 };

// [serial], but for Cancel.
class Session {
 public:
  // From here to Commit or Rollback every call of the session is part of one transaction, and sees
  // its own writes. kConflict when one is open.
  virtual Status Begin(TransactionIsolation isolation) noexcept = 0;
  // All or nothing. kConflict (error transaction_conflict): nothing happened, run it again.
  virtual Status Commit() noexcept = 0;
  virtual Status Rollback() noexcept = 0;  // fine when none is open
  virtual bool InTransaction() noexcept = 0;
  // A new deadline for the calls that follow; a long-lived session has one for each request.
  virtual void SetDeadline(uint64_t deadline_ns) noexcept = 0;
  // [any] Makes the running call, and every later one, fail with kDeadlineExceeded soon.
  virtual void Cancel() noexcept = 0;
  virtual void Release() noexcept = 0;  // rolls back

 protected:
  ~Session() = default;
};

// Documents of a query. [serial] Holds its snapshot; release before its session.
class DocumentCursor {
 public:
  // Up to documents.size() documents; 0 at the end. Views live until the next call.
  virtual Result<uint64_t> Next(Span<BytesView> documents) noexcept = 0;
  // Find only: a token to go on after the last document returned, later and even after a restart
  // (Query's `after`). Empty when the query cannot be continued that way, or is at its end.
  virtual Result<Buffer> Position() noexcept = 0;
  virtual void Release() noexcept = 0;

 protected:
  ~DocumentCursor() = default;
};

struct QueryOptions {
  uint32_t struct_size = sizeof(QueryOptions);
  uint32_t reserved = 0;
  BytesView after;  // a Position of the same command; another command's is kInvalidArgument
};

// A stored document and its version: the versionstamp of its last write, 10 bytes, for ETags.
struct VersionedDocument {
  Buffer document;
  uint8_t version[10] = {};
  uint8_t reserved[6] = {};
};

struct InsertOptions {
  uint32_t struct_size = sizeof(InsertOptions);
  uint32_t ordered = 1;  // stop at the first failure; what came before it stays
  uint32_t atomic = 0;   // all or nothing
  uint32_t reserved = 0;
};

enum class UpdateMode : uint32_t {
  kOperators = 0,   // an update document ($set …)
  kSetFields = 1,   // set these top-level fields, keep the others
  kReplace = 2,     // replace all but _id and _created_at
  kMergePatch = 3,  // RFC 7396, null removes
};

struct UpdateByIdOptions {
  uint32_t struct_size = sizeof(UpdateByIdOptions);
  UpdateMode mode = UpdateMode::kSetFields;
  uint32_t upsert = 0;  // kReplace only: insert when absent
  uint32_t has_if_version = 0;
  uint32_t if_absent = 0;  // If-None-Match: * ; with upsert
  uint32_t reserved = 0;
  uint8_t if_version[10] = {};  // kConflict (error version_mismatch) when the document has another
  uint8_t reserved2[6] = {};
  BytesView array_filters;  // kOperators only: a BSON array of filters for $[name]; empty: none
};

struct DeleteByIdOptions {
  uint32_t struct_size = sizeof(DeleteByIdOptions);
  uint32_t has_if_version = 0;
  uint8_t if_version[10] = {};
  uint8_t reserved[6] = {};
};

class Database {  // [any]; calls that may block are [worker] unless said
 public:
  static constexpr InterfaceId kInterface{"nexadb.database", 0, 1};
  // kPermissionDenied without a principal. The session dies before this plugin's Stop.
  virtual Result<Handle<Session>> OpenSession(const SessionOptions& options) noexcept = 0;

  // Runs one MongoDB command ({find: "users", filter: {…}, …}) against database `name` and returns
  // its reply document, {…, ok: 1}. A command that fails as a whole is a Status whose domain and
  // number give its MongoDB code (core/document/errors.h); write errors of single documents stand
  // in the reply's writeErrors. A cursor with more to give is in the reply by id, for getMore.
  virtual Result<Buffer> Run(Session& session, StringView name, BytesView command) noexcept = 0;

  // The same for find and aggregate, as a cursor in this process instead of a reply.
  virtual Result<Handle<DocumentCursor>> Query(Session& session, StringView name, BytesView command,
                                               const QueryOptions& options) noexcept = 0;

  // `id` is a BSON document with one member "_id". kNotFound when absent. With `nonblocking` set,
  // kWouldBlock instead of reading the disk.
  virtual Result<VersionedDocument> GetById(Session& session, StringView name,
                                            StringView collection, BytesView id,
                                            bool nonblocking) noexcept = 0;

  // Inserts documents, making the collection when it is missing. Reply:
  // {n, ids: [_id, …] (of those inserted), versions: [binary, …] (theirs, outside a transaction),
  // writeErrors: [{index, code, codeName, errmsg, number,
  // keyPattern?, keyValue?}]}. A Status only when nothing was tried, or atomic and one failed.
  virtual Result<Buffer> Insert(Session& session, StringView name, StringView collection,
                                Span<const BytesView> documents,
                                const InsertOptions& options) noexcept = 0;

  // Changes one document; kNotFound when absent. Returns it as it is afterwards.
  virtual Result<VersionedDocument> UpdateById(Session& session, StringView name,
                                               StringView collection, BytesView id,
                                               BytesView update,
                                               const UpdateByIdOptions& options) noexcept = 0;
  virtual Status DeleteById(Session& session, StringView name, StringView collection, BytesView id,
                            const DeleteByIdOptions& options) noexcept = 0;

  // {engine_stats: {…}, databases, collections, vector_collections, documents, …}
  virtual Result<Buffer> Statistics(Session& session) noexcept = 0;

  // This header's facets: NonblockingSessions, KeyValueStore, VectorCollections, ChangeFeed,
  // SchemaInference, Tasks, Backups.
  virtual void* Facet(const InterfaceId& id) noexcept = 0;

 protected:
  ~Database() = default;
};

// Facet. Sessions for threads that must not wait, such as those that serve many sockets.
class NonblockingSessions {  // [any][nonblocking]
 public:
  static constexpr InterfaceId kInterface{"nexadb.database.nonblocking", 0, 1};
  // In such a session GetById, Insert and DeleteById, and KeyValueStore's Get, Put and Delete, are
  // [nonblocking]: they answer kWouldBlock instead of waiting for the disk, for room or for others,
  // and where the work may take long. Then nothing has happened: call again in a session of
  // OpenSession, where waiting is allowed. Every other call may answer kWouldBlock always.
  virtual Result<Handle<Session>> OpenNonblocking(const SessionOptions& options) noexcept = 0;

 protected:
  ~NonblockingSessions() = default;
};

struct KeyValue {
  Buffer value;
  Buffer content_type;     // as given to Put; empty when none was
  int64_t expires_ms = 0;  // Unix time, 0 for never
  uint8_t version[10] = {};
  uint8_t reserved[6] = {};
};

struct PutOptions {
  uint32_t struct_size = sizeof(PutOptions);
  uint32_t if_absent = 0;
  int64_t ttl_ms = 0;  // 0: never expires
  StringView content_type;
};

struct KeyValueEntry {
  Buffer key;
  KeyValue value;
};

struct KeyRange {
  uint32_t struct_size = sizeof(KeyRange);
  uint32_t keys_only = 0;
  BytesView prefix;
  BytesView begin, end;  // [begin, end); empty end: to the prefix's last
  uint64_t limit = 100;
};

class KeyValueEntries {  // [any]
 public:
  virtual uint64_t Size() noexcept = 0;
  virtual const KeyValueEntry& At(uint64_t index) noexcept = 0;
  virtual bool More() noexcept = 0;  // the limit cut the range
  virtual void Release() noexcept = 0;

 protected:
  ~KeyValueEntries() = default;
};

// Facet. Buckets are made by their first Put and checked as resource "kv:<bucket>". An expired key
// is absent at once, and removed from storage soon.
class KeyValueStore {  // [any][worker]
 public:
  static constexpr InterfaceId kInterface{"nexadb.database.key_value", 0, 1};
  virtual Result<KeyValue> Get(Session& session, StringView name, StringView bucket,
                               BytesView key) noexcept = 0;
  virtual Status Put(Session& session, StringView name, StringView bucket, BytesView key,
                     BytesView value, const PutOptions& options) noexcept = 0;
  virtual Status Delete(Session& session, StringView name, StringView bucket,
                        BytesView key) noexcept = 0;  // kNotFound when absent
  virtual Result<Handle<KeyValueEntries>> Scan(Session& session, StringView name, StringView bucket,
                                               const KeyRange& range) noexcept = 0;
  // One entry for each key; absent ones have an empty `key`.
  virtual Result<Handle<KeyValueEntries>> GetMany(Session& session, StringView name,
                                                  StringView bucket,
                                                  Span<const BytesView> keys) noexcept = 0;
  // All or nothing.
  virtual Status PutMany(Session& session, StringView name, StringView bucket, Span<const Row> rows,
                         const PutOptions& options) noexcept = 0;
  // The value as decimal text, missing is 0; keeps the expiry; kInvalidArgument when it is not an
  // integer or overflows 64 bits.
  virtual Result<int64_t> Increment(Session& session, StringView name, StringView bucket,
                                    BytesView key, int64_t amount) noexcept = 0;
  // Puts when the stored value equals `expected` (null: absent). False when it does not.
  virtual Result<bool> CompareAndSet(Session& session, StringView name, StringView bucket,
                                     BytesView key, const BytesView* expected, BytesView value,
                                     const PutOptions& options) noexcept = 0;

 protected:
  ~KeyValueStore() = default;
};

struct VectorQuery {
  uint32_t struct_size = sizeof(VectorQuery);
  uint32_t k = 10;
  Span<const float> queries;  // count * dimensions, row-major
  uint32_t dimensions = 0;    // of each query; error vector_dimension_mismatch when it differs
  uint32_t has_score_min = 0;
  double score_min = 0;
  BytesView filter;      // a match document; empty: every document
  BytesView projection;  // empty: the whole document
  uint32_t include_vector = 0;
  uint32_t exact = 0;
};

// Facet. A vector collection is a collection whose documents carry one vector each, kept beside
// them. The document and its vector change in one transaction.
class VectorCollections {  // [any][worker]
 public:
  static constexpr InterfaceId kInterface{"nexadb.database.vectors", 0, 1};
  // `options` is BSON {dimensions, metric, index, …}. True when made, false when it stood alike
  // already; kConflict when it differs.
  virtual Result<bool> Create(Session& session, StringView name, StringView collection,
                              BytesView options) noexcept = 0;
  // {collection, dimensions, metric, index, count, memory_bytes, state}
  virtual Result<Buffer> Describe(Session& session, StringView name,
                                  StringView collection) noexcept = 0;
  // The documents stay; their vectors go.
  virtual Status Drop(Session& session, StringView name, StringView collection) noexcept = 0;
  // As Database::Insert, with one vector for each document: row-major, documents.size() *
  // dimensions values. Always all or nothing.
  virtual Result<Buffer> Insert(Session& session, StringView name, StringView collection,
                                Span<const BytesView> documents, Span<const float> vectors,
                                uint32_t dimensions) noexcept = 0;
  // {searches: [{results: [{document_id, similarity, document, vector?}]}], exact}
  virtual Result<Buffer> Search(Session& session, StringView name, StringView collection,
                                const VectorQuery& query) noexcept = 0;
  // The vectors of documents, each named as for GetById: {vectors: [binary or null, …]}, one for
  // each of `ids`, as 32-bit little-endian floats. Null where there is no document or no vector.
  virtual Result<Buffer> Vectors(Session& session, StringView name, StringView collection,
                                 Span<const BytesView> ids) noexcept = 0;

 protected:
  ~VectorCollections() = default;
};

struct ChangeReadOptions {
  uint32_t struct_size = sizeof(ChangeReadOptions);
  uint32_t events_max = 1000;
  uint64_t bytes_max = 1 << 20;  // of events; at least one is given
};

class ChangeWatch {
 public:
  virtual void Release() noexcept = 0;  // the callback does not run after it returns

 protected:
  ~ChangeWatch() = default;
};

// Facet: what happened to a collection, in commit order, without gaps. Only collections with the
// option `changes` record it (error changes_not_recorded for others). A reader's position is a
// token: text that stays good over restarts, until what follows it is no longer kept.
class ChangeFeed {  // [any][worker]
 public:
  static constexpr InterfaceId kInterface{"nexadb.database.changes", 0, 1};
  static constexpr std::string_view kOldest = "oldest";
  // What was committed after `since`: a token, kOldest for all that is kept, or empty for now
  // (which gives no events, but a token to go on from). kNotFound (error change_history_lost) when
  // that is no longer kept. Reply: {events: [{token, at, operation: insert | update | delete,
  // document_id, document?, before?}], token, more}: `token` goes on after what was given, `more`
  // says that there is some already.
  virtual Result<Buffer> Read(Session& session, StringView name, StringView collection,
                              StringView since, const ChangeReadOptions& options) noexcept = 0;
  // From now on `changed` is called after every commit that changes the collection, from the
  // committing thread: it must not wait. Watch first, then Read until there is no more.
  virtual Result<Handle<ChangeWatch>> Watch(Session& session, StringView name,
                                            StringView collection,
                                            const Callback& changed) noexcept = 0;

 protected:
  ~ChangeFeed() = default;
};

// Facet: what the documents of a collection are like.
class SchemaInference {  // [any][worker]
 public:
  static constexpr InterfaceId kInterface{"nexadb.database.schema", 0, 1};
  // Looks at up to `sample` documents, of the oldest and the newest by _id. Reply: {documents (in
  // all), sampled, complete (every path is listed), fields: [{path, count, share, types: [{type,
  // count}], min?, max?}], schema: a $jsonSchema that all sampled documents satisfy}.
  virtual Result<Buffer> Infer(Session& session, StringView name, StringView collection,
                               uint64_t sample) noexcept = 0;

 protected:
  ~SchemaInference() = default;
};

// Facet: long jobs, one after another; for administrators. Documents are {id, kind, state: queued |
// running | done | failed | cancelled, progress: {done, total, unit}, created_at, started_at,
// finished_at, result?, error?: {code, detail}}, and what the job is about: {collection}, {backup}.
class Tasks {  // [any][worker]
 public:
  static constexpr InterfaceId kInterface{"nexadb.database.tasks", 0, 1};
  virtual Result<Buffer> List(Session& session) noexcept = 0;  // {tasks: [...]}
  virtual Result<Buffer> Get(Session& session, StringView id) noexcept = 0;
  virtual Status Cancel(Session& session, StringView id) noexcept = 0;
  // Begins to rewrite a collection, or everything when its name is empty, to its smallest form.
  // The task.
  virtual Result<Buffer> Compact(Session& session, StringView name,
                                 StringView collection) noexcept = 0;

 protected:
  ~Tasks() = default;
};

struct RestoreOptions {
  uint32_t struct_size = sizeof(RestoreOptions);
  // Takes the place of the data when the server starts next; until then it goes on.
  uint32_t at_next_start = 0;
  StringView target;  // else: the name of a new directory beside the backups, to start from
};

// Facet: copies of all databases as of one moment, made while writers go on; for administrators. A
// backup's name has 1 to 64 letters, digits, '_' and '-'. Keys are in none: a restore never brings
// back one that was revoked.
class Backups {  // [any][worker]
 public:
  static constexpr InterfaceId kInterface{"nexadb.database.backups", 0, 1};
  // {backups: [{id, created_at, bytes, bytes_copied, files, sequence} or {id, error}]}
  virtual Result<Buffer> List(Session& session) noexcept = 0;
  virtual Result<Buffer> Get(Session& session, StringView id) noexcept = 0;
  virtual Status Remove(Session& session, StringView id) noexcept = 0;
  // These begin a task and return it. An empty name is made of the time.
  virtual Result<Buffer> Create(Session& session, StringView id) noexcept = 0;
  virtual Result<Buffer> Verify(Session& session, StringView id) noexcept = 0;
  virtual Result<Buffer> Restore(Session& session, StringView id,
                                 const RestoreOptions& options) noexcept = 0;

 protected:
  ~Backups() = default;
};

}  // namespace nexadb
