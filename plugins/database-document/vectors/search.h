// A batch search over one vector collection: filter to bitmap, index to hits, hits to documents.
// It sees the session's snapshot and, within a transaction, its own changes.
#pragma once
#include <string>

#include "nexadb/database.h"
#include "plugins/database-document/session/session.h"

namespace nexadb::database {

// {searches: [{results: [{document_id, similarity, document, vector?}]}], exact}
Result<std::string> SearchVectors(SessionImpl& session, std::string_view database,
                                  std::string_view collection, const VectorQuery& query);

Status DimensionMismatch(const CollectionEntry& entry, uint64_t got);
Status NotAVectorCollection(std::string_view collection);

}  // namespace nexadb::database
