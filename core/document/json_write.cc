// BSON to JSON: the writing half of json.h. Recursion is bounded by what Validate lets in.
#include <cmath>

#include "core/document/decimal.h"
#include "core/document/json.h"
#include "core/document/json_text.h"
#include "core/document/object_id.h"

namespace nexadb {
namespace {

using bson::Type;

// Integers that JavaScript keeps exactly.
constexpr int64_t kSafeIntegerMax = (int64_t{1} << 53) - 1;
constexpr int64_t kYear10000Ms = 253'402'300'800'000;

enum class Level : uint8_t { kOutermost, kInner };

void Wrap(std::string& out, std::string_view name, std::string_view text) {
  out.append("{\"").append(name).append("\":\"").append(text).append("\"}");
}

void WrapInteger(std::string& out, std::string_view name, int64_t value) {
  out.append("{\"").append(name).append("\":\"");
  json::AppendInteger(out, value);
  out.append("\"}");
}

void WriteDouble(std::string& out, double value, JsonMode mode) {
  if (!std::isfinite(value)) {
    return Wrap(out, "$numberDouble",
                std::isnan(value) ? "NaN" : (value > 0 ? "Infinity" : "-Infinity"));
  }
  if (mode != JsonMode::kCanonical) return AppendJsonDouble(out, value);
  out.append("{\"$numberDouble\":\"");
  AppendJsonDouble(out, value);
  out.append("\"}");
}

void WriteInt64(std::string& out, int64_t value, JsonMode mode) {
  const bool safe = value >= -kSafeIntegerMax && value <= kSafeIntegerMax;
  if (mode == JsonMode::kCanonical || (mode == JsonMode::kRest && !safe)) {
    return WrapInteger(out, "$numberLong", value);
  }
  json::AppendInteger(out, value);
}

void WriteDate(std::string& out, int64_t ms, JsonMode mode) {
  if (mode == JsonMode::kCanonical || ms < 0 || ms >= kYear10000Ms) {
    out.append("{\"$date\":");
    WrapInteger(out, "$numberLong", ms);
    out += '}';
    return;
  }
  out.append("{\"$date\":\"");
  AppendRfc3339(out, ms);
  if (ms % 1000 == 0) out.replace(out.size() - 5, 5, "Z");  // a fraction only where there is one
  out.append("\"}");
}

void WriteBinary(std::string& out, const bson::Value& v) {
  constexpr char kHex[] = "0123456789abcdef";
  out.append("{\"$binary\":{\"base64\":\"");
  json::AppendBase64(out, v.Binary());
  out.append("\",\"subType\":\"");
  out += kHex[v.BinarySubtype() >> 4];
  out += kHex[v.BinarySubtype() & 15];
  out.append("\"}}");
}

void WriteObjectId(std::string& out, BytesView id) {
  out.append("{\"$oid\":\"");
  AppendObjectId(out, id);
  out.append("\"}");
}

void WriteTimestamp(std::string& out, uint64_t t) {
  out.append("{\"$timestamp\":{\"t\":");
  json::AppendInteger(out, t >> 32);
  out.append(",\"i\":");
  json::AppendInteger(out, t & 0xFFFFFFFFu);
  out.append("}}");
}

void WriteDocument(std::string& out, bson::Document document, JsonMode mode, Level level);
void WriteArray(std::string& out, bson::Document array, JsonMode mode);

void WriteCodeWithScope(std::string& out, const bson::Value& v, JsonMode mode) {
  const uint8_t* at = v.bytes().data();
  const auto text_size = bson::Load<uint32_t>(at + 4);
  out.append("{\"$code\":");
  AppendJsonString(out, {reinterpret_cast<const char*>(at) + 8, text_size - 1});
  out.append(",\"$scope\":");
  const size_t scope = 8 + text_size;
  WriteDocument(out, bson::Document(v.bytes().Sub(scope, v.bytes().size() - scope)), mode,
                Level::kInner);
  out += '}';
}

void WriteDbPointer(std::string& out, const bson::Value& v) {
  const BytesView bytes = v.bytes();
  out.append("{\"$dbPointer\":{\"$ref\":");
  AppendJsonString(out, {reinterpret_cast<const char*>(bytes.data()) + 4, bytes.size() - 12 - 5});
  out.append(",\"$id\":");
  WriteObjectId(out, bytes.Sub(bytes.size() - 12, 12));
  out.append("}}");
}

void WriteRegex(std::string& out, const bson::Value& v) {
  out.append("{\"$regularExpression\":{\"pattern\":");
  AppendJsonString(out, v.RegexPattern());
  out.append(",\"options\":");
  AppendJsonString(out, v.RegexFlags());
  out.append("}}");
}

void WriteText(std::string& out, std::string_view name, const bson::Value& v) {
  out.append("{\"").append(name).append("\":");
  json::AppendValidString(out, v.Text());
  out += '}';
}

void WriteInt32(std::string& out, int32_t value, JsonMode mode) {
  if (mode == JsonMode::kCanonical) return WrapInteger(out, "$numberInt", value);
  json::AppendInteger(out, int64_t{value});
}

void WriteValue(std::string& out, const bson::Value& v, JsonMode mode) {
  switch (v.type()) {
    case Type::kDouble: return WriteDouble(out, v.Double(), mode);
    case Type::kString: return json::AppendValidString(out, v.Text());
    case Type::kObject: return WriteDocument(out, v.Doc(), mode, Level::kInner);
    case Type::kArray: return WriteArray(out, v.Doc(), mode);
    case Type::kBinary: return WriteBinary(out, v);
    case Type::kUndefined: out.append("{\"$undefined\":true}"); return;
    case Type::kObjectId: return WriteObjectId(out, v.ObjectId());
    case Type::kBool: out.append(v.Bool() ? "true" : "false"); return;
    case Type::kDate: return WriteDate(out, v.DateMs(), mode);
    case Type::kRegex: return WriteRegex(out, v);
    case Type::kDbPointer: return WriteDbPointer(out, v);
    case Type::kCode: return WriteText(out, "$code", v);
    case Type::kSymbol: return WriteText(out, "$symbol", v);
    case Type::kCodeWithScope: return WriteCodeWithScope(out, v, mode);
    case Type::kInt32: return WriteInt32(out, v.Int32(), mode);
    case Type::kTimestamp: return WriteTimestamp(out, v.Timestamp());
    case Type::kInt64: return WriteInt64(out, v.Int64(), mode);
    case Type::kDecimal128:
      return Wrap(out, "$numberDecimal", Decimal::FromBytes(v.Decimal128()).ToString());
    case Type::kMinKey: out.append("{\"$minKey\":1}"); return;
    case Type::kMaxKey: out.append("{\"$maxKey\":1}"); return;
    case Type::kNull:
    case Type::kEnd: out.append("null"); return;
  }
}

bool IsPlainDate(const bson::Element& e) {
  return e.type() == Type::kDate && (e.name() == "_created_at" || e.name() == "_updated_at");
}

void WriteDocument(std::string& out, bson::Document document, JsonMode mode, Level level) {
  const bool plain_dates = mode == JsonMode::kRest && level == Level::kOutermost;
  char before = '{';
  for (const bson::Element& e : document) {
    out += before;
    before = ',';
    json::AppendValidString(out, e.name());
    out += ':';
    if (plain_dates && IsPlainDate(e)) {
      out += '"';
      if (AppendRfc3339(out, e.value().DateMs())) {
        out += '"';
        continue;
      }
      out.pop_back();
    }
    WriteValue(out, e.value(), mode);
  }
  out.append(before == '{' ? "{}" : "}");
}

void WriteArray(std::string& out, bson::Document array, JsonMode mode) {
  char before = '[';
  for (const bson::Element& e : array) {
    out += before;
    before = ',';
    WriteValue(out, e.value(), mode);
  }
  out.append(before == '[' ? "[]" : "]");
}

}  // namespace

std::string BsonToJson(bson::Document document, JsonMode mode) {
  std::string out;
  out.reserve(document.bytes().size() * 3 / 2);
  WriteDocument(out, document, mode, Level::kOutermost);
  return out;
}

void AppendJson(std::string& out, bson::Document document, JsonMode mode) {
  WriteDocument(out, document, mode, Level::kOutermost);
}

void AppendJsonArray(std::string& out, bson::Document array, JsonMode mode) {
  WriteArray(out, array, mode);
}

void AppendJson(std::string& out, const bson::Value& value, JsonMode mode) {
  WriteValue(out, value, mode);
}

}  // namespace nexadb
