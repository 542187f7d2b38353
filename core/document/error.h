// Errors with a number: how a Status is made from the table core/errors.toml, and how it is shown
// to HTTP clients (problem+json) and to MongoDB clients (code, codeName).
//
//   return MakeError(ErrorId::kDocumentNotFound, "users has no document 'a1'",
//                    ErrorDetail().Text("collection", "users").Text("id", "a1").Finish());
//   return MongoError(14, "$inc needs a number, not a string");
//
// Stateless; every function may be called from any thread. Throws std::bad_alloc only.
#pragma once
#include <string>
#include <string_view>

#include "core/document/errors.h"
#include "nexadb/abi.h"
#include "nexadb/bson.h"

namespace nexadb {

inline constexpr std::string_view kErrorDomain = "nexadb";
inline constexpr std::string_view kMongoDomain = "mongodb";

// Builds the detail of an error; its members should be those that the table names for it.
using ErrorDetail = bson::Builder;

// A Status in domain "nexadb". `detail` is a BSON document or empty.
Status MakeError(ErrorId id, std::string_view message, BytesView detail = {});
Status MakeError(ErrorId id, std::string_view message, std::string_view detail);

// "limit" was passed: message, and detail {limit, max, got}.
Status LimitError(ErrorId id, std::string_view limit, int64_t max, int64_t got);

// A Status in domain "mongodb" with one of MongoDB's codes, listed or not.
Status MongoError(int32_t code, std::string_view message, BytesView detail = {});

// The table's row of an id.
const ErrorInfo& ErrorOf(ErrorId id);
// The row that any failed Status is shown as: by its number in domain "nexadb" or "mongodb", and by
// its generic Code otherwise. REQUIRES: !status.ok().
const ErrorInfo& ErrorOf(const Status& status);
// The row of a name such as "duplicate_key"; null when there is none.
const ErrorInfo* FindError(std::string_view name);
bool Is(const Status& status, ErrorId id);

// What a reply with `ok: 0` carries. 0 and "" for success. A detail in domain "nexadb" may say
// {mongodb_code: int32} where MongoDB's code is not the table's; HTTP clients are not shown that.
int32_t MongoCode(const Status& status);
// "BadValue"; "Location12345" for a code without a name.
std::string MongoCodeName(int32_t code);

// The body of an application/problem+json answer. `instance` is the request's path as sent.
// Members of the Status's detail follow the standard ones; a "pointer" among them also makes an
// entry of errors[].
std::string ProblemJson(const Status& status, std::string_view instance,
                        std::string_view request_id);

// One entry of an errors[] array, as bulk answers and streams carry it:
// {"index": …, "code": …, "detail": …, and the members of the detail}; no index when negative.
void AppendErrorItem(std::string& out, const Status& status, int64_t index);

}  // namespace nexadb
