// The two ways of the document routes to say a change without operators. Pure functions; inputs
// are well-formed, results are not checked against limits.
#pragma once
#include <string>

#include "nexadb/bson.h"

namespace nexadb::database {

// `fields` set at the top level of `document`; its other members stay, in place.
std::string SetFields(bson::Document document, bson::Document fields);

// RFC 7396: objects merge, null removes, everything else replaces. Recursion is as deep as the
// patch, which bson::Validate has bounded.
std::string MergePatch(bson::Document document, bson::Document patch);

}  // namespace nexadb::database
