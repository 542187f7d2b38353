// ChangeFeedService: the facet ChangeFeed over the change log. A reader's position is a place in
// the log, so nothing is held for it between two reads; a place that was cut off is an error. A
// reader who asks by a former name of the collection gets one event {operation: "rename", database,
// to} and its own position back, which is good under the new name. [any][worker]
#pragma once
#include "nexadb/database.h"

namespace nexadb::database {

class ChangeFeedService final : public ChangeFeed {
 public:
  Result<Buffer> Read(Session& session, StringView name, StringView collection, StringView since,
                      const ChangeReadOptions& options) noexcept override;
  Result<Handle<ChangeWatch>> Watch(Session& session, StringView name, StringView collection,
                                    const Callback& changed) noexcept override;
};

}  // namespace nexadb::database
