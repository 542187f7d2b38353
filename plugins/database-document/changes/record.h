// The change log as bytes: its keys, its records, and positions in it. FORMAT.md as code.
//
// A record holds what one commit did to one collection, or a part of it: the time, then one BSON
// document for each event. Its key ends with the commit's versionstamp, so records lie in commit
// order, whoever wrote first. Pure functions; what they return owns its bytes unless said.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nexadb/bson.h"
#include "nexadb/storage_engine.h"

namespace nexadb::database {

// Where a reader has come to: behind event `index` of the record with `stamp`.
struct ChangePosition {
  std::array<uint8_t, kVersionstampBytes> stamp{};
  uint32_t index = 0;
  auto operator<=>(const ChangePosition&) const = default;
};
// Behind the last event of its record, however many it has.
constexpr uint32_t kRecordEnd = UINT32_MAX;

// Behind everything that was committed up to `sequence`.
ChangePosition PositionAt(uint64_t sequence);

// What clients hold: opaque text that says collection and position.
std::string EncodeToken(uint32_t collection_id, const ChangePosition& position);
struct ChangeToken {
  uint32_t collection_id = 0;
  ChangePosition position;
};
// Error invalid_cursor for text that is no token.
Result<ChangeToken> DecodeToken(std::string_view text);

// With a hole for the versionstamp at kChangeStampOffset.
std::string ChangeKey(uint32_t collection_id);
// The first key at or, for kRecordEnd, after the record of `position`.
std::string ChangeKeyFrom(uint32_t collection_id, const ChangePosition& position);
constexpr uint32_t kChangeStampOffset = 5;
// The stamp in a key. kCorruption when it is none of the log's keys.
Result<ChangePosition> PositionOfKey(BytesView key);
// The key that holds up to which record the log was cut: its value is that stamp.
std::string ChangeFloorKey(uint32_t collection_id);

// The head of a record; events follow, one after another.
std::string EncodeRecordHead(int64_t unix_ms);
struct ChangeRecord {
  int64_t unix_ms = 0;
  std::vector<bson::Document> events;  // borrow from the value
};
// kCorruption when damaged.
Result<ChangeRecord> DecodeRecord(BytesView value);
// The time alone.
Result<int64_t> TimeOfRecord(BytesView value);

enum class ChangeOperation { kInsert, kUpdate, kDelete };
// One event: {operation, document_id, document?, before?}. Null documents are left out.
std::string EncodeEvent(ChangeOperation operation, const bson::Value& id, bson::Document document,
                        bson::Document before);

}  // namespace nexadb::database
