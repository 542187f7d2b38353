#include "plugins/database-document/command/wildcard_spec.h"

#include <string>

#include "core/document/error.h"
#include "plugins/database-document/command/fields.h"
#include "plugins/database-document/index/wildcard.h"
#include "plugins/database-document/project/projection.h"

namespace nexadb::database {

namespace {

constexpr int32_t kBadValue = 2;
constexpr int32_t kFailedToParse = 9;
constexpr int32_t kTypeMismatch = 14;
constexpr int32_t kCannotCreateIndex = 67;
constexpr int32_t kComputedField = 51271;
constexpr int32_t kOverlaps = 7246209;
// Of the layouts of indexes, the first that has wildcards.
constexpr int64_t kFirstVersion = 2;

// Nothing but what says yes or no to a path.
Status CheckFlags(bson::Document projection) {
  for (const bson::Element& e : projection) {
    const bool nested = e.type() == bson::Type::kObject && !e.value().Doc().empty() &&
                        !(*e.value().Doc().begin()).name().starts_with('$');
    if (nested) {
      if (Status status = CheckFlags(e.value().Doc()); !status.ok()) return status;
    } else if (!e.value().IsNumber() && e.type() != bson::Type::kBool) {
      return MongoError(kComputedField,
                        "Bad projection specification, cannot use computed fields "
                        "in a wildcardProjection: field '" +
                            std::string(e.name()) + "'");
    }
  }
  return {};
}

Status CheckProjection(const bson::Element& given, std::string_view wildcard) {
  if (!given) return {};
  if (given.type() != bson::Type::kObject) {
    return MongoError(kTypeMismatch, "The field 'wildcardProjection' must be a non-empty object");
  }
  if (wildcard.empty()) {
    return MongoError(kBadValue,
                      "The field 'wildcardProjection' is only allowed in a 'wildcard' "
                      "index, whose key has '$**'");
  }
  if (wildcard != "$**") {
    return MongoError(
        kFailedToParse,
        "The field 'wildcardProjection' is only allowed when 'key' has '$**', and not "
        "'" +
            std::string(wildcard) + "'");
  }
  const bson::Document projection = given.value().Doc();
  if (projection.empty()) {
    return MongoError(kFailedToParse, "The 'wildcardProjection' field can't be an empty object");
  }
  Status status = query::Projection::ParseFind(projection, {}, {}).status();
  return status.ok() ? CheckFlags(projection) : status;
}

Status CheckOptions(bson::Document spec) {
  const auto refuse = [](std::string_view option) {
    return MongoError(kCannotCreateIndex,
                      "a wildcard index does not support the option '" + std::string(option) + "'");
  };
  for (const std::string_view option : {"unique", "sparse"}) {
    if (FlagMember(spec, option, false)) return refuse(option);
  }
  if (spec["expireAfterSeconds"]) return refuse("expireAfterSeconds");
  return IntegerMember(spec, "v", kFirstVersion) < kFirstVersion ? refuse("v") : Status();
}

// The other fields of the key are not below the wildcard too.
Status CheckCompound(bson::Document spec, std::string_view wildcard) {
  IndexEntry index;
  index.spec = bson::Builder().Elements(spec).Finish();
  const std::optional<Wildcard> covered = Wildcard::Of(index);
  const bson::Document key = spec["key"].value().Doc();
  if (key.CountElements() > 1 && wildcard == "$**" && !spec["wildcardProjection"]) {
    return MongoError(kCannotCreateIndex,
                      "a compound index with '$**' needs a wildcardProjection that leaves out its "
                      "other fields");
  }
  for (const bson::Element& part : key) {
    if (part.name() == wildcard || !covered->Covers(query::Path(part.name()))) continue;
    const std::string text = "the field '" + std::string(part.name()) +
                             "' of a compound wildcard index must not lie below its wildcard";
    return MongoError(wildcard == "$**" ? kOverlaps : kCannotCreateIndex, text);
  }
  return {};
}

}  // namespace

Status CheckWildcardSpec(bson::Document spec) {
  std::string_view wildcard;
  for (const bson::Element& part : spec["key"].value().Doc()) {
    if (!Wildcard::Is(part.name())) continue;
    if (!wildcard.empty()) {
      return MongoError(kCannotCreateIndex, "an index has at most one wildcard field");
    }
    wildcard = part.name();
    const bson::Value& sign = part.value();
    const bool negative = sign.type() == bson::Type::kDouble
                              ? sign.Double() < 0
                              : sign.IsNumber() && ToInteger(sign) < 0;
    if (negative) {
      return MongoError(kCannotCreateIndex,
                        "A numeric value in a $** index key pattern must be positive.");
    }
  }
  if (Status status = CheckProjection(spec["wildcardProjection"], wildcard); !status.ok()) {
    return status;
  }
  if (wildcard.empty()) return {};
  if (Status status = CheckOptions(spec); !status.ok()) return status;
  return CheckCompound(spec, wildcard);
}

}  // namespace nexadb::database
