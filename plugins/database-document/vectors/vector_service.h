// VectorService: vector collections as the boundary has them. Making and dropping them changes the
// catalog; searching is vectors/search.h. [any][worker]
#pragma once
#include "nexadb/database.h"

namespace nexadb::database {

class VectorService final : public VectorCollections {
 public:
  Result<bool> Create(Session& session, StringView name, StringView collection,
                      BytesView options) noexcept override;
  Result<Buffer> Describe(Session& session, StringView name,
                          StringView collection) noexcept override;
  Status Drop(Session& session, StringView name, StringView collection) noexcept override;
  Result<Buffer> Insert(Session& session, StringView name, StringView collection,
                        Span<const BytesView> documents, Span<const float> vectors,
                        uint32_t dimensions) noexcept override;
  Result<Buffer> Search(Session& session, StringView name, StringView collection,
                        const VectorQuery& query) noexcept override;
  Result<Buffer> Vectors(Session& session, StringView name, StringView collection,
                         Span<const BytesView> ids) noexcept override;
};

}  // namespace nexadb::database
