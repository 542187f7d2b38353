// Changing one concrete path of a document: the document is copied once, with the new value in
// place. Array indexes beyond the end pad with null; a missing parent becomes an object.
// Throws QueryError (28 when a scalar stands in the way).
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "plugins/database-document/value/owned.h"

namespace nexadb::query {

// MongoDB's limit on what one index may pad.
constexpr int64_t kArrayPaddingMax = 1'500'000;

// What to do when a path does not exist. kReplace puts an object where anything else stands in the
// way, as a stage's output field does.
enum class IfAbsent { kCreate, kLeaveAlone, kReplace };

// Gets the old value (missing when absent) and returns the new one; missing removes the field, or
// in an array leaves null.
using LeafEdit = std::function<OwnedValue(const bson::Value& old)>;

// The document with `path` edited. With kLeaveAlone the edit is not called for an absent path,
// and what stands in the way is no mistake.
std::string EditPath(bson::Document doc, const std::vector<std::string>& path, IfAbsent if_absent,
                     const LeafEdit& edit);

// The value at a concrete path, or missing.
bson::Value ValueAt(bson::Document doc, const std::vector<std::string>& path);

}  // namespace nexadb::query
