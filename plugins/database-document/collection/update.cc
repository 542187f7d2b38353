#include "plugins/database-document/collection/update.h"

#include "core/document/error.h"
#include "plugins/database-document/plan/document_scan.h"
#include "plugins/database-document/plan/index_bounds.h"
#include "plugins/database-document/plan/planner.h"
#include "plugins/database-document/update/updater.h"

namespace nexadb::database {

namespace {

constexpr int32_t kFailedToParse = 9;
constexpr size_t kScanBatch = 256;

using MatcherPtr = std::shared_ptr<const query::Matcher>;

Result<MatcherPtr> ParseFilter(bson::Document filter, const query::ParseOptions& options) {
  auto parsed = query::Matcher::Parse(filter, options);
  if (!parsed.ok()) return parsed.status();
  return MatcherPtr(std::move(*parsed));
}

// Ties are broken by _id, so that it is always the same document.
Result<query::SortPattern> ParseSort(bson::Document sort, const query::ParseOptions& options) {
  if (sort.empty()) return query::SortPattern();
  auto pattern = query::SortPattern::Parse(sort, options.collation.get());
  if (!pattern.ok()) return pattern;
  return TotalOrder(*pattern);
}

// The statement's collation, or the collection's.
query::CollationPtr CollationFor(const std::optional<query::CollationPtr>& given,
                                 const WriteSet& set, const Target& target) {
  if (given) return *given;
  const EntryPtr entry = set.Find(target.database, target.collection);
  return entry == nullptr ? nullptr : entry->collation;
}

CurrentDocument Hold(const ScannedDocument& found) {
  CurrentDocument current;
  current.key = std::string(AsText(found.key));
  current.value = Buffer::Copy(found.value);
  current.stored = *DecodeDocument(current.value.bytes());
  current.found = true;
  return current;
}

// Which documents of which collection.
struct Wanted {
  EntryPtr entry;
  MatcherPtr filter;
  bson::Value hint;
};

// One document of a sort is wanted, all of what comes unsorted.
Result<QueryPlan> PlanFor(QueryContext& context, const Wanted& what,
                          const query::SortPattern& sort) {
  PlanRequest request{what.entry, *what.filter};
  request.hint = what.hint;
  if (!sort.empty()) {
    request.sort.pattern = &sort;
    request.sort.first = 1;
  }
  return MakePlan(context, request);
}

// Calls use(document) for every match until it says to stop. Changes made meanwhile are not seen:
// the scan's cursor reads the store as it was when opened.
template <class Use>
Status ForEachMatch(QueryContext& context, const Wanted& what, QueryPlan plan, Use&& use) {
  // Each statement of a bulk is a query of its own.
  context.session().ForgetScanned();
  DocumentScan scan(context, std::move(plan), what.filter);
  std::vector<ScannedDocument> batch(kScanBatch);
  for (;;) {
    auto count = scan.Next(batch);
    if (!count.ok()) return count.status();
    if (*count == 0) return {};
    for (size_t i = 0; i < *count; ++i) {
      Result<bool> go_on = use(batch[i]);
      if (!go_on.ok()) return go_on.status();
      if (!*go_on) return {};
    }
  }
}

// The first match, or with a sort the least one.
Result<CurrentDocument> FindOne(QueryContext& context, const Wanted& what,
                                const query::SortPattern& sort) {
  auto plan = PlanFor(context, what, sort);
  if (!plan.ok()) return plan.status();
  const bool first_is_best = sort.empty() || plan->sorted;
  CurrentDocument best;
  std::string best_key;
  const auto use = [&](const ScannedDocument& found) -> Result<bool> {
    if (first_is_best) {
      best = Hold(found);
      return false;
    }
    std::string key;
    if (Status bad = sort.AppendKey(found.stored.body, &key); !bad.ok()) return bad;
    if (!best.found || key < best_key) {
      best = Hold(found);
      best_key = std::move(key);
    }
    return true;
  };
  Status status = ForEachMatch(context, what, std::move(*plan), use);
  if (!status.ok()) return status;
  return best;
}

// The vector beside a document is no member of it, so the updater does not see it go. A pipeline's
// stages say nothing of it.
bool RemovesVectorOf(const UpdateStatement& statement, const query::Updater& updater) {
  if (statement.update.type() != bson::Type::kObject) return false;
  const bool replaces = updater.kind() == query::Updater::Kind::kReplacement;
  return RemovesVector(replaces ? UpdateMode::kReplace : UpdateMode::kOperators,
                       statement.update.Doc());
}

// One update statement within one transaction.
class UpdateRun {
 public:
  UpdateRun(SessionImpl& session, WriteSet& set, const Target& target,
            const UpdateStatement& statement, const query::Updater& updater, MatcherPtr filter)
      : session_(session),
        set_(set),
        target_(target),
        statement_(statement),
        updater_(updater),
        removes_vector_(RemovesVectorOf(statement, updater)),
        filter_(std::move(filter)),
        context_(session, std::string(target.database), ReadScope::Within(set)) {}

  Result<UpdateOutcome> Run(const query::SortPattern& sort) {
    auto entry = FindForWrite(session_, set_, target_.database, target_.collection);
    if (!entry.ok()) return entry.status();
    if (*entry != nullptr) {
      auto writer = CollectionWriter::Open(session_, set_, *entry, statement_.validation);
      if (!writer.ok()) return writer.status();
      Status status = statement_.multi ? ChangeAll(**writer) : ChangeOne(**writer, sort);
      if (status.ok()) status = (*writer)->Flush();
      if (!status.ok()) return status;
    }
    if (outcome_.matched == 0 && statement_.upsert) {
      if (Status status = Upsert(); !status.ok()) return status;
    }
    return std::move(outcome_);
  }

 private:
  Wanted WhatIn(CollectionWriter& writer) const {
    return {writer.entry_ptr(), filter_, statement_.hint};
  }

  Status ChangeAll(CollectionWriter& writer) {
    const Wanted what = WhatIn(writer);
    auto plan = PlanFor(context_, what, {});
    if (!plan.ok()) return plan.status();
    return ForEachMatch(context_, what, std::move(*plan),
                        [&](const ScannedDocument& found) -> Result<bool> {
                          Status status = Change(writer, Hold(found));
                          if (!status.ok()) return status;
                          return true;
                        });
  }

  Status ChangeOne(CollectionWriter& writer, const query::SortPattern& sort) {
    auto found = FindOne(context_, WhatIn(writer), sort);
    if (!found.ok()) return found.status();
    return found->found ? Change(writer, *found) : Status();
  }

  Status Change(CollectionWriter& writer, const CurrentDocument& before) {
    query::ApplyOptions apply;
    if (updater_.NeedsPosition()) {
      query::MatchDetails details;
      auto matches = filter_->Matches(before.stored.body, &details);
      if (!matches.ok()) return matches.status();
      apply.position = details.position;
    }
    auto changed = updater_.Apply(before.stored.body, apply);
    if (!changed.ok()) return changed.status();
    ++outcome_.matched;
    if (!statement_.multi) {
      outcome_.before = std::string(AsText(before.stored.body.bytes()));
      outcome_.after = changed->document;
    }
    const bool removes_vector = removes_vector_ && before.stored.has_row;
    if (!changed->modified && !removes_vector) return {};
    ++outcome_.modified;
    auto prepared = PrepareUpdate(session_.environment(), before.stored.body,
                                  bson::Document(AsBytes(changed->document)), writer.stamps());
    if (!prepared.ok()) return prepared.status();
    if (removes_vector && prepared->vector.kind == VectorEdit::Kind::kKeep)
      prepared->vector.kind = VectorEdit::Kind::kRemove;
    if (!statement_.multi) outcome_.after = prepared->bytes;
    return writer.Replace(before, *prepared);
  }

  Status Upsert() {
    auto base = query::UpsertBase(statement_.filter);
    if (!base.ok()) return base.status();
    query::ApplyOptions apply;
    apply.inserting = true;
    auto made = updater_.Apply(bson::Document(AsBytes(*base)), apply);
    if (!made.ok()) return made.status();
    auto entry = FindOrCreate(session_, set_, target_.database, target_.collection);
    if (!entry.ok()) return entry.status();
    auto writer = CollectionWriter::Open(session_, set_, *entry, statement_.validation);
    if (!writer.ok()) return writer.status();
    const IdKind id_kind = session_.timestamps() ? IdKind::kText : IdKind::kObjectId;
    auto prepared = PrepareInsert(session_.environment(), bson::Document(AsBytes(made->document)),
                                  id_kind, (*writer)->stamps());
    if (!prepared.ok()) return prepared.status();
    if (Status status = (*writer)->Insert(*prepared); !status.ok()) return status;
    bson::Builder id;
    id.Element(bson::Document(AsBytes(prepared->bytes))["_id"]);
    outcome_.upserted = id.Finish();
    outcome_.after = std::move(prepared->bytes);
    return (*writer)->Flush();
  }

  SessionImpl& session_;
  WriteSet& set_;
  const Target& target_;
  const UpdateStatement& statement_;
  const query::Updater& updater_;
  const bool removes_vector_;
  MatcherPtr filter_;
  QueryContext context_;
  UpdateOutcome outcome_;
};

}  // namespace

namespace {

// How strings compare is known within the transaction only, so all is parsed there.
Result<UpdateOutcome> UpdateWithin(SessionImpl& session, WriteSet& set, const Target& target,
                                   const UpdateStatement& statement, query::ParseOptions options) {
  options.collation = CollationFor(statement.collation, set, target);
  auto updater = query::Updater::Parse(statement.update, statement.array_filters, options);
  if (!updater.ok()) return updater.status();
  if (statement.multi && (*updater)->kind() == query::Updater::Kind::kReplacement) {
    return MongoError(kFailedToParse, "multi update is not supported for replacement-style update");
  }
  auto filter = ParseFilter(statement.filter, options);
  if (!filter.ok()) return filter.status();
  auto sort = ParseSort(statement.sort, options);
  if (!sort.ok()) return sort.status();
  return UpdateRun(session, set, target, statement, **updater, *filter).Run(*sort);
}

Result<DeleteOutcome> DeleteWithin(SessionImpl& session, WriteSet& set, const Target& target,
                                   const DeleteStatement& statement, query::ParseOptions options) {
  options.collation = CollationFor(statement.collation, set, target);
  auto filter = ParseFilter(statement.filter, options);
  if (!filter.ok()) return filter.status();
  auto sort = ParseSort(statement.sort, options);
  if (!sort.ok()) return sort.status();
  DeleteOutcome outcome;
  auto entry = FindForWrite(session, set, target.database, target.collection);
  if (!entry.ok()) return entry.status();
  if (*entry == nullptr) return outcome;
  const Wanted what{*entry, *filter, statement.hint};
  auto writer = CollectionWriter::Open(session, set, *entry, Validation::kBypass);
  if (!writer.ok()) return writer.status();
  QueryContext context(session, std::string(target.database), ReadScope::Within(set));
  if (statement.multi) {
    auto plan = PlanFor(context, what, {});
    if (!plan.ok()) return plan.status();
    Status bad = ForEachMatch(context, what, std::move(*plan),
                              [&](const ScannedDocument& found) -> Result<bool> {
                                ++outcome.deleted;
                                Status failed = (*writer)->Remove(Hold(found));
                                if (!failed.ok()) return failed;
                                return true;
                              });
    if (!bad.ok()) return bad;
  } else {
    auto found = FindOne(context, what, *sort);
    if (!found.ok()) return found.status();
    if (!found->found) return outcome;
    outcome.deleted = 1;
    outcome.before = std::string(AsText(found->stored.body.bytes()));
    if (Status bad = (*writer)->Remove(*found); !bad.ok()) return bad;
  }
  if (Status status = (*writer)->Flush(); !status.ok()) return status;
  return outcome;
}

}  // namespace

Result<UpdateOutcome> RunUpdate(SessionImpl& session, const Target& target,
                                const UpdateStatement& statement,
                                const query::ParseOptions& options) {
  UpdateOutcome outcome;
  Status status = RunWrite(session, [&](WriteSet& set) -> Status {
    auto run = UpdateWithin(session, set, target, statement, options);
    if (!run.ok()) return run.status();
    outcome = std::move(*run);
    return {};
  });
  if (!status.ok()) return status;
  return outcome;
}

Result<DeleteOutcome> RunDelete(SessionImpl& session, const Target& target,
                                const DeleteStatement& statement,
                                const query::ParseOptions& options) {
  DeleteOutcome outcome;
  Status status = RunWrite(session, [&](WriteSet& set) -> Status {
    auto run = DeleteWithin(session, set, target, statement, options);
    if (!run.ok()) return run.status();
    outcome = std::move(*run);
    return {};
  });
  if (!status.ok()) return status;
  return outcome;
}

}  // namespace nexadb::database
