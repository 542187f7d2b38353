// Fields: a command's members checked against a table of what the command knows, before anything
// else happens: unknown members are 40415, missing ones 40414, wrong types 14, as MongoDB has it.
// Members that any command may carry (readConcern, lsid, comment …) are checked for their type and
// otherwise ignored. Borrows from the command's bytes.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "nexadb/bson.h"

namespace nexadb::database {

enum class FieldKind : uint8_t {
  kAny,
  kObject,
  kArray,
  kText,
  kNumber,  // any numeric type
  kCount,   // a number that is not negative and has no fraction worth keeping
  kBool,    // strictly a boolean
  kFlag,    // a boolean or a number
  kTimestamp,
  kObjectOrText,
  kObjectOrArray,
};

enum class Need : uint8_t { kOptional, kRequired };

struct FieldSpec {
  std::string_view name;
  FieldKind kind = FieldKind::kAny;
  Need need = Need::kOptional;
};

class Fields {
 public:
  // `owner` names the document in messages: a command's name, or "update.updates".
  static Status Check(bson::Document document, std::string_view owner,
                      std::span<const FieldSpec> known);
  // As Check, and lets a command's generic members through. The command's own name is its first
  // member and not in `known`.
  static Status CheckCommand(bson::Document command, std::span<const FieldSpec> known);
};

// A member's value; none when it is absent, null or undefined.
bson::Value Member(bson::Document document, std::string_view name);
bson::Document ObjectMember(bson::Document document, std::string_view name);  // also an array's
std::string_view TextMember(bson::Document document, std::string_view name);
bool FlagMember(bson::Document document, std::string_view name, bool otherwise);
// Saturates; truncates towards zero.
int64_t IntegerMember(bson::Document document, std::string_view name, int64_t otherwise);
int64_t ToInteger(const bson::Value& number);

Status UnknownField(std::string_view owner, std::string_view name);
Status MissingField(std::string_view owner, std::string_view name);
Status WrongType(std::string_view owner, std::string_view name, bson::Type got,
                 std::string_view expected);
std::string_view TypeName(bson::Type type);

}  // namespace nexadb::database
