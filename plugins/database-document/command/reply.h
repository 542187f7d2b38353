// Shapes that several replies share.
#pragma once
#include <memory>
#include <span>

#include "plugins/database-document/collection/insert.h"
#include "plugins/database-document/command/command.h"
#include "plugins/database-document/cursor/query_stream.h"

namespace nexadb::database {

// writeErrors: [{index, code, codeName, errmsg, keyPattern?, keyValue?, number}]; nothing when
// there are none. `number` is the error's in domain "nexadb", so that frontends need not parse
// texts.
void AppendWriteErrors(std::span<const WriteError> errors, bson::Builder* reply);

// cursor: {firstBatch, id, ns}. What is left is held for getMore, unless `single_batch`.
struct FirstBatch {
  std::string_view collection;
  int64_t documents_max = kFirstBatchDocuments;
  bool single_batch = false;
};
Status AppendCursor(const CommandCall& call, std::unique_ptr<QueryStream> stream,
                    const FirstBatch& first, bson::Builder* reply);

// The same for documents that are all there.
Status AppendListCursor(const CommandCall& call, std::string_view collection,
                        std::vector<std::string> documents, int64_t documents_max,
                        bson::Builder* reply);

// cursor.batchSize of the command; `otherwise` when there is none. 2 when negative.
Result<int64_t> CursorBatchSize(const CommandCall& call, int64_t otherwise);

}  // namespace nexadb::database
