// SchemaService: the facet SchemaInference. [any][worker]
#pragma once
#include "nexadb/database.h"

namespace nexadb::database {

class SchemaService final : public SchemaInference {
 public:
  Result<Buffer> Infer(Session& session, StringView name, StringView collection,
                       uint64_t sample) noexcept override;
};

}  // namespace nexadb::database
