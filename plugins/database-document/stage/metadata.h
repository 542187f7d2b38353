// Stages of a pipeline whose documents have metadata: value/metadata.h.
#pragma once
#include <memory>
#include <string>

#include "plugins/database-document/stage/stage.h"

namespace nexadb::query {

// A function of one document that hands its metadata on to what it makes of it.
std::unique_ptr<DocumentTransform> KeepMetadata(std::unique_ptr<DocumentTransform> transform);
// A stage that takes it off.
StagePtr MakeMetadataRemoval();
// A $sort's specification, with {$meta: "score"} as the path where the score is.
std::string SortByMetadata(bson::Document spec);

}  // namespace nexadb::query
