#include "plugins/database-document/command/concerns.h"

#include <algorithm>
#include <optional>
#include <string>

#include "core/document/decimal.h"
#include "core/document/error.h"
#include "plugins/database-document/command/fields.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::database {

namespace {

constexpr int32_t kBadValue = 2;
constexpr int32_t kFailedToParse = 9;
constexpr int32_t kInvalidOptions = 72;
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

// Commands that read or write documents, which a read concern is about.
bool TakesReadConcern(std::string_view command) {
  static constexpr std::string_view kCommands[] = {
      "aggregate", "bulkWrite",     "count",         "delete",  "distinct", "explain",
      "find",      "findAndModify", "findandmodify", "getMore", "insert",   "update"};
  return std::find(std::begin(kCommands), std::end(kCommands), command) != std::end(kCommands);
}

bool TakesWriteConcern(std::string_view command) {
  return command != "count" && command != "distinct" && command != "find";
}

Status CheckReadConcern(std::string_view command, bson::Document concern) {
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
  const std::string_view level = TextMember(concern, "level");
  if (status.ok() && !level.empty() && level != "local" && !TakesReadConcern(command)) {
    return MongoError(kInvalidOptions, "the command '" + std::string(command) +
                                           "' takes no read concern but 'local'");
  }
  return status;
}

// A decimal as MongoDB makes an integer of it: rounded half to even. -1 beyond 64 bits.
int64_t Rounded(const bson::Value& decimal) {
  int64_t n = 0;
  return Decimal::RoundHalfEven(Decimal::FromBytes(decimal.Decimal128())).ToInt64(n) ? n : -1;
}

Status CheckWriteNodes(const bson::Value& w) {
  if (!w) return {};
  if (w.type() == bson::Type::kString || w.type() == bson::Type::kNull) {
    if (w.type() == bson::Type::kString && w.Text() == "majority") return {};
    return MongoError(kBadValue, "cannot use a 'w' mode other than 'majority' on a single node");
  }
  if (w.type() == bson::Type::kObject) {
    for (const bson::Element& tag : w.Doc()) {
      if (tag.value().IsNumber()) continue;
      return MongoError(kFailedToParse, "the values of w's tags have to be numbers");
    }
    return {};
  }
  if (!w.IsNumber() || query::IsNan(w)) {
    return MongoError(kFailedToParse, "w has to be a number, string, or object; found: " +
                                          std::string(TypeName(w.type())));
  }
  const int64_t nodes = w.type() == bson::Type::kDecimal128 ? Rounded(w) : ToInteger(w);
  if (nodes < 0 || nodes > kWriteNodesMax) {
    return MongoError(kFailedToParse, "w has to be a non-negative number and not greater than 50");
  }
  if (nodes > 1) return MongoError(kBadValue, "cannot use 'w' > 1 on a single node");
  return {};
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
  if (status.ok()) status = CheckWriteNodes(concern["w"].value());
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
  const std::optional<int64_t> ms = query::ExactInt64(limit);
  if (!ms) return MongoError(kFailedToParse, "maxTimeMS has a value that is no integer");
  if (*ms > kTimeLimitMsMax || *ms == INT64_MIN) {
    return MongoError(*ms == INT64_MIN ? kFailedToParse : kBadValue,
                      "maxTimeMS is out of range: " + std::to_string(*ms));
  }
  return {};
}

}  // namespace

Status CheckConcerns(bson::Document command) {
  Status status = CheckTimeLimit(Member(command, "maxTimeMS"));
  if (!status.ok()) return status;
  const bson::Value read = Member(command, "readConcern");
  const std::string_view name = (*command.begin()).name();
  if (read.type() == bson::Type::kObject) status = CheckReadConcern(name, read.Doc());
  if (!status.ok()) return status;
  const bson::Value write = Member(command, "writeConcern");
  if (write.type() == bson::Type::kObject) status = CheckWriteConcern(write.Doc());
  if (!status.ok()) return status;
  if (write && !TakesWriteConcern(name)) {
    return MongoError(kInvalidOptions,
                      "the command '" + std::string(name) + "' takes no write concern");
  }
  const bson::Value hint = Member(command, "hint");
  if (hint && hint.type() != bson::Type::kObject && hint.type() != bson::Type::kString) {
    return MongoError(kFailedToParse, "Hint must be a string or an object");
  }
  return {};
}

}  // namespace nexadb::database
