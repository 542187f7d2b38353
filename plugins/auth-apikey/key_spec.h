// What callers of KeyAdmin may ask for, checked: the members of Create's and Update's documents.
// Every refusal is the error bad_request with a pointer to the member.
#pragma once
#include "nexadb/abi.h"
#include "nexadb/bson.h"
#include "plugins/auth-apikey/key_record.h"

namespace nexadb::auth {

constexpr size_t kKeyNameBytesMax = 120;

enum class SpecUse { kCreate, kUpdate };

// Sets the members of `record` that `spec` names: name, actions, patterns, expires_at (a date, an
// RFC 3339 text, or null for never), requests_per_second (a number, or null for no limit, which
// clears the burst too), burst (a number, or null for as many as in a second). For kCreate the
// first three must be there; for kUpdate at least one member must be.
Status ApplySpec(bson::Document spec, SpecUse use, int64_t now_ms, KeyRecord& record);

}  // namespace nexadb::auth
