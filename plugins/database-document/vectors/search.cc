#include "plugins/database-document/vectors/search.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/document/error.h"
#include "plugins/database-document/collection/scan.h"
#include "plugins/database-document/project/projection.h"
#include "plugins/database-document/value/compare.h"
#include "plugins/database-document/vectors/record.h"
#include "plugins/database-document/vectors/registry.h"

namespace nexadb::database {

namespace {

constexpr size_t kScanBatch = 256;
constexpr uint64_t kWordBits = 64;

Status CheckQuery(const CollectionEntry& entry, const VectorQuery& query) {
  const uint32_t dimensions = entry.vector->dimensions;
  if (query.dimensions != dimensions) return DimensionMismatch(entry, query.dimensions);
  if (query.queries.empty() || query.queries.size() % dimensions != 0) {
    return DimensionMismatch(entry, query.queries.size());
  }
  if (query.queries.size() / dimensions > kVectorQueriesMax) {
    return LimitError(ErrorId::kVectorLimit, "vector_queries", kVectorQueriesMax,
                      static_cast<int64_t>(query.queries.size() / dimensions));
  }
  if (query.k == 0 || query.k > kVectorHitsMax) {
    return LimitError(ErrorId::kVectorLimit, "vector_hits", kVectorHitsMax, query.k);
  }
  for (const float value : query.queries) {
    if (!std::isfinite(value)) {
      return MakeError(ErrorId::kInvalidVector, "a vector's numbers must be finite");
    }
  }
  return {};
}

// The changes of the session's transaction to this collection, as the index wants them.
class Overlay {
 public:
  Overlay(const WriteSet* set, const CollectionEntry& entry) {
    if (set == nullptr) return;
    std::map<uint64_t, const std::vector<float>*> last;
    for (const PendingVector& change : set->vectors()) {
      if (change.entry->id == entry.id) last[change.row] = &change.vector;
    }
    for (const auto& [row, vector] : last) {
      removed_.push_back(row);
      if (vector->empty()) continue;
      added_.push_back(row);
      vectors_.insert(vectors_.end(), vector->begin(), vector->end());
    }
  }
  VectorOverlay view() const { return {removed_, added_, vectors_}; }

 private:
  std::vector<uint64_t> removed_;
  std::vector<uint64_t> added_;
  std::vector<float> vectors_;
};

// The document numbers of all documents that match.
class RowFilter {
 public:
  Status Fill(QueryContext& context, const CollectionEntry& entry, bson::Document filter) {
    auto parsed = query::Matcher::Parse(filter, context.parse_options());
    if (!parsed.ok()) return parsed.status();
    const std::shared_ptr<const query::Matcher> matcher = std::move(*parsed);
    CollectionScan scan(context, ChooseAccess(entry.id, *matcher, ScanDirection::kForward),
                        matcher);
    std::vector<ScannedDocument> batch(kScanBatch);
    std::vector<uint64_t> rows;
    for (;;) {
      auto count = scan.Next(batch);
      if (!count.ok()) return count.status();
      if (*count == 0) break;
      for (size_t i = 0; i < *count; ++i) {
        if (batch[i].stored.has_row) rows.push_back(batch[i].stored.row);
      }
    }
    if (rows.empty()) return {};
    const auto [least, greatest] = std::minmax_element(rows.begin(), rows.end());
    first_ = *least / kWordBits * kWordBits;
    words_.assign((*greatest - first_) / kWordBits + 1, 0);
    for (const uint64_t row : rows) {
      words_[(row - first_) / kWordBits] |= uint64_t{1} << ((row - first_) % kWordBits);
    }
    return {};
  }
  RowBitmap bitmap() const { return {first_, words_}; }

 private:
  uint64_t first_ = 0;
  std::vector<uint64_t> words_;
};

struct FoundDocument {
  double score = 0;
  Buffer stored;
  bson::Document body;
  std::vector<float> vector;
};

// Follows hits to their documents: row to owner's key, key to document.
Result<std::vector<FoundDocument>> Fetch(Reader& reader, const CollectionEntry& entry,
                                         Span<const VectorHit> hits) {
  std::vector<FoundDocument> found;
  for (const VectorHit& hit : hits) {
    auto value = reader.Get(AsBytes(RowKey(entry.id, hit.row)), {});
    if (!value.ok()) {
      if (value.status().code() == Code::kNotFound) continue;
      return value.status();
    }
    auto record = DecodeVector(value->bytes(), entry.vector->dimensions);
    if (!record.ok()) return record.status();
    std::string key = SpacePrefix(entry.id, Space::kDocument).append(record->document_key);
    auto current = ReadDocument(reader, std::move(key), {});
    if (!current.ok()) return current.status();
    if (!current->found) continue;
    FoundDocument document{hit.score, current->value, current->stored.body,
                           std::move(record->vector)};
    found.push_back(std::move(document));
  }
  // Ties by _id; the index breaks them by document number.
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    if (a.score != b.score) return a.score > b.score;
    return query::CompareValues(a.body["_id"].value(), b.body["_id"].value()) < 0;
  });
  return found;
}

Status AppendResults(const std::vector<FoundDocument>& found, const query::Projection& projection,
                     const VectorQuery& query, bson::Builder* out) {
  out->OpenArray("results");
  for (size_t i = 0; i < found.size(); ++i) {
    const FoundDocument& document = found[i];
    out->OpenObject(std::to_string(i)).Value("document_id", document.body["_id"].value());
    out->Double("similarity", document.score);
    if (projection.IsEmpty()) {
      out->Object("document", document.body);
    } else {
      auto projected = projection.Apply(document.body);
      if (!projected.ok()) return projected.status();
      out->Object("document", bson::Document(AsBytes(*projected)));
    }
    if (query.include_vector != 0) {
      out->OpenArray("vector");
      for (size_t d = 0; d < document.vector.size(); ++d) {
        out->Double(std::to_string(d), static_cast<double>(document.vector[d]));
      }
      out->Close();
    }
    out->Close();
  }
  out->Close();
  return {};
}

struct Searching {
  SessionImpl& session;
  QueryContext& context;
  const CollectionEntry& entry;
  const VectorQuery& query;
};

Result<Handle<VectorHits>> AskIndex(const Searching& s, VectorIndex& index) {
  const Overlay overlay(s.context.scope().write_set(), s.entry);
  RowFilter filter;
  RowBitmap bitmap;
  VectorSearch search;
  search.k = s.query.k;
  search.queries = s.query.queries;
  search.has_score_min = s.query.has_score_min;
  search.score_min = s.query.score_min;
  search.exact = s.query.exact;
  search.view.sequence = s.context.scope().sequence();
  search.view.overlay = overlay.view();
  const bson::Document wanted(s.query.filter);
  if (!wanted.empty()) {
    Status status = filter.Fill(s.context, s.entry, wanted);
    if (!status.ok()) return status;
    bitmap = filter.bitmap();
    search.filter = &bitmap;
  }
  return index.Search(search);
}

}  // namespace

Status DimensionMismatch(const CollectionEntry& entry, uint64_t got) {
  ErrorDetail detail;
  detail.Int64("expected", entry.vector->dimensions).Int64("got", static_cast<int64_t>(got));
  return MakeError(ErrorId::kVectorDimensionMismatch,
                   entry.name + " holds vectors of " + std::to_string(entry.vector->dimensions) +
                       " dimensions, got " + std::to_string(got),
                   detail.Finish());
}

Status NotAVectorCollection(std::string_view collection) {
  return MakeError(ErrorId::kNotAVectorCollection,
                   "'" + std::string(collection) + "' is not a vector collection",
                   ErrorDetail().Text("collection", collection).Finish());
}

Result<std::string> SearchVectors(SessionImpl& session, std::string_view database,
                                  std::string_view collection, const VectorQuery& query) {
  Status status = session.CheckAccess(Action::kRead, database, collection);
  if (!status.ok()) return status;
  VectorRegistry& registry = *session.environment().vectors;
  // Before the snapshot is taken, so that the index keeps what the snapshot sees.
  VectorRegistry::Pin pin(registry);
  auto scope = ReadScope::Open(session);
  if (!scope.ok()) return scope.status();
  pin.MoveTo((*scope)->sequence());
  const EntryPtr entry = (*scope)->Find(database, collection);
  if (entry == nullptr || !entry->vector) return NotAVectorCollection(collection);
  if (Status bad = CheckQuery(*entry, query); !bad.ok()) return bad;
  QueryContext context(session, std::string(database), *scope);
  context.set_parse_options(session.environment().NowMs(), {});
  context.set_collation(entry->collation);
  auto projection =
      query::Projection::ParseFind(bson::Document(query.projection), {}, context.parse_options());
  if (!projection.ok()) return projection.status();
  auto index = registry.Ready(*entry, *registry.Of(entry->id));
  if (!index.ok()) return index.status();
  auto hits = AskIndex({session, context, *entry, query}, **index);
  if (!hits.ok()) return hits.status();
  bson::Builder out;
  out.OpenArray("searches");
  for (uint64_t i = 0; i < (*hits)->QueryCount(); ++i) {
    if (Status stop = session.CheckInterrupt(); !stop.ok()) return stop;
    auto found = Fetch((*scope)->reader(), *entry, (*hits)->Hits(i));
    if (!found.ok()) return found.status();
    out.OpenObject(std::to_string(i));
    Status bad = AppendResults(*found, **projection, query, &out);
    if (!bad.ok()) return bad;
    out.Close();
  }
  out.Close().Bool("exact", (*hits)->Exact());
  return out.Finish();
}

}  // namespace nexadb::database
