// CollectionScan: the documents of a collection that match a filter, read in batches along an
// access path. CollectionSource is the same as a source of a pipeline. One thread at a time.
#pragma once
#include <array>
#include <functional>
#include <memory>
#include <span>

#include "plugins/database-document/collection/layout.h"
#include "plugins/database-document/match/matcher.h"
#include "plugins/database-document/plan/access_path.h"
#include "plugins/database-document/session/query_context.h"
#include "plugins/database-document/stage/pipeline.h"

namespace nexadb::database {

// Borrowed until the scan's next call.
struct ScannedDocument {
  BytesView key;
  StoredDocument stored;
  BytesView value;  // the stored bytes that `stored` lies in
};

class CollectionScan {
 public:
  // The context outlives the scan; `filter` is shared with whoever made it.
  CollectionScan(QueryContext& context, AccessPath path,
                 std::shared_ptr<const query::Matcher> filter)
      : context_(context), path_(std::move(path)), filter_(std::move(filter)) {}

  // Up to out.size() matching documents; 0 at the end. REQUIRES: out is not empty.
  Result<size_t> Next(std::span<ScannedDocument> out);

  // Looked at so far, for explain.
  uint64_t examined() const { return examined_; }

 private:
  static constexpr size_t kBatchRows = 256;
  Result<size_t> NextOfRange(std::span<ScannedDocument> out);
  Result<size_t> NextOfKeys(std::span<ScannedDocument> out);
  Result<bool> Take(BytesView key, BytesView value, ScannedDocument* out);

  QueryContext& context_;
  AccessPath path_;
  std::shared_ptr<const query::Matcher> filter_;
  Handle<Cursor> cursor_;
  std::array<Row, kBatchRows> rows_;
  std::vector<Lookup> found_;
  size_t next_key_ = 0;
  uint64_t examined_ = 0;
  bool ended_ = false;
};

class CollectionSource final : public query::DocumentSource {
 public:
  CollectionSource(QueryContext& context, AccessPath path,
                   std::shared_ptr<const query::Matcher> filter)
      : scan_(context, std::move(path), std::move(filter)) {}
  Result<size_t> Next(std::span<query::BatchDocument> out) override;

 private:
  CollectionScan scan_;
  std::array<ScannedDocument, query::kBatchDocuments> batch_;
};

// A stored document with its bytes held.
struct CurrentDocument {
  std::string key;
  Buffer value;
  StoredDocument stored;
  bool found = false;
};
Result<CurrentDocument> ReadDocument(Reader& reader, std::string key, const ReadOptions& options);

}  // namespace nexadb::database
