// ?ejson=: which form of Extended JSON an answer takes. Canonical names the type of every value, so
// that what is read is written back as it was; relaxed writes numbers and dates as people read
// them. Pure function.
#pragma once
#include "core/document/json.h"
#include "nexadb/abi.h"
#include "plugins/api-rest/parameters.h"

namespace nexadb::rest {

// `absent` when the client does not say; invalid_parameter for any other form.
Result<JsonMode> ReadJsonForm(const Parameters& parameters, JsonMode absent);

}  // namespace nexadb::rest
