// Reading, changing and deleting the one document that an _id names: the typed calls' hot path.
#pragma once
#include "plugins/database-document/collection/writer.h"

namespace nexadb::database {

enum class ReadMode { kMayBlock, kNonblocking };

// `id` is a document with the one member _id. document_not_found when absent.
Result<VersionedDocument> GetById(SessionImpl& session, std::string_view database,
                                  std::string_view collection, bson::Document id, ReadMode mode);
Result<VersionedDocument> UpdateById(SessionImpl& session, std::string_view database,
                                     std::string_view collection, bson::Document id,
                                     bson::Document update, const UpdateByIdOptions& options);
Status DeleteById(SessionImpl& session, std::string_view database, std::string_view collection,
                  bson::Document id, const DeleteByIdOptions& options);

}  // namespace nexadb::database
