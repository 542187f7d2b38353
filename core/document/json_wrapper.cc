#include "core/document/json_wrapper.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "core/document/decimal.h"
#include "core/document/json.h"
#include "core/document/json_text.h"
#include "core/document/object_id.h"

namespace nexadb::json {
namespace {

using bson::Document;
using bson::Element;
using bson::Type;
using bson::Value;

template <class T>
void Put(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void PutText(std::string& out, std::string_view text) {
  Put(out, static_cast<uint32_t>(text.size() + 1));
  out.append(text).push_back('\0');
}

bool HasNul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

// A whole number of either width, or null.
bool Whole(const Value& v, int64_t& out) {
  if (v.type() == Type::kInt32) out = v.Int32();
  if (v.type() == Type::kInt64) out = v.Int64();
  return v.type() == Type::kInt32 || v.type() == Type::kInt64;
}

// Each reads a wrapper's value `v` and, where it has one, its second member; appends the payload
// and returns its type, or kEnd when it is malformed.
using Reader = Type (*)(const Value& v, const Value& second, std::string& payload);

Type ReadObjectId(const Value& v, const Value&, std::string& payload) {
  std::array<uint8_t, 12> id{};
  if (v.type() != Type::kString || !ParseObjectId(v.Text(), id)) return Type::kEnd;
  Put(payload, id);
  return Type::kObjectId;
}

Type ReadSymbol(const Value& v, const Value&, std::string& payload) {
  if (v.type() != Type::kString) return Type::kEnd;
  payload.append(AsText(v.bytes()));
  return Type::kSymbol;
}

Type ReadInt(const Value& v, const Value&, std::string& payload) {
  int64_t value = 0;
  const bool read = v.type() == Type::kString ? ParseInt64(v.Text(), value) : Whole(v, value);
  using Limits = std::numeric_limits<int32_t>;
  if (!read || value < Limits::min() || value > Limits::max()) return Type::kEnd;
  Put(payload, static_cast<int32_t>(value));
  return Type::kInt32;
}

Type ReadLong(const Value& v, const Value&, std::string& payload) {
  int64_t value = 0;
  const bool read = v.type() == Type::kString ? ParseInt64(v.Text(), value) : Whole(v, value);
  if (!read) return Type::kEnd;
  Put(payload, value);
  return Type::kInt64;
}

Type ReadDouble(const Value& v, const Value&, std::string& payload) {
  double value = 0;
  if (v.type() == Type::kDouble) {
    value = v.Double();
  } else if (int64_t whole = 0; Whole(v, whole)) {
    value = static_cast<double>(whole);
  } else if (v.type() != Type::kString) {
    return Type::kEnd;
  } else if (v.Text() == "NaN") {
    value = std::numeric_limits<double>::quiet_NaN();
  } else if (v.Text() == "Infinity" || v.Text() == "-Infinity") {
    value = std::numeric_limits<double>::infinity() * (v.Text()[0] == '-' ? -1 : 1);
  } else {
    // Digits only: from_chars knows more spellings of infinity than Extended JSON.
    const bool digits = v.Text().find_first_not_of("0123456789+-.eE") == std::string_view::npos;
    if (!digits || !ParseDouble(v.Text(), value)) return Type::kEnd;
  }
  Put(payload, value);
  return Type::kDouble;
}

Type ReadDecimal(const Value& v, const Value&, std::string& payload) {
  Decimal value;
  if (v.type() != Type::kString || !Decimal::Parse(v.Text(), value)) return Type::kEnd;
  Put(payload, value.ToBytes());
  return Type::kDecimal128;
}

Type PutBinary(std::string_view base64, uint8_t subtype, std::string& payload) {
  Put(payload, uint32_t{0});
  payload += static_cast<char>(subtype);
  if (!DecodeBase64(base64, payload)) return Type::kEnd;
  const auto size = static_cast<uint32_t>(payload.size() - 5);
  std::copy_n(reinterpret_cast<const char*>(&size), sizeof(size), payload.begin());
  return Type::kBinary;
}

bool ReadSubtype(const Value& v, uint8_t& out) {
  if (v.type() != Type::kString || v.Text().empty() || v.Text().size() > 2) return false;
  const std::string_view text = v.Text();
  const auto end = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  return end.ec == std::errc() && end.ptr == text.data() + text.size();
}

// {"base64": "…", "subType": "00"}, or the older {"$binary": "…", "$type": "00"}.
Type ReadBinary(const Value& v, const Value& second, std::string& payload) {
  uint8_t subtype = 0;
  if (v.type() == Type::kString) {
    return ReadSubtype(second, subtype) ? PutBinary(v.Text(), subtype, payload) : Type::kEnd;
  }
  if (second || v.type() != Type::kObject || v.Doc().CountElements() != 2) return Type::kEnd;
  const Element base64 = v.Doc()["base64"];
  if (base64.type() != Type::kString || !ReadSubtype(v.Doc()["subType"].value(), subtype)) {
    return Type::kEnd;
  }
  return PutBinary(base64.value().Text(), subtype, payload);
}

Type ReadUuid(const Value& v, const Value&, std::string& payload) {
  constexpr uint8_t kUuidSubtype = 4;
  std::array<uint8_t, 16> uuid{};
  if (v.type() != Type::kString || !ParseUuid(v.Text(), uuid)) return Type::kEnd;
  Put(payload, static_cast<uint32_t>(uuid.size()));
  payload += static_cast<char>(kUuidSubtype);
  Put(payload, uuid);
  return Type::kBinary;
}

Type ReadCode(const Value& v, const Value& scope, std::string& payload) {
  if (v.type() != Type::kString) return Type::kEnd;
  if (!scope) {
    payload.append(AsText(v.bytes()));
    return Type::kCode;
  }
  if (scope.type() != Type::kObject) return Type::kEnd;
  Put(payload, static_cast<uint32_t>(4 + v.bytes().size() + scope.bytes().size()));
  payload.append(AsText(v.bytes())).append(AsText(scope.bytes()));
  return Type::kCodeWithScope;
}

Type ReadTimestamp(const Value& v, const Value&, std::string& payload) {
  if (v.type() != Type::kObject || v.Doc().CountElements() != 2) return Type::kEnd;
  int64_t seconds = 0;
  int64_t ordinal = 0;
  constexpr int64_t kMax = std::numeric_limits<uint32_t>::max();
  if (!Whole(v.Doc()["t"].value(), seconds) || !Whole(v.Doc()["i"].value(), ordinal) ||
      seconds < 0 || seconds > kMax || ordinal < 0 || ordinal > kMax) {
    return Type::kEnd;
  }
  Put(payload, static_cast<uint64_t>(seconds) << 32 | static_cast<uint64_t>(ordinal));
  return Type::kTimestamp;
}

Type ReadRegex(const Value& v, const Value&, std::string& payload) {
  if (v.type() != Type::kObject || v.Doc().CountElements() != 2) return Type::kEnd;
  const Element pattern = v.Doc()["pattern"];
  const Element options = v.Doc()["options"];
  if (pattern.type() != Type::kString || options.type() != Type::kString ||
      HasNul(pattern.value().Text()) || HasNul(options.value().Text())) {
    return Type::kEnd;
  }
  std::string sorted(options.value().Text());
  std::sort(sorted.begin(), sorted.end());
  payload.append(pattern.value().Text()).push_back('\0');
  payload.append(sorted).push_back('\0');
  return Type::kRegex;
}

Type ReadDbPointer(const Value& v, const Value&, std::string& payload) {
  if (v.type() != Type::kObject || v.Doc().CountElements() != 2) return Type::kEnd;
  const Element ref = v.Doc()["$ref"];
  const Element id = v.Doc()["$id"];
  if (ref.type() != Type::kString || id.type() != Type::kObjectId) return Type::kEnd;
  PutText(payload, ref.value().Text());
  payload.append(AsText(id.value().ObjectId()));
  return Type::kDbPointer;
}

Type ReadDate(const Value& v, const Value&, std::string& payload) {
  int64_t ms = 0;
  const bool read = v.type() == Type::kString ? ParseRfc3339(v.Text(), ms) : Whole(v, ms);
  if (!read) return Type::kEnd;
  Put(payload, ms);
  return Type::kDate;
}

bool IsOne(const Value& v) {
  int64_t value = 0;
  return Whole(v, value) && value == 1;
}
Type ReadMinKey(const Value& v, const Value&, std::string&) {
  return IsOne(v) ? Type::kMinKey : Type::kEnd;
}
Type ReadMaxKey(const Value& v, const Value&, std::string&) {
  return IsOne(v) ? Type::kMaxKey : Type::kEnd;
}
Type ReadUndefined(const Value& v, const Value&, std::string&) {
  return v.type() == Type::kBool && v.Bool() ? Type::kUndefined : Type::kEnd;
}

struct Form {
  std::string_view name;
  std::string_view second;  // a member that may follow; empty for none
  Reader read;
  std::string_view expected;
};

constexpr Form kForms[] = {
    {"$oid", "", ReadObjectId, "24 hexadecimal digits"},
    {"$date", "", ReadDate, "an RFC 3339 date and time, or {\"$numberLong\": \"milliseconds\"}"},
    {"$numberInt", "", ReadInt, "a 32-bit integer in a string"},
    {"$numberLong", "", ReadLong, "a 64-bit integer in a string"},
    {"$numberDouble", "", ReadDouble, "a number, Infinity, -Infinity or NaN in a string"},
    {"$numberDecimal", "", ReadDecimal, "a decimal number in a string"},
    {"$binary", "$type", ReadBinary, "{\"base64\": \"…\", \"subType\": \"00\"}"},
    {"$uuid", "", ReadUuid, "a UUID in a string"},
    {"$regularExpression", "", ReadRegex, "{\"pattern\": \"…\", \"options\": \"…\"}"},
    {"$timestamp", "", ReadTimestamp, "{\"t\": seconds, \"i\": ordinal}"},
    {"$code", "$scope", ReadCode, "a string, and an object in $scope"},
    {"$symbol", "", ReadSymbol, "a string"},
    {"$dbPointer", "", ReadDbPointer, "{\"$ref\": \"…\", \"$id\": {\"$oid\": \"…\"}}"},
    {"$minKey", "", ReadMinKey, "1"},
    {"$maxKey", "", ReadMaxKey, "1"},
    {"$undefined", "", ReadUndefined, "true"},
};

}  // namespace

Wrapper Unwrap(Document object, Type& type, std::string& payload, std::string& error) {
  auto member = object.begin();
  const Element first = *member;
  const auto* form = std::find_if(std::begin(kForms), std::end(kForms),
                                  [&](const Form& f) { return f.name == first.name(); });
  if (form == std::end(kForms)) return Wrapper::kNone;
  ++member;
  const Element second = *member;
  if (second) {
    ++member;
    if (form->second.empty() || second.name() != form->second || *member) {
      error = "beside " + std::string(form->name) + " there must not be a member '" +
              std::string(second.name()) + "'";
      return Wrapper::kMalformed;
    }
  }
  payload.clear();
  type = form->read(first.value(), second.value(), payload);
  if (type != Type::kEnd) return Wrapper::kUnwrapped;
  error = std::string(form->name) + " needs " + std::string(form->expected);
  return Wrapper::kMalformed;
}

}  // namespace nexadb::json
