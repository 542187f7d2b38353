#include "plugins/database-document/index/ttl.h"

#include <algorithm>
#include <shared_mutex>

#include "plugins/database-document/collection/writer.h"
#include "plugins/database-document/plan/document_scan.h"
#include "plugins/database-document/plan/planner.h"
#include "plugins/database-document/session/system_principal.h"

namespace nexadb::database {

namespace {

constexpr size_t kBatchDocuments = 256;
// A sweep leaves the rest of a long list to the next one, so that other collections get their turn.
constexpr int kBatchesMax = 40;

// {field: {$lte: the moment}}, behind the index's own filter, if it has one.
std::string ExpiredFilter(const IndexEntry& index, int64_t moment_ms) {
  bson::Builder filter;
  const bson::Element partial = bson::Document(AsBytes(index.spec))["partialFilterExpression"];
  if (partial.type() == bson::Type::kObject) filter.Elements(partial.value().Doc());
  const std::string field((*index.key().begin()).name());
  // A name stands once in a document, and the index's filter may have it already.
  filter.OpenArray("$and").OpenObject("0").OpenObject(field).DateMs("$lte", moment_ms);
  filter.Close().Close().Close();
  return filter.Finish();
}

class TtlSweep {
 public:
  TtlSweep(SessionImpl& session, const CollectionEntry& entry, const IndexEntry& index,
           std::shared_ptr<const query::Matcher> filter)
      : session_(session), entry_(entry), index_(index), filter_(std::move(filter)) {}

  // How many it removed; fewer than a batch at the end.
  Result<size_t> RemoveBatch() {
    size_t removed = 0;
    Status status = RunWrite(session_, [&](WriteSet& set) -> Status {
      removed = 0;
      const EntryPtr entry = set.Find(entry_.database, entry_.name);
      if (entry == nullptr || entry->id != entry_.id || !StillExpires(*entry)) return {};
      auto writer = CollectionWriter::Open(session_, set, entry, Validation::kBypass);
      if (!writer.ok()) return writer.status();
      auto count = RemoveWithin(set, **writer);
      if (!count.ok()) return count.status();
      removed = *count;
      return (*writer)->Flush();
    });
    if (!status.ok()) return status;
    return removed;
  }

 private:
  bool StillExpires(const CollectionEntry& entry) const {
    return std::any_of(entry.indexes.begin(), entry.indexes.end(), [&](const IndexEntry& index) {
      return index.id == index_.id && index.expire_after_seconds() == index_.expire_after_seconds();
    });
  }

  Result<size_t> RemoveWithin(WriteSet& set, CollectionWriter& writer) {
    QueryContext context(session_, entry_.database, ReadScope::Within(set));
    const bson::Element part = *index_.key().begin();
    const std::string order = bson::Builder().Int32(part.name(), 1).Finish();
    auto sort = query::SortPattern::Parse(bson::Document(AsBytes(order)));
    if (!sort.ok()) return sort.status();
    PlanRequest request{writer.entry_ptr(), *filter_};
    // Those that expired first go first, and no more is read than is removed.
    request.sort.pattern = &*sort;
    request.sort.first = kBatchDocuments;
    auto plan = MakePlan(context, request);
    if (!plan.ok()) return plan.status();
    plan->slow_query_ms = 0;
    DocumentScan scan(context, std::move(*plan), filter_);
    std::vector<ScannedDocument> batch(kBatchDocuments);
    size_t removed = 0;
    while (removed < kBatchDocuments) {
      auto count = scan.Next(std::span(batch).first(kBatchDocuments - removed));
      if (!count.ok()) return count;
      if (*count == 0) break;
      for (size_t i = 0; i < *count; ++i) {
        CurrentDocument current;
        current.key = std::string(AsText(batch[i].key));
        current.value = Buffer::Copy(batch[i].value);
        current.stored = *DecodeDocument(current.value.bytes());
        current.found = true;
        if (Status status = writer.Remove(current); !status.ok()) return status;
      }
      removed += *count;
    }
    return removed;
  }

  SessionImpl& session_;
  const CollectionEntry& entry_;
  const IndexEntry& index_;
  std::shared_ptr<const query::Matcher> filter_;
};

Result<uint64_t> SweepIndex(SessionImpl& session, const CollectionEntry& entry,
                            const IndexEntry& index, int64_t seconds) {
  const int64_t moment_ms = session.environment().NowMs() - seconds * 1000;
  const std::string filter = ExpiredFilter(index, moment_ms);
  auto matcher = query::Matcher::Parse(bson::Document(AsBytes(filter)), {});
  if (!matcher.ok()) return matcher.status();
  TtlSweep sweep(session, entry, index, std::move(*matcher));
  uint64_t removed = 0;
  for (int i = 0; i < kBatchesMax; ++i) {
    session.StartCall();
    auto count = sweep.RemoveBatch();
    if (!count.ok()) return count.status();
    removed += *count;
    if (*count < kBatchDocuments) break;
  }
  return removed;
}

}  // namespace

Result<uint64_t> SweepExpiredDocuments(Environment& environment) {
  SystemPrincipal principal;
  SessionOptions options;
  options.principal = &principal;
  SessionImpl session(environment, options, Waiting::kAllowed);
  session.LiftScanLimit();
  CatalogPtr catalog;
  {
    std::shared_lock lock(environment.catalog->gate());
    catalog = environment.catalog->current();
  }
  uint64_t removed = 0;
  for (const auto& [name, entry] : catalog->entries()) {
    for (const IndexEntry& index : entry->indexes) {
      const auto seconds = index.expire_after_seconds();
      if (!seconds || index.building) continue;
      auto count = SweepIndex(session, *entry, index, *seconds);
      if (!count.ok()) return count;
      removed += *count;
    }
  }
  return removed;
}

}  // namespace nexadb::database
