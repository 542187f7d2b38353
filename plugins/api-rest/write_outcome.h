// WriteOutcome: what the database's Insert and its write commands say about single documents.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nexadb/bson.h"

namespace nexadb::rest {

// One entry of writeErrors as a Status: by its number in the table, else by its MongoDB code.
Status WriteErrorStatus(bson::Document entry);

// Checks a client's document before it is inserted: the limits of documents, and no _id that begins
// with '_', which the paths could not name.
Status CheckInserted(bson::Document document);

// Appends the text that stands for an _id in "document_id": a string as it is, any other type as
// Extended JSON.
void AppendId(std::string& out, const bson::Value& id);

}  // namespace nexadb::rest
