// Type conversions: $convert, $toInt and its like, $type, $isNumber.
#include "plugins/database-document/expression/convert.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "core/document/error.h"
#include "core/document/json.h"
#include "core/document/object_id.h"
#include "plugins/database-document/expression/arithmetic.h"
#include "plugins/database-document/expression/binary_text.h"
#include "plugins/database-document/expression/expression.h"
#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

using bson::Type;

std::string NameOf(const bson::Value& v) { return std::string(TypeName(v.type())); }

[[noreturn]] void FailConversion(const bson::Value& v, std::string_view to,
                                 std::string_view why = {}) {
  std::string message =
      "Unsupported conversion from " + NameOf(v) + " to " + std::string(to) + " in $convert";
  if (!why.empty())
    message = "Failed to convert " + NameOf(v) + " to " + std::string(to) + ": " + std::string(why);
  Fail(code::kConversionFailure, message);
}

std::string DoubleText(double d) {
  if (std::isnan(d)) return "NaN";
  if (std::isinf(d)) return d < 0 ? "-Infinity" : "Infinity";
  char text[32];
  // As MongoDB's stream does: up to 15 significant digits, more only where they are needed.
  std::snprintf(text, sizeof(text), "%.15g", d);
  if (std::strtod(text, nullptr) != d) std::snprintf(text, sizeof(text), "%.17g", d);
  char shortest[32];
  const auto end = std::to_chars(shortest, shortest + sizeof(shortest), d).ptr;
  *end = '\0';
  if ((std::strchr(text, 'e') == nullptr) == (std::strchr(shortest, 'e') == nullptr)) {
    return shortest;
  }
  return text;
}

// The little-endian bytes of a number in a binary value, 1 to 8 of them.
OwnedValue IntegerFromBinary(const bson::Value& v, size_t bytes_max, std::string_view to,
                             bool big_endian) {
  const BytesView b = v.Binary();
  if (b.size() != 1 && b.size() != 2 && b.size() != 4 && !(b.size() == 8 && bytes_max == 8)) {
    FailConversion(v, to, "the length is not that of a number");
  }
  if (v.BinarySubtype() == 2) FailConversion(v, to, "subtype 2 does not convert to a number");
  uint64_t bits = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    const size_t at = big_endian ? i : b.size() - 1 - i;
    bits = bits << 8 | b[at];
  }
  const auto shift = static_cast<unsigned>(64 - b.size() * 8);
  return OwnedValue::Int64(static_cast<int64_t>(bits << shift) >> shift);
}

int64_t ToInteger(const bson::Value& v, int64_t low, int64_t high, std::string_view to,
                  bool big_endian) {
  const auto in_range = [&](int64_t n) {
    if (n < low || n > high) FailConversion(v, to, "Conversion would overflow target type");
    return n;
  };
  switch (v.type()) {
    case Type::kBool: return v.Bool() ? 1 : 0;
    case Type::kInt32: return v.Int32();
    case Type::kInt64: return in_range(v.Int64());
    case Type::kDouble:
    case Type::kDecimal128: {
      if (v.type() == Type::kDecimal128) {
        int64_t n = 0;
        if (!ToDecimal(v).ToInt64(n)) FailConversion(v, to, "out of range");
        return in_range(n);
      }
      const double d = std::trunc(v.Double());
      if (!(d < 0x1p63 && d >= -0x1p63)) FailConversion(v, to, "out of range");
      return in_range(static_cast<int64_t>(d));
    }
    case Type::kString: {
      std::string_view text = v.Text();
      if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
      int64_t n = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
      if (error != std::errc() || end != text.data() + text.size()) {
        FailConversion(v, to, "Failed to parse number '" + std::string(v.Text()) + "'");
      }
      return in_range(n);
    }
    case Type::kDate:
      if (to == "long") return v.DateMs();
      break;
    case Type::kBinary:
      return IntegerFromBinary(v, to == "long" ? 8 : 4, to, big_endian).view().Int64();
    default: break;
  }
  FailConversion(v, to);
}

double TextToDouble(const bson::Value& v) {
  const std::string text(v.Text());
  // A hexadecimal number needs a sign before it.
  const bool bare_hex = text.starts_with("0x") || text.starts_with("0X");
  const bool plain = !text.empty() && !bare_hex &&
                     text.find_first_of(" \t\n\r\v\f") == std::string::npos &&
                     text.find('\0') == std::string::npos;
  char* end = nullptr;
  errno = 0;
  const double d = plain ? std::strtod(text.c_str(), &end) : 0;
  const bool named = text.find_first_of("nN") != std::string::npos;
  if (!plain || *end != '\0' || (errno == ERANGE && !named)) {
    FailConversion(v, "double", "Failed to parse number '" + text + "'");
  }
  return d;
}

double ToDoubleValue(const bson::Value& v, bool big_endian) {
  switch (v.type()) {
    case Type::kBool: return v.Bool() ? 1 : 0;
    case Type::kInt32:
    case Type::kInt64:
    case Type::kDouble: return ToDouble(v);
    case Type::kDecimal128: {
      const double d = ToDouble(v);
      const DecimalParts parts = SplitDecimal(v.bytes().data());
      if (std::isinf(d) && parts.kind == DecimalParts::Kind::kFinite) {
        FailConversion(v, "double", "Conversion would overflow target type");
      }
      return d;
    }
    case Type::kString: return TextToDouble(v);
    case Type::kDate: return static_cast<double>(v.DateMs());
    case Type::kBinary: {
      const BytesView b = v.Binary();
      if (v.BinarySubtype() != 0 || (b.size() != 4 && b.size() != 8)) break;
      uint8_t bytes[8];
      for (size_t i = 0; i < b.size(); ++i) bytes[i] = b[big_endian ? b.size() - 1 - i : i];
      return b.size() == 4 ? static_cast<double>(bson::Load<float>(bytes))
                           : bson::Load<double>(bytes);
    }
    default: break;
  }
  FailConversion(v, "double");
}

// A number that no decimal holds became zero or infinity.
bool OutOfRange(std::string_view text, const Decimal& parsed) {
  const std::string_view digits = text.substr(0, text.find_first_of("eE"));
  if (parsed.IsZero()) return digits.find_first_of("123456789") != std::string_view::npos;
  return parsed.IsInfinite() && digits.find_first_of("0123456789") != std::string_view::npos;
}

OwnedValue ToDecimalValue(const bson::Value& v) {
  switch (v.type()) {
    case Type::kBool: return FromDecimal(Decimal::FromInt64(v.Bool() ? 1 : 0));
    case Type::kInt32:
    case Type::kInt64:
    case Type::kDouble:
    case Type::kDecimal128: return FromDecimal(ToDecimal(v));
    case Type::kDate: return FromDecimal(Decimal::FromInt64(v.DateMs()));
    case Type::kString: {
      Decimal d;
      const bool hex = v.Text().find_first_of("xX") != std::string_view::npos;
      if (hex || !Decimal::Parse(v.Text(), d) || OutOfRange(v.Text(), d)) {
        FailConversion(v, "decimal", "Failed to parse number '" + std::string(v.Text()) + "'");
      }
      return FromDecimal(d);
    }
    default: FailConversion(v, "decimal");
  }
}

OwnedValue ToDateValue(const bson::Value& v) {
  switch (v.type()) {
    case Type::kDate: return OwnedValue::Date(v.DateMs());
    case Type::kInt64: return OwnedValue::Date(v.Int64());
    case Type::kDouble: {
      const double d = std::trunc(v.Double());
      if (!(d < 0x1p63 && d >= -0x1p63)) FailConversion(v, "date", "out of range");
      return OwnedValue::Date(static_cast<int64_t>(d));
    }
    case Type::kDecimal128: {
      int64_t ms = 0;
      if (!ToDecimal(v).ToInt64(ms)) FailConversion(v, "date", "out of range");
      return OwnedValue::Date(ms);
    }
    case Type::kTimestamp:
      return OwnedValue::Date(static_cast<int64_t>(v.Timestamp() >> 32) * 1000);
    case Type::kObjectId: {
      const BytesView id = v.ObjectId();
      const uint32_t seconds = static_cast<uint32_t>(id[0]) << 24 |
                               static_cast<uint32_t>(id[1]) << 16 |
                               static_cast<uint32_t>(id[2]) << 8 | id[3];
      return OwnedValue::Date(static_cast<int64_t>(static_cast<int32_t>(seconds)) * 1000);
    }
    case Type::kString: {
      int64_t ms = 0;
      if (!ParseDateText(v.Text(), &ms)) {
        FailConversion(v, "date", "Error parsing date string '" + std::string(v.Text()) + "'");
      }
      return OwnedValue::Date(ms);
    }
    default: FailConversion(v, "date");
  }
}

OwnedValue ToObjectIdValue(const bson::Value& v) {
  if (v.type() == Type::kObjectId) return OwnedValue::ObjectId(v.ObjectId().data());
  if (v.type() != Type::kString) FailConversion(v, "objectId");
  std::array<uint8_t, 12> id{};
  if (!ParseObjectId(v.Text(), id)) {
    FailConversion(v, "objectId", "'" + std::string(v.Text()) + "' is not 24 hexadecimal digits");
  }
  return OwnedValue::ObjectId(id.data());
}

OwnedValue ToBinaryValue(const bson::Value& v, const ConvertOptions& o) {
  if (v.type() == Type::kBinary) {
    if (v.BinarySubtype() != o.subtype) {
      FailConversion(v, "binData",
                     "Conversions between different binData subtypes are not "
                     "supported");
    }
    return OwnedValue::Copy(v);
  }
  if (v.type() == Type::kString) {
    std::string bytes;
    if (o.format.empty()) Fail(4341115, "$convert from string to binData needs 'format'");
    if (!DecodeBinaryText(v.Text(), o.format, o.subtype, &bytes)) {
      FailConversion(v, "binData", "Input is not in the format " + o.format);
    }
    return OwnedValue::Binary(static_cast<uint8_t>(o.subtype), bytes);
  }
  if (v.type() == Type::kInt32 || v.type() == Type::kInt64 || v.type() == Type::kDouble) {
    std::string bytes(AsText(v.bytes()));
    if (o.big_endian) bytes.assign(bytes.rbegin(), bytes.rend());
    return OwnedValue::Binary(static_cast<uint8_t>(o.subtype), bytes);
  }
  FailConversion(v, "binData");
}

bool IsUuid(const bson::Value& v) {
  constexpr size_t kUuidBytes = 16;
  return v.BinarySubtype() == 4 && v.Binary().size() == kUuidBytes;
}

template <Type kTo>
OwnedValue Shorthand(const Args& a) {
  if (a[0].IsNullish()) return OwnedValue::Null();
  return ConvertTo(a[0], kTo, {});
}

OwnedValue ToUuid(const Args& a) {
  if (a[0].IsNullish()) return OwnedValue::Null();
  ConvertOptions options;
  options.subtype = 4;
  options.format = "uuid";
  return ConvertTo(a[0], Type::kBinary, options);
}

OwnedValue TypeOf(const Args& a) { return OwnedValue::Text(TypeName(a[0].type())); }

constexpr PlainOperator kOperators[] = {
    {"$toBool", 1, 1, Shorthand<Type::kBool>},
    {"$toInt", 1, 1, Shorthand<Type::kInt32>},
    {"$toLong", 1, 1, Shorthand<Type::kInt64>},
    {"$toDouble", 1, 1, Shorthand<Type::kDouble>},
    {"$toDecimal", 1, 1, Shorthand<Type::kDecimal128>},
    {"$toString", 1, 1, Shorthand<Type::kString>},
    {"$toDate", 1, 1, Shorthand<Type::kDate>},
    {"$toObjectId", 1, 1, Shorthand<Type::kObjectId>},
    {"$toUUID", 1, 1, ToUuid},
    {"$type", 1, 1, TypeOf},
    {"$isNumber", 1, 1, [](const Args& a) { return Truth(a[0].IsNumber()); }},
    {"$bsonSize", 1, 1,
     [](const Args& a) {
       if (a[0].IsNullish()) return OwnedValue::Null();
       if (a[0].type() != Type::kObject) {
         Fail(31393, "$bsonSize requires a document input, found: " + NameOf(a[0]));
       }
       return OwnedValue::Int32(static_cast<int32_t>(a[0].bytes().size()));
     }},
    {"$binarySize", 1, 1,
     [](const Args& a) {
       if (a[0].IsNullish()) return OwnedValue::Null();
       const bool text = a[0].type() == Type::kString;
       if (!text && a[0].type() != Type::kBinary) {
         Fail(51276, "$binarySize requires a string or BinData argument, found: " + NameOf(a[0]));
       }
       return OwnedValue::Int32(
           static_cast<int32_t>(text ? a[0].Text().size() : a[0].Binary().size()));
     }},
    {"$tsSecond", 1, 1,
     [](const Args& a) {
       if (a[0].IsNullish()) return OwnedValue::Null();
       if (a[0].type() != Type::kTimestamp) {
         Fail(5687301, "$tsSecond requires a timestamp argument, found: " + NameOf(a[0]));
       }
       return OwnedValue::Int64(static_cast<int64_t>(a[0].Timestamp() >> 32));
     }},
    {"$tsIncrement", 1, 1,
     [](const Args& a) {
       if (a[0].IsNullish()) return OwnedValue::Null();
       if (a[0].type() != Type::kTimestamp) {
         Fail(5687302, "$tsIncrement requires a timestamp argument, found: " + NameOf(a[0]));
       }
       return OwnedValue::Int64(static_cast<int64_t>(a[0].Timestamp() & 0xFFFFFFFF));
     }},
};

class ConvertExpr final : public ExpressionNode {
 public:
  struct Parts {
    ExprPtr input, to, on_error, on_null, format, byte_order;
  };
  explicit ConvertExpr(Parts parts) : p_(std::move(parts)) {}
  OwnedValue Eval(EvalContext& context) const override {
    const OwnedValue input = p_.input->Eval(context);
    const OwnedValue to = p_.to->Eval(context);
    ConvertOptions options;
    Type type = Type::kEnd;
    bool any_null = to.IsNullish();
    if (!any_null) type = Target(to.view(), &options);
    if (input.IsNullish()) {
      return p_.on_null != nullptr ? p_.on_null->Eval(context) : OwnedValue::Null();
    }
    const bool binary = input.type() == Type::kBinary || type == Type::kBinary;
    if (p_.format != nullptr) any_null |= Format(p_.format->Eval(context), &options) && binary;
    if (p_.byte_order != nullptr) any_null |= ByteOrder(p_.byte_order->Eval(context), &options);
    if (any_null) return OwnedValue::Null();
    if (p_.on_error == nullptr) return ConvertTo(input.view(), type, options);
    try {
      return ConvertTo(input.view(), type, options);
    } catch (const QueryError& e) {
      // Any other error, such as the query's time being over, is not the value's.
      if (MongoCode(e.status) != code::kConversionFailure) throw;
      return p_.on_error->Eval(context);
    }
  }

 private:
  static Type TypeOfOperand(const bson::Value& v) {
    if (v.type() == Type::kString) {
      const Type type = TypeNamed(v.Text());
      if (type == Type::kEnd) {
        Fail(code::kBadValue, "Unknown type name: " + std::string(v.Text()));
      }
      return type;
    }
    if (!v.IsNumber()) Fail(code::kFailedToParse, "$convert's 'to' must be a string or number");
    const std::optional<int64_t> n = ExactInt64(v);
    if (!n) Fail(code::kFailedToParse, "$convert's 'to' is not an integral type code");
    const bool known = *n == -1 || *n == 127 || (*n >= 1 && *n <= 19);
    if (!known) Fail(code::kFailedToParse, "$convert's 'to' is not a valid type code");
    return static_cast<Type>(*n & 0xFF);
  }
  static Type Target(const bson::Value& to, ConvertOptions* options) {
    if (to.type() != Type::kObject) return TypeOfOperand(to);
    const bson::Value type = to.Doc()["type"].value();
    const bson::Value subtype = to.Doc()["subtype"].value();
    if (!type) Fail(code::kFailedToParse, "$convert's 'to' object needs 'type'");
    if (subtype && !subtype.IsNullish()) {
      if (!subtype.IsNumber()) Fail(4341108, "$convert's 'subtype' must be a number");
      const std::optional<int64_t> n = ExactInt64(subtype);
      if (!n) Fail(4341106, "$convert's 'subtype' must be integral");
      const bool known = (*n >= 0 && *n <= 9) || (*n >= 128 && *n <= 255);
      if (!known) Fail(4341107, "$convert's 'subtype' is not a valid one");
      options->subtype = static_cast<int>(*n);
    }
    return TypeOfOperand(type);
  }
  static bool Format(const OwnedValue& v, ConvertOptions* options) {
    if (v.IsNullish()) return true;
    if (v.type() != Type::kString) Fail(4341114, "$convert requires that 'format' be a string");
    options->format = v.view().Text();
    if (!IsBinaryFormat(options->format)) {
      Fail(4341125, "Invalid 'format' for $convert: " + options->format);
    }
    return false;
  }
  static bool ByteOrder(const OwnedValue& v, ConvertOptions* options) {
    if (v.IsNullish()) return true;
    if (v.type() != Type::kString) {
      Fail(9130001, "$convert requires that 'byteOrder' be a string");
    }
    const std::string_view order = v.view().Text();
    if (order != "little" && order != "big") Fail(9130002, "Invalid 'byteOrder' for $convert");
    options->big_endian = order == "big";
    return false;
  }
  Parts p_;
};

ExprPtr ParseConvert(ExpressionParser& parser, const bson::Value& operand) {
  if (operand.type() != Type::kObject) {
    Fail(code::kFailedToParse,
         "$convert expects an object of named arguments but found: " + NameOf(operand));
  }
  ConvertExpr::Parts p;
  bool constant = true;
  for (const bson::Element& e : operand.Doc()) {
    ExprPtr* part = e.name() == "input"       ? &p.input
                    : e.name() == "to"        ? &p.to
                    : e.name() == "onError"   ? &p.on_error
                    : e.name() == "onNull"    ? &p.on_null
                    : e.name() == "format"    ? &p.format
                    : e.name() == "byteOrder" ? &p.byte_order
                                              : nullptr;
    if (part == nullptr) {
      Fail(code::kFailedToParse, "$convert found an unknown argument: " + std::string(e.name()));
    }
    *part = parser.Parse(e.value());
    constant = constant && (*part)->IsConstant();
  }
  if (p.input == nullptr) Fail(code::kFailedToParse, "Missing 'input' parameter to $convert");
  if (p.to == nullptr) Fail(code::kFailedToParse, "Missing 'to' parameter to $convert");
  return parser.Fold(std::make_unique<ConvertExpr>(std::move(p)), constant);
}

constexpr SpecialOperator kSpecial[] = {{"$convert", ParseConvert}};

}  // namespace

std::string ToText(const bson::Value& v) {
  switch (v.type()) {
    case Type::kString:
    case Type::kSymbol: return std::string(v.Text());
    case Type::kCode: return std::string(v.Text());
    case Type::kBool: return v.Bool() ? "true" : "false";
    case Type::kInt32: return std::to_string(v.Int32());
    case Type::kInt64: return std::to_string(v.Int64());
    case Type::kDouble: return DoubleText(v.Double());
    case Type::kDecimal128: return ToDecimal(v).ToString();
    case Type::kObjectId: {
      std::string out;
      AppendObjectId(out, v.ObjectId());
      return out;
    }
    case Type::kDate: {
      std::string out;
      if (!AppendRfc3339(out, v.DateMs())) FailConversion(v, "string", "the year is out of range");
      return out;
    }
    case Type::kTimestamp:
      return "Timestamp(" + std::to_string(v.Timestamp() >> 32) + ", " +
             std::to_string(v.Timestamp() & 0xFFFFFFFF) + ")";
    default: FailConversion(v, "string");
  }
}

OwnedValue ConvertTo(const bson::Value& v, Type to, const ConvertOptions& o) {
  switch (to) {
    case Type::kBool: return OwnedValue::Bool(IsTruthy(v));
    case Type::kInt32:
      return OwnedValue::Int32(
          static_cast<int32_t>(ToInteger(v, INT32_MIN, INT32_MAX, "int", o.big_endian)));
    case Type::kInt64:
      return OwnedValue::Int64(ToInteger(v, INT64_MIN, INT64_MAX, "long", o.big_endian));
    case Type::kDouble: return OwnedValue::Double(ToDoubleValue(v, o.big_endian));
    case Type::kDecimal128: return ToDecimalValue(v);
    case Type::kDate: return ToDateValue(v);
    case Type::kObjectId: return ToObjectIdValue(v);
    case Type::kBinary: return ToBinaryValue(v, o);
    case Type::kString:
      if (v.type() == Type::kBinary) {
        const std::string format =
            o.format.empty() || o.format == "auto" ? (IsUuid(v) ? "uuid" : "base64") : o.format;
        std::string text;
        if (!EncodeBinaryText(v, format, &text)) {
          FailConversion(v, "string", "the bytes do not fit the format " + format);
        }
        return OwnedValue::Text(text);
      }
      if (v.type() == Type::kCode || v.type() == Type::kTimestamp) FailConversion(v, "string");
      return OwnedValue::Text(ToText(v));
    default: FailConversion(v, TypeName(to));
  }
}

std::span<const PlainOperator> ConvertOperators() { return kOperators; }
std::span<const SpecialOperator> ConvertSpecialOperators() { return kSpecial; }

}  // namespace nexadb::query
