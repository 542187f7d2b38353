// Where a table goes that is newer than everything in the store: as deep as it can stand, so that
// nobody has to merge it downwards. [any]
#pragma once
#include "plugins/storage-lsm/version/version.h"

namespace nexadb::lsm {

// Whether the table has a row or a range delete in [begin, end). One that cannot be read may.
bool MayHold(const TableFile& table, std::string_view begin, std::string_view end);

// The deepest level in use with room between its tables for one of [begin, end) and with nothing of
// that range above it, for whatever stands higher counts as newer; the level below all of them
// where tables span the range everywhere but hold nothing of it. 0 where level 0 has some of it, or
// none other is left.
int PlaceNewest(const Version& version, std::string_view begin, std::string_view end);

}  // namespace nexadb::lsm
