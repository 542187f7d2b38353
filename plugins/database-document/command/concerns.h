// What any command may carry and this server checks, though it changes nothing here: readConcern,
// writeConcern, maxTimeMS and hint. One store answers every read with what is committed, and every
// write as durably as its configuration says.
#pragma once
#include "nexadb/bson.h"

namespace nexadb::database {

Status CheckConcerns(bson::Document command);

}  // namespace nexadb::database
