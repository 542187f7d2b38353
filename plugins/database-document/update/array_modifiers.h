// Modifiers of arrays: $push, $addToSet, $pull, $pullAll, $pop.
#pragma once
#include "plugins/database-document/update/modifier.h"

namespace nexadb::query {

// Null when `op` is none of them.
std::unique_ptr<Modifier> ParseArrayModifier(std::string_view op, const bson::Element& operand,
                                             const ParseOptions& options);

}  // namespace nexadb::query
