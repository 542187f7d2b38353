#include "plugins/database-document/collection/insert.h"

#include <algorithm>

#include "core/document/error.h"
#include "core/document/limits.h"

namespace nexadb::database {

namespace {

// One transaction: large enough to share a sync, small enough to stay well below the storage's
// own limits.
constexpr size_t kChunkDocuments = 1000;
constexpr size_t kChunkBytes = 8 << 20;
// Two generated ids of one millisecond clash with odds of 2^-36.
constexpr int kIdDrawsMax = 4;

struct Chunk {
  size_t begin = 0;
  size_t end = 0;
};

Chunk NextChunk(const InsertRequest& request, size_t begin) {
  if (request.atomic) return {begin, request.documents.size()};
  size_t bytes = 0;
  size_t end = begin;
  while (end < request.documents.size() && end - begin < kChunkDocuments) {
    bytes += request.documents[end].size();
    if (end > begin && bytes > kChunkBytes) break;
    ++end;
  }
  return {begin, end};
}

Result<std::string> InsertOne(SessionImpl& session, CollectionWriter& writer,
                              const InsertRequest& request, size_t index) {
  const bson::Document document(request.documents[index]);
  const IdKind id_kind = session.timestamps() ? IdKind::kText : IdKind::kObjectId;
  const bool generated = !document["_id"];
  for (int draw = 1;; ++draw) {
    auto prepared = PrepareInsert(session.environment(), document, id_kind, writer.stamps());
    if (!prepared.ok()) return prepared.status();
    if (!request.vectors.empty()) {
      const auto vector = request.vectors.subspan(index * request.dimensions, request.dimensions);
      prepared->vector.kind = VectorEdit::Kind::kSet;
      prepared->vector.vector.assign(vector.begin(), vector.end());
    }
    Status status = writer.Insert(*prepared);
    if (status.ok()) {
      bson::Builder id;
      id.Element(bson::Document(AsBytes(prepared->bytes))["_id"]);
      return id.Finish();
    }
    const bool again = generated && draw < kIdDrawsMax && Is(status, ErrorId::kDuplicateKey);
    if (!again) return status;
  }
}

// A failure that is not one document's own: the whole chunk must go.
bool IsOwn(const Status& status) { return !status.domain().empty(); }

Status InsertChunk(SessionImpl& session, WriteSet& set, const InsertRequest& request, Chunk chunk,
                   InsertOutcome* outcome) {
  auto entry = FindOrCreate(session, set, request.database, request.collection);
  if (!entry.ok()) return entry.status();
  auto writer = CollectionWriter::Open(session, set, *entry, request.validation);
  if (!writer.ok()) return writer.status();
  for (size_t i = chunk.begin; i < chunk.end; ++i) {
    auto id = InsertOne(session, **writer, request, i);
    if (id.ok()) {
      outcome->ids.push_back(std::move(*id));
      continue;
    }
    if (request.atomic || !IsOwn(id.status())) return id.status();
    outcome->errors.push_back({i, id.status()});
    if (request.ordered) break;
  }
  return (*writer)->Flush();
}

void AppendVersion(uint64_t sequence, size_t order, const std::string& fallback, std::string* out) {
  if (order >= kStampsMax) {
    out->append(fallback);
    return;
  }
  AppendBigEndian64(sequence, out);
  out->push_back(static_cast<char>(order >> 8));
  out->push_back(static_cast<char>(order & 0xFF));
}

Status AppendChunk(SessionImpl& session, const InsertRequest& request, Chunk chunk,
                   InsertOutcome* outcome) {
  InsertOutcome added;
  std::string fallback;
  uint64_t sequence = 0;
  Status status = RunWrite(
      session,
      [&](WriteSet& set) {
        added = InsertOutcome();
        fallback = set.FallbackVersion();
        return InsertChunk(session, set, request, chunk, &added);
      },
      &sequence);
  if (!status.ok()) return status;
  if (!session.InTransaction()) {
    // Documents are the only stamped puts of an insert, so a document's place is its stamp's order.
    for (size_t i = 0; i < added.ids.size(); ++i) {
      AppendVersion(sequence, i, fallback, &outcome->versions);
    }
  }
  std::move(added.ids.begin(), added.ids.end(), std::back_inserter(outcome->ids));
  std::move(added.errors.begin(), added.errors.end(), std::back_inserter(outcome->errors));
  return {};
}

}  // namespace

Result<InsertOutcome> InsertMany(SessionImpl& session, const InsertRequest& request) {
  if (request.documents.size() > static_cast<size_t>(kBulkOperationsMax)) {
    return LimitError(ErrorId::kBulkTooLarge, "bulk_operations", kBulkOperationsMax,
                      static_cast<int64_t>(request.documents.size()));
  }
  InsertOutcome outcome;
  size_t begin = 0;
  do {
    const Chunk chunk = NextChunk(request, begin);
    Status status = AppendChunk(session, request, chunk, &outcome);
    if (!status.ok()) {
      // What earlier chunks inserted stays, so the failure is reported where it happened.
      if (chunk.begin == 0) return status;
      outcome.errors.push_back({chunk.begin, status});
      return outcome;
    }
    if (request.ordered && !outcome.errors.empty()) return outcome;
    begin = chunk.end;
  } while (begin < request.documents.size());
  return outcome;
}

}  // namespace nexadb::database
