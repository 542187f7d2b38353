// collMod's {index: {name or keyPattern, unique: true}}: makes an index unique while writers go on.
// Its entries are looked through for documents that share values; where none do, a unique index is
// built beside it (index/build.h). From that one's first moment on no writer adds a second document
// with the same values, and at its end it takes the other's place in one commit. So writers see the
// one index or the other, and a crash leaves the old one.
#pragma once
#include "plugins/database-document/command/command.h"

namespace nexadb::database {

// Whether `change`, the member `index` of collMod, is about `unique`.
bool AsksForUnique(bson::Document change);

// Appends {unique_new: true}; nothing when the index is unique already. With `dryRun` only looks.
// 359 when documents share values, with `violations: [{ids}]` in the detail for who may read them:
// the first kViolationIdsMax ids. 27 no such index, 340 one that is being built, 276 one that was
// dropped meanwhile.
constexpr size_t kViolationIdsMax = 1000;
Status MakeUnique(const CommandCall& call, std::string_view collection, bson::Document change,
                  bson::Builder* reply);

}  // namespace nexadb::database
