// The limits of documents, requests and queries: one row each, with name, default, unit and the
// error that passing it gives. Defaults; a plugin's configuration may lower them and, where
// rest-api says so, raise them. Constants of the storage and vector contracts are taken over, not
// repeated.
#pragma once
#include <cstdint>
#include <string_view>

#include "core/document/errors.h"
#include "nexadb/bson.h"
#include "nexadb/vector_index.h"

namespace nexadb {

inline constexpr int64_t kKiB = 1024;
inline constexpr int64_t kMiB = 1024 * kKiB;

// Documents.
inline constexpr int64_t kDocumentBytesMax = 16 * kMiB;
inline constexpr int64_t kDocumentNestingMax = 200;
// What a request or command may wrap around a document.
inline constexpr int64_t kEnvelopeNestingMax = 20;
inline constexpr int64_t kDocumentFieldsMax = 100'000;
static_assert(kDocumentNestingMax + kEnvelopeNestingMax == bson::kNestingMax);

// Names.
inline constexpr int64_t kCollectionNameMax = 120;  // characters
inline constexpr int64_t kPathIdBytesMax = 512;
inline constexpr int64_t kKvKeyBytesMax = 4 * kKiB;
inline constexpr int64_t kKvValueBytesMax = 16 * kMiB;

// HTTP.
inline constexpr int64_t kConnectionsMax = 20'000;
inline constexpr int64_t kConnectionsPerAddressMax = 15'000;
inline constexpr int64_t kRequestLineBytesMax = 8 * kKiB;
inline constexpr int64_t kHeaderBytesMax = 16 * kKiB;
inline constexpr int64_t kHeadersMax = 100;
inline constexpr int64_t kBodyBytesMax = 64 * kMiB;
inline constexpr int64_t kImportLineBytesMax = 16 * kMiB;
inline constexpr int64_t kHeaderTimeMs = 10'000;
inline constexpr int64_t kIdleTimeMs = 75'000;
inline constexpr int64_t kStalledWriteMs = 30'000;
inline constexpr int64_t kEventStreamsMax = 1'024;

// Queries.
inline constexpr int64_t kFilterNodesMax = 1'000;
inline constexpr int64_t kInValuesMax = 100'000;
inline constexpr int64_t kPipelineStagesMax = 1'000;
inline constexpr int64_t kRegexBytesMax = 32 * kKiB;
inline constexpr int64_t kQueryTimeMs = 30'000;
inline constexpr int64_t kQueryTimeMsMax = 300'000;
inline constexpr int64_t kQueryMemoryBytes = 64 * kMiB;
inline constexpr int64_t kPageMax = 10'000;
inline constexpr int64_t kPageDefault = 100;
inline constexpr int64_t kCursorIdleMs = 600'000;

// Writes.
inline constexpr int64_t kBulkOperationsMax = 100'000;
inline constexpr int64_t kTransactionOperationsMax = 10'000;
inline constexpr int64_t kTransactionBytesMax = 64 * kMiB;
inline constexpr int64_t kTransactionIdleMs = 60'000;

// Others.
inline constexpr int64_t kTasksKeptMax = 1'000;
inline constexpr int64_t kFailedLoginsPerMinuteMax = 10;

struct LimitInfo {
  std::string_view name;
  int64_t value;
  std::string_view unit;
  ErrorId error;  // what passing it gives
};

// As /status shows them.
inline constexpr LimitInfo kLimits[] = {
    {"document_bytes", kDocumentBytesMax, "bytes", ErrorId::kDocumentTooLarge},
    {"document_nesting", kDocumentNestingMax, "levels", ErrorId::kTooDeep},
    {"document_fields", kDocumentFieldsMax, "fields", ErrorId::kTooManyFields},
    {"collection_name", kCollectionNameMax, "characters", ErrorId::kInvalidName},
    {"path_id_bytes", kPathIdBytesMax, "bytes", ErrorId::kIdTooLong},
    {"kv_key_bytes", kKvKeyBytesMax, "bytes", ErrorId::kKvKeyTooLong},
    {"kv_value_bytes", kKvValueBytesMax, "bytes", ErrorId::kKvValueTooLarge},
    {"connections", kConnectionsMax, "connections", ErrorId::kTooManyConnections},
    {"connections_per_address", kConnectionsPerAddressMax, "connections",
     ErrorId::kTooManyConnections},
    {"request_line_bytes", kRequestLineBytesMax, "bytes", ErrorId::kUriTooLong},
    {"header_bytes", kHeaderBytesMax, "bytes", ErrorId::kHeadersTooLarge},
    {"headers", kHeadersMax, "headers", ErrorId::kHeadersTooLarge},
    {"body_bytes", kBodyBytesMax, "bytes", ErrorId::kBodyTooLarge},
    {"import_line_bytes", kImportLineBytesMax, "bytes", ErrorId::kLineTooLong},
    {"header_time_ms", kHeaderTimeMs, "milliseconds", ErrorId::kClientTimeout},
    {"idle_time_ms", kIdleTimeMs, "milliseconds", ErrorId::kClientTimeout},
    {"stalled_write_ms", kStalledWriteMs, "milliseconds", ErrorId::kClientTimeout},
    {"event_streams", kEventStreamsMax, "streams", ErrorId::kTooManyStreams},
    {"filter_nodes", kFilterNodesMax, "nodes", ErrorId::kFilterTooComplex},
    {"in_values", kInValuesMax, "values", ErrorId::kTooManyValues},
    {"pipeline_stages", kPipelineStagesMax, "stages", ErrorId::kPipelineTooLong},
    {"regex_bytes", kRegexBytesMax, "bytes", ErrorId::kRegexTooLong},
    {"query_time_ms", kQueryTimeMs, "milliseconds", ErrorId::kTimeLimit},
    {"query_time_ms_max", kQueryTimeMsMax, "milliseconds", ErrorId::kInvalidParameter},
    {"query_memory_bytes", kQueryMemoryBytes, "bytes", ErrorId::kMemoryLimit},
    {"page", kPageMax, "documents", ErrorId::kInvalidParameter},
    {"cursor_idle_ms", kCursorIdleMs, "milliseconds", ErrorId::kCursorExpired},
    {"bulk_operations", kBulkOperationsMax, "operations", ErrorId::kBulkTooLarge},
    {"transaction_operations", kTransactionOperationsMax, "operations",
     ErrorId::kTransactionTooLarge},
    {"transaction_bytes", kTransactionBytesMax, "bytes", ErrorId::kTransactionTooLarge},
    {"transaction_idle_ms", kTransactionIdleMs, "milliseconds", ErrorId::kTransactionExpired},
    {"vector_dimensions", kVectorDimensionsMax, "dimensions", ErrorId::kVectorLimit},
    {"vector_hits", kVectorHitsMax, "hits", ErrorId::kVectorLimit},
    {"vector_queries", kVectorQueriesMax, "queries", ErrorId::kVectorLimit},
    {"tasks_kept", kTasksKeptMax, "tasks", ErrorId::kTaskNotFound},
    {"failed_logins_per_minute", kFailedLoginsPerMinuteMax, "logins", ErrorId::kLoginThrottled},
};

// Checks a well-formed document (bson::Validate) against bytes, nesting and fields; fields are the
// members of all objects in it. The error names the limit.
Status CheckDocumentLimits(bson::Document document);

// Checks the name of a collection that a document route makes: UTF-8 of 1 to 120 characters (code
// points), without control characters, '/' and '$', and beginning with neither '_', which marks the
// server's own names, nor '.'.
Status CheckCollectionName(std::string_view name);

}  // namespace nexadb
