// Position: where a find goes on from, as its callers keep it between pages: the query's
// fingerprint, the order that the find chose for itself where none was asked for, and the place of
// the last document in that order. An order in a position is followed whatever indexes there are by
// then, so that pages neither lose nor repeat a document. Pure functions over bytes that come from
// outside.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "nexadb/bson.h"

namespace nexadb::database {

struct Position {
  bson::Document order;    // a sort pattern; empty: the order that the query asks for
  std::string_view place;  // in it: encoded values, _id last
};

std::string EncodePosition(uint64_t fingerprint, const Position& position);
// Borrows from `bytes`. invalid_cursor when they are damaged, cursor_mismatch when the fingerprint
// is another one.
Result<Position> DecodePosition(std::string_view bytes, uint64_t fingerprint);

}  // namespace nexadb::database
