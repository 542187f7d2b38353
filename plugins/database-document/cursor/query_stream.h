// QueryStream: a running query with all that keeps it alive. What a DocumentCursor and a cursor
// held for getMore are made of. One thread at a time.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugins/database-document/session/query_context.h"
#include "plugins/database-document/stage/pipeline.h"

namespace nexadb::database {

// MongoDB's limit of a reply: a full document and room for the envelope.
constexpr size_t kReplyBytesMax = 16u << 20;
constexpr int64_t kFirstBatchDocuments = 101;

class QueryStream {
 public:
  QueryStream(std::unique_ptr<QueryContext> context, query::SourcePtr source)
      : context_(std::move(context)), source_(std::move(source)) {}

  QueryContext& context() { return *context_; }
  query::DocumentSource& source() { return *source_; }

  // Appends up to `documents_max` documents to the open array of `out`, fewer when the reply would
  // grow past kReplyBytesMax. Afterwards AtEnd() is exact.
  Status FillBatch(int64_t documents_max, bson::Builder* out);
  bool AtEnd() const { return ended_ && next_ == count_; }
  // Reads the rest into memory, so that the stream needs its snapshot no longer.
  Status Materialize();

 private:
  // Makes sure that the batch holds a document, unless the source is at its end. What the batch
  // borrows stays valid, for the source moves on only when the batch is used up.
  Status Fetch(size_t wanted);

  // The source dies before the context that it borrows.
  std::unique_ptr<QueryContext> context_;
  query::SourcePtr source_;
  std::vector<query::BatchDocument> batch_;
  size_t next_ = 0;
  size_t count_ = 0;
  bool ended_ = false;
};

}  // namespace nexadb::database
