#include "plugins/database-document/collection/prepare.h"

#include <cmath>

#include "core/document/error.h"
#include "core/document/json.h"
#include "core/document/limits.h"
#include "plugins/database-document/collection/layout.h"
#include "plugins/database-document/value/key_encoding.h"

namespace nexadb::database {

namespace {

constexpr int32_t kInvalidIdField = 53;
constexpr int32_t kDollarPrefixedFieldName = 52;

// Fails for what no double can say; decimals are not taken for vectors.
bool AsDouble(const bson::Value& value, double* out) {
  switch (value.type()) {
    case bson::Type::kDouble: *out = value.Double(); return true;
    case bson::Type::kInt32: *out = value.Int32(); return true;
    case bson::Type::kInt64: *out = static_cast<double>(value.Int64()); return true;
    default: return false;
  }
}

Status InvalidVector(std::string_view message, std::string_view expected, size_t at) {
  ErrorDetail detail;
  detail.Text("pointer", "/" + std::string(kVectorMember) + "/" + std::to_string(at));
  detail.Text("expected", expected);
  return MakeError(ErrorId::kInvalidVector, message, detail.Finish());
}

bool IsServers(std::string_view name, Stamps stamps) {
  return stamps != Stamps::kNone && (name == kCreatedAt || name == kUpdatedAt);
}

Result<VectorEdit> TakeVector(bson::Document document) {
  VectorEdit edit;
  const bson::Element member = document[kVectorMember];
  if (!member) return edit;
  if (member.type() == bson::Type::kNull) {
    edit.kind = VectorEdit::Kind::kRemove;
    return edit;
  }
  auto vector = ParseVector(member.value());
  if (!vector.ok()) return vector.status();
  edit.kind = VectorEdit::Kind::kSet;
  edit.vector = std::move(*vector);
  return edit;
}

void AppendGeneratedId(Environment& environment, IdKind kind, bson::Builder& out) {
  if (kind == IdKind::kText) {
    out.Text("_id", environment.ids->Next());
  } else {
    out.ObjectId("_id", environment.object_ids->Next());
  }
}

// The moment that a document brings for one of the server's members: a date, or the text that the
// document routes and CSV show it as. `absent` when it brings none.
Result<int64_t> BroughtMoment(bson::Document document, std::string_view name, int64_t absent) {
  const bson::Value value = document[name].value();
  if (value.IsNullish()) return absent;
  if (value.type() == bson::Type::kDate) return value.DateMs();
  int64_t moment = 0;
  if (value.type() == bson::Type::kString && ParseRfc3339(value.Text(), moment)) return moment;
  return MakeError(ErrorId::kBadValue, "'" + std::string(name) + "' is not a date",
                   ErrorDetail().Text("pointer", "/" + std::string(name)).Finish());
}

Result<PreparedDocument> Seal(bson::Builder& builder, VectorEdit vector) {
  PreparedDocument prepared{builder.Finish(), std::move(vector)};
  Status status = CheckDocumentLimits(bson::Document(AsBytes(prepared.bytes)));
  if (!status.ok()) return status;
  return prepared;
}

}  // namespace

Status CheckId(const bson::Value& id) {
  switch (id.type()) {
    case bson::Type::kArray:
      return MongoError(kInvalidIdField, "The '_id' value cannot be of type array");
    case bson::Type::kRegex:
      return MongoError(kInvalidIdField, "The '_id' value cannot be of type regex");
    case bson::Type::kUndefined:
      return MongoError(kInvalidIdField, "The '_id' value cannot be of type undefined");
    case bson::Type::kObject:
      for (const bson::Element& e : id.Doc()) {
        if (!e.name().empty() && e.name().front() == '$') {
          return MongoError(kDollarPrefixedFieldName,
                            "_id fields may not contain '$'-prefixed fields: " +
                                std::string(e.name()) + " is not valid for storage.");
        }
      }
      break;
    default: break;
  }
  // An encoding is never more than twice the value and a few bytes.
  if (id.bytes().size() <= kIdKeyBytesMax / 2 - 16) return {};
  std::string key;
  query::AppendKey(id, &key);
  if (key.size() <= kIdKeyBytesMax) return {};
  return LimitError(ErrorId::kIdTooLong, "id_key_bytes", kIdKeyBytesMax,
                    static_cast<int64_t>(key.size()));
}

bool RemovesVector(UpdateMode mode, bson::Document update) {
  switch (mode) {
    case UpdateMode::kReplace: return !update[kVectorMember];
    case UpdateMode::kMergePatch: return update[kVectorMember].type() == bson::Type::kNull;
    case UpdateMode::kOperators: {
      const bson::Value unset = update["$unset"].value();
      return unset.type() == bson::Type::kObject && unset.Doc()[kVectorMember];
    }
    case UpdateMode::kSetFields: return false;
  }
  return false;
}

Result<std::vector<float>> ParseVector(const bson::Value& value) {
  if (value.type() != bson::Type::kArray) {
    return InvalidVector("'__vector__' must be an array of numbers", "array of numbers", 0);
  }
  std::vector<float> vector;
  for (const bson::Element& e : value.Doc()) {
    double number = 0;
    if (!AsDouble(e.value(), &number)) {
      return InvalidVector("a vector holds numbers only", "number", vector.size());
    }
    const auto narrow = static_cast<float>(number);
    if (!std::isfinite(narrow)) {
      return InvalidVector("a vector's numbers must be finite 32-bit floats", "finite number",
                           vector.size());
    }
    vector.push_back(narrow);
  }
  if (vector.empty()) return InvalidVector("a vector must not be empty", "at least 1 number", 0);
  if (vector.size() > kVectorDimensionsMax) {
    return LimitError(ErrorId::kVectorLimit, "vector_dimensions", kVectorDimensionsMax,
                      static_cast<int64_t>(vector.size()));
  }
  return vector;
}

Result<PreparedDocument> PrepareInsert(Environment& environment, bson::Document document,
                                       IdKind id_kind, Stamps stamps) {
  auto vector = TakeVector(document);
  if (!vector.ok()) return vector.status();
  const bson::Element id = document["_id"];
  bson::Builder out;
  if (id) {
    if (Status status = CheckId(id.value()); !status.ok()) return status;
    out.Element(id);
  } else {
    AppendGeneratedId(environment, id_kind, out);
  }
  for (const bson::Element& e : document) {
    if (e.name() != "_id" && e.name() != kVectorMember && !IsServers(e.name(), stamps)) {
      out.Element(e);
    }
  }
  const int64_t now = environment.NowMs();
  if (stamps == Stamps::kSet) out.DateMs(kCreatedAt, now).DateMs(kUpdatedAt, now);
  if (stamps == Stamps::kKeep) {
    auto created = BroughtMoment(document, kCreatedAt, now);
    if (!created.ok()) return created.status();
    auto updated = BroughtMoment(document, kUpdatedAt, *created);
    if (!updated.ok()) return updated.status();
    out.DateMs(kCreatedAt, *created).DateMs(kUpdatedAt, *updated);
  }
  return Seal(out, std::move(*vector));
}

Result<PreparedDocument> PrepareUpdate(Environment& environment, bson::Document before,
                                       bson::Document after, Stamps stamps) {
  auto vector = TakeVector(after);
  if (!vector.ok()) return vector.status();
  bson::Builder out;
  for (const bson::Element& e : after) {
    if (e.name() != kVectorMember && !IsServers(e.name(), stamps)) out.Element(e);
  }
  if (stamps != Stamps::kNone) {
    if (const bson::Element created = before[kCreatedAt]) out.Element(created);
    out.DateMs(kUpdatedAt, environment.NowMs());
  }
  return Seal(out, std::move(*vector));
}

}  // namespace nexadb::database
