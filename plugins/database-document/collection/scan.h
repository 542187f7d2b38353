// CollectionScan: the documents of a collection that match a filter, read in batches along an
// access path. CollectionSource is the same as a source of a pipeline. One thread at a time.
#pragma once
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "plugins/database-document/collection/layout.h"
#include "plugins/database-document/execute/row_filter.h"
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
  // The same for who wants the bodies alone.
  Result<size_t> NextBodies(std::span<query::BatchDocument> out);
  // Passes over up to `most` matching documents without handing them out, and says how many; 0 at
  // the end.
  Result<size_t> Pass(size_t most);

  // Looked at so far, for explain.
  uint64_t examined() const { return examined_; }

 private:
  static constexpr size_t kBatchRows = 256;
  // What a first read asks for that is to find one document: most often it is among the first.
  static constexpr size_t kFirstRows = 16;

  // Calls use(place, row, body) for each of up to `most` matches that one batch of rows has.
  template <class Use>
  Result<size_t> Take(size_t most, Use&& use);
  // Makes sure that a row is there, unless the scan is at its end.
  Status Fetch(size_t wanted);
  Status FetchRange(size_t wanted);
  Status FetchKeys(size_t wanted);

  QueryContext& context_;
  AccessPath path_;
  std::shared_ptr<const query::Matcher> filter_;
  std::optional<query::RowFilter> rows_filter_;  // made at the first row
  Handle<Cursor> cursor_;
  // Rows of the last batch; [next_row_, row_count_) are still to be looked at.
  std::array<Row, kBatchRows> rows_;
  size_t next_row_ = 0;
  size_t row_count_ = 0;
  size_t batch_rows_ = kFirstRows;  // grows with every batch
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
  Result<size_t> Next(std::span<query::BatchDocument> out) override {
    return scan_.NextBodies(out);
  }
  Result<size_t> Pass(size_t most) override { return scan_.Pass(most); }

 private:
  CollectionScan scan_;
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
