#include "plugins/database-document/command/collation.h"

#include "core/document/error.h"
#include "plugins/database-document/command/fields.h"

namespace nexadb::database {

namespace {

constexpr int32_t kNotSupported = 115;

constexpr FieldSpec kCollationFields[] = {
    {"locale", FieldKind::kText, Need::kRequired},
    {"strength", FieldKind::kNumber},
    {"caseLevel", FieldKind::kFlag},
    {"caseFirst", FieldKind::kText},
    {"numericOrdering", FieldKind::kFlag},
    {"alternate", FieldKind::kText},
    {"maxVariable", FieldKind::kText},
    {"normalization", FieldKind::kFlag},
    {"backwards", FieldKind::kFlag},
    {"version", FieldKind::kText},
};

}  // namespace

Status CheckCollation(bson::Document collation) {
  if (collation.empty()) return {};
  Status status = Fields::Check(collation, "collation", kCollationFields);
  if (!status.ok()) return status;
  if (TextMember(collation, "locale") == "simple") return {};
  return MongoError(kNotSupported, "collation: only the locale 'simple' is supported");
}

}  // namespace nexadb::database
