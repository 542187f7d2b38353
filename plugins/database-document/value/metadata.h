// What $meta tells of a document: its score, and how that came about. $rankFusion gives it, and it
// travels with the document through the stages behind, as members that no one asks for: $$ROOT
// leaves them out, a stage that makes a document of another hands them on (stage/metadata.h), and
// at the pipeline's end they are taken off.
#pragma once
#include <string>
#include <string_view>

#include "nexadb/bson.h"

namespace nexadb::query {

// Control characters: the member of a stored document would give way.
constexpr std::string_view kScoreMember = "\x01score";
// A binary that holds the document, so that no stage goes into it.
constexpr std::string_view kScoreDetailsMember = "\x01scoreDetails";

// The document with its metadata, instead of any that it had. Empty details are none.
std::string WithMetadata(bson::Document doc, double score, std::string_view details);
// Without any.
std::string WithoutMetadata(bson::Document doc);
// What of `of` is metadata, on `doc`.
std::string WithMetadataOf(bson::Document doc, bson::Document of);
bool HasMetadata(bson::Document doc);

}  // namespace nexadb::query
