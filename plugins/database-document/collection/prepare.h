// Prepare: a document as a client sends it, made ready to be stored: limits and _id checked, _id
// generated where it lacks one and moved to the front, the server's dates set, the vector taken
// out. Pure but for the generators of ids and the clock.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "nexadb/bson.h"
#include "nexadb/database.h"
#include "plugins/database-document/session/environment.h"

namespace nexadb::database {

constexpr std::string_view kVectorMember = "__vector__";
constexpr std::string_view kCreatedAt = "_created_at";
constexpr std::string_view kUpdatedAt = "_updated_at";

// What a write does to the vector beside the document.
struct VectorEdit {
  enum class Kind { kKeep, kSet, kRemove };
  Kind kind = Kind::kKeep;
  std::vector<float> vector;  // kSet
};

enum class IdKind { kObjectId, kText };  // of a generated _id
// _created_at and _updated_at: left alone, the server's, or the document's where it brings them.
enum class Stamps { kNone, kSet, kKeep };

struct PreparedDocument {
  std::string bytes;
  VectorEdit vector;
};

// 53 (invalid_id) for an array, a regular expression, undefined, or one whose key is too long.
Status CheckId(const bson::Value& id);

Result<PreparedDocument> PrepareInsert(Environment& environment, bson::Document document,
                                       IdKind id_kind, Stamps stamps);

// The same for a document that an update made of a stored one: sets _updated_at and keeps
// _created_at as `before` has it. `after` holds the same _id.
Result<PreparedDocument> PrepareUpdate(Environment& environment, bson::Document before,
                                       bson::Document after, Stamps stamps);

// Whether an update removes the vector beside a document: a replacement without one, a merge patch
// with null, or {$unset: {__vector__: ...}}. The document itself never shows it.
bool RemovesVector(UpdateMode mode, bson::Document update);

// An array of finite numbers; error invalid_vector otherwise.
Result<std::vector<float>> ParseVector(const bson::Value& value);

}  // namespace nexadb::database
