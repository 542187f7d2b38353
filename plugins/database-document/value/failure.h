// How the query language reports mistakes inside: parsers and evaluators are deep recursions, so
// they throw QueryError, and every public entry point turns it into a Status with Catch. No
// QueryError leaves this plugin.
#pragma once
#include <string>
#include <string_view>
#include <utility>

#include "nexadb/bson.h"

namespace nexadb::query {

struct QueryError {
  Status status;
};

// MongoDB's error `code` with a message.
[[noreturn]] void Fail(int code, std::string_view message);
// An operator or stage nobody knows: says which one was probably meant. `code` is MongoDB's for it,
// also where the error's own name has another one in the table (an update operator's is 9).
[[noreturn]] void FailUnknown(int code, std::string_view message, std::string_view name,
                              const std::string_view* known, size_t known_count,
                              std::string_view pointer);
inline void Require(const Status& status) {
  if (!status.ok()) throw QueryError{status};
}
template <class T>
T Unwrap(Result<T> result) {
  if (!result.ok()) throw QueryError{std::move(result).status()};
  return *std::move(result);
}

// Runs `body`; a QueryError becomes its Status.
template <class T, class Body>
Result<T> Catch(Body&& body) {
  try {
    return body();
  } catch (QueryError& e) {
    return std::move(e.status);
  }
}

namespace code {
// MongoDB's error codes that more than one place uses.
constexpr int kBadValue = 2;
constexpr int kFailedToParse = 9;
constexpr int kTypeMismatch = 14;
constexpr int kOverflow = 15;
constexpr int kPathNotViable = 28;
constexpr int kConflictingUpdates = 40;
constexpr int kImmutableField = 66;
constexpr int kConversionFailure = 241;
constexpr int kExpressionArity = 16020;
constexpr int kMissingField = 40414;
constexpr int kUnknownField = 40415;
}  // namespace code

// The name MongoDB gives a type in messages and $type: "int", "missing" for kEnd.
std::string_view TypeName(bson::Type type);
// The type of a $type operand: a number or a name; kEnd when there is none such.
bson::Type TypeNamed(std::string_view name);

}  // namespace nexadb::query
