// JSON ↔ BSON by MongoDB's Extended JSON v2, in both of its forms.
//
//   Result<std::string> bson = JsonToBson(R"({"_id": 1, "at": {"$date":
//   "2024-01-01T00:00:00Z"}})"); std::string json = BsonToJson(bson::Document(AsBytes(*bson)),
//   JsonMode::kRelaxed);
//
// Reading: one pass, no recursion, no tree. UTF-8 is checked, members that stand twice in an object
// and names with a NUL are refused, NaN and Infinity are no JSON. Integers become int32, else
// int64, else double; other numbers double, read to full precision. Errors carry {pointer, offset,
// line, column, excerpt}. What a reading fails with: invalid_json, duplicate_member,
// invalid_extended_json, too_deep, too_many_fields, document_too_large, not_an_object,
// not_an_array, line_too_long.
//
// Writing: appends to a string. REQUIRES of documents written: bson::Validate found them good.
//
// Stateless but for NdjsonReader; every function may be called from any thread.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "core/document/limits.h"
#include "nexadb/abi.h"
#include "nexadb/bson.h"

namespace nexadb {

enum class JsonDialect : uint8_t {
  kExtended,  // {"$oid": "…"} and its like are values
  kPlain,     // they are ordinary objects
};

// Limits of one reading. An envelope around documents (a bulk, a command) is given wider ones; its
// documents are then checked one by one (CheckDocumentLimits).
struct JsonOptions {
  JsonDialect dialect = JsonDialect::kExtended;
  uint32_t nesting_max = static_cast<uint32_t>(kDocumentNestingMax);
  int64_t fields_max = kDocumentFieldsMax;  // of all objects together
  int64_t bson_bytes_max = kDocumentBytesMax;
};
// For a whole request body that holds documents.
inline constexpr JsonOptions kEnvelopeJson{JsonDialect::kExtended, bson::kNestingMax,
                                           int64_t{1} << 40, 512 * kMiB};

// The text is one object. White space around it is allowed, anything else after it is not.
Result<std::string> JsonToBson(std::string_view json, const JsonOptions& options = {});

// A JSON text of any kind, kept in a document of one nameless member.
class JsonValue {
 public:
  JsonValue() = default;
  explicit JsonValue(std::string document) : document_(std::move(document)) {}
  bson::Value value() const { return (*bson::Document(AsBytes(document_)).begin()).value(); }

 private:
  std::string document_;
};
Result<JsonValue> ParseJsonValue(std::string_view json, const JsonOptions& options = {});

// Called once per document, in order; borrowed until it returns. A failure ends the reading with
// that failure.
using DocumentSink = std::function<Status(uint64_t index, bson::Document document)>;

// The text is an array of objects. The limits hold for each of them; pointers begin with the index.
Status JsonArrayToBson(std::string_view json, const DocumentSink& sink,
                       const JsonOptions& options = {});

// Newline-delimited objects, arriving in parts. Empty lines are skipped; CR LF is fine. Errors
// carry the line within the whole stream.
class NdjsonReader {
 public:
  explicit NdjsonReader(DocumentSink sink, const JsonOptions& options = {},
                        int64_t line_bytes_max = kImportLineBytesMax);
  // After a failure every later call fails the same way.
  Status Feed(std::string_view part);
  // The last line may lack its newline.
  Status Finish();
  uint64_t documents() const { return documents_; }

 private:
  Status Line(std::string_view line);
  Status Fail(Status status);

  const DocumentSink sink_;
  const JsonOptions options_;
  const int64_t line_bytes_max_;
  std::string partial_;  // a line whose end has not arrived
  uint64_t line_ = 0;
  uint64_t documents_ = 0;
  Status failed_;
};
Status NdjsonToBson(std::string_view json, const DocumentSink& sink,
                    const JsonOptions& options = {});

enum class JsonMode : uint8_t {
  kRelaxed,    // MongoDB's relaxed form: numbers and dates of years 1970 to 9999 readable
  kCanonical,  // every type kept
  // Relaxed, but integers outside ±(2^53 − 1) are {"$numberLong": …}, and dates in _created_at and
  // _updated_at of the outermost document are plain RFC 3339 strings with milliseconds.
  kRest,
};

std::string BsonToJson(bson::Document document, JsonMode mode);
void AppendJson(std::string& out, bson::Document document, JsonMode mode);
void AppendJsonArray(std::string& out, bson::Document array, JsonMode mode);
void AppendJson(std::string& out, const bson::Value& value, JsonMode mode);
// A quoted, escaped JSON string. Bytes that are not UTF-8 become U+FFFD.
void AppendJsonString(std::string& out, std::string_view text);
// The shortest text that reads as the same double; always with a '.' or an exponent. REQUIRES:
// finite.
void AppendJsonDouble(std::string& out, double value);
// "2024-01-01T00:00:00.000Z". False, and nothing appended, outside of years 0 to 9999.
bool AppendRfc3339(std::string& out, int64_t unix_ms);
// The reverse: a date, 'T' or a space, a time with seconds optional, up to nine fraction digits
// (cut to milliseconds), 'Z' or an offset ("+02:00", "+0200", "+02"). False when it is not one.
bool ParseRfc3339(std::string_view text, int64_t& unix_ms);

}  // namespace nexadb
