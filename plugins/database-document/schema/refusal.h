// Why a validator refuses a document: the rules of $jsonSchema, or the members of a filter, that do
// not hold, in the form that MongoDB's errInfo has. Found by trying each rule alone.
#pragma once
#include <string>

#include "nexadb/bson.h"
#include "plugins/database-document/value/parse_options.h"

namespace nexadb::database {

// {failingDocumentId, details: {…}}. REQUIRES: `validator` has been parsed without an error.
std::string ExplainRefusal(bson::Document validator, bson::Document document,
                           const query::ParseOptions& parse);

}  // namespace nexadb::database
