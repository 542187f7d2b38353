#include "plugins/database-document/command/concerns.h"

#include <string>

#include "core/document/error.h"
#include "plugins/database-document/command/fields.h"

namespace nexadb::database {

namespace {

constexpr int32_t kBadValue = 2;
constexpr int32_t kFailedToParse = 9;
constexpr int64_t kTimeLimitMsMax = INT32_MAX;
// MongoDB's limit of members in a replica set.
constexpr int64_t kWriteNodesMax = 50;

Status OneOf(bson::Document document, std::string_view name,
             std::initializer_list<std::string_view> allowed) {
  const bson::Value value = Member(document, name);
  if (!value) return {};
  for (const std::string_view a : allowed) {
    if (value.Text() == a) return {};
  }
  return MongoError(kBadValue, "Enumeration value '" + std::string(value.Text()) + "' for field '" +
                                   std::string(name) + "' is not a valid value.");
}

Status CheckReadConcern(bson::Document concern) {
  static constexpr FieldSpec kKnown[] = {{"level", FieldKind::kText},
                                         {"afterClusterTime", FieldKind::kTimestamp},
                                         {"atClusterTime", FieldKind::kTimestamp},
                                         {"afterOpTime", FieldKind::kObject},
                                         {"provenance", FieldKind::kText},
                                         {"allowTransactionTableSnapshot", FieldKind::kBool},
                                         {"waitLastStableRecoveryTimestamp", FieldKind::kBool}};
  Status status = Fields::Check(concern, "readConcern", kKnown);
  if (status.ok()) {
    status =
        OneOf(concern, "level", {"local", "available", "majority", "linearizable", "snapshot"});
  }
  if (status.ok()) {
    status = OneOf(concern, "provenance",
                   {"clientSupplied", "implicitDefault", "customDefault", "getLastErrorDefaults",
                    "internalWriteDefault"});
  }
  return status;
}

Status CheckWriteNodes(const bson::Value& w) {
  if (!w || w.type() == bson::Type::kString || w.type() == bson::Type::kObject) return {};
  if (!w.IsNumber()) {
    return MongoError(kFailedToParse, "w has to be a number, string, or object; found: " +
                                          std::string(TypeName(w.type())));
  }
  const int64_t nodes = ToInteger(w);
  if (nodes >= 0 && nodes <= kWriteNodesMax) return {};
  return MongoError(kFailedToParse, "w has to be a non-negative number and not greater than 50");
}

Status CheckWriteConcern(bson::Document concern) {
  static constexpr FieldSpec kKnown[] = {{"w", FieldKind::kAny},
                                         {"j", FieldKind::kFlag},
                                         {"fsync", FieldKind::kFlag},
                                         {"wtimeout", FieldKind::kAny},
                                         {"wtimeoutMS", FieldKind::kAny},
                                         {"provenance", FieldKind::kText},
                                         {"getLastError", FieldKind::kAny},
                                         {"wElectionId", FieldKind::kAny},
                                         {"wOpTime", FieldKind::kAny}};
  Status status = Fields::Check(concern, "writeConcern", kKnown);
  if (status.ok()) status = CheckWriteNodes(Member(concern, "w"));
  if (!status.ok()) return status;
  if (FlagMember(concern, "j", false) && FlagMember(concern, "fsync", false)) {
    return MongoError(kFailedToParse, "fsync and j options cannot be used together");
  }
  const int64_t timeout = IntegerMember(concern, "wtimeout", 0);
  if (timeout > kTimeLimitMsMax) {
    return MongoError(kFailedToParse, "wtimeout must be within 32 bits");
  }
  return {};
}

Status CheckTimeLimit(const bson::Value& limit) {
  if (!limit.IsNumber()) return {};  // its type is the field table's business
  const int64_t ms = ToInteger(limit);
  const bool whole =
      limit.type() != bson::Type::kDouble || static_cast<double>(ms) == limit.Double();
  if (!whole) {
    return MongoError(kFailedToParse, "maxTimeMS has a value that is no integer");
  }
  if (ms > kTimeLimitMsMax || ms == INT64_MIN) {
    return MongoError(ms == INT64_MIN ? kFailedToParse : kBadValue,
                      "maxTimeMS is out of range: " + std::to_string(ms));
  }
  return {};
}

}  // namespace

Status CheckConcerns(bson::Document command) {
  Status status = CheckTimeLimit(Member(command, "maxTimeMS"));
  if (!status.ok()) return status;
  const bson::Value read = Member(command, "readConcern");
  if (read.type() == bson::Type::kObject) status = CheckReadConcern(read.Doc());
  if (!status.ok()) return status;
  const bson::Value write = Member(command, "writeConcern");
  if (write.type() == bson::Type::kObject) status = CheckWriteConcern(write.Doc());
  if (!status.ok()) return status;
  const bson::Value hint = Member(command, "hint");
  if (hint && hint.type() != bson::Type::kObject && hint.type() != bson::Type::kString) {
    return MongoError(kFailedToParse, "Hint must be a string or an object");
  }
  return {};
}

}  // namespace nexadb::database
