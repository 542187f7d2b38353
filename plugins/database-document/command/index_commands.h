// What the commands on indexes share. Pure functions.
#pragma once
#include "nexadb/bson.h"

namespace nexadb::database {

// 67 when an index of this specification cannot remove documents by time; OK when it is not to.
Status CheckExpiry(bson::Document spec);
// {_id: 1}
bool IsIdKey(bson::Document key);
// Names, order and directions.
bool SameKey(bson::Document a, bson::Document b);

}  // namespace nexadb::database
