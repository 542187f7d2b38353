// String operators.
#include <algorithm>
#include <cmath>
#include <ctime>

#include "core/document/json.h"
#include "plugins/database-document/expression/convert.h"
#include "plugins/database-document/expression/node.h"
#include "plugins/database-document/expression/text.h"
#include "plugins/database-document/value/number.h"

namespace nexadb::query {
namespace {

bool IsText(const bson::Value& v) { return v.type() == bson::Type::kString; }
std::string_view NameOf(const bson::Value& v) { return TypeName(v.type()); }

OwnedValue Concat(const Args& a) {
  std::string out;
  bool nullish = false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].IsNullish()) {
      nullish = true;
    } else if (!IsText(a[i])) {
      Fail(16702, "$concat only supports strings, not " + std::string(NameOf(a[i])));
    } else if (!nullish) {
      OwnedValue::CheckSize(out.size() + a[i].Text().size());
      out.append(a[i].Text());
    }
    if (nullish) return OwnedValue::Null();
  }
  return OwnedValue::Text(out);
}

// "Jan  1 00:00:00:42": month, day and time of the seconds, and the increment.
std::string PrettyTimestamp(uint64_t timestamp) {
  const auto seconds = static_cast<time_t>(timestamp >> 32);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  const size_t size = std::strftime(text, sizeof(text), "%b %e %H:%M:%S:", &parts);
  return std::string(text, size) + std::to_string(timestamp & 0xFFFFFFFF);
}

// What $toLower, $substr and $strcasecmp take for a string: 16007 for what has no text.
std::string Coerce(const bson::Value& v) {
  switch (v.type()) {
    case bson::Type::kEnd:
    case bson::Type::kNull:
    case bson::Type::kUndefined: return "";
    case bson::Type::kString:
    case bson::Type::kCode:
    case bson::Type::kSymbol: return std::string(v.Text());
    case bson::Type::kInt32:
    case bson::Type::kInt64:
    case bson::Type::kDecimal128:
    case bson::Type::kDate: return ToText(v);
    case bson::Type::kDouble:
      if (std::isinf(v.Double())) return v.Double() < 0 ? "-inf" : "inf";
      return ToText(v);
    case bson::Type::kTimestamp: return PrettyTimestamp(v.Timestamp());
    default: Fail(16007, "can't convert from BSON type " + std::string(NameOf(v)) + " to String");
  }
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
char Upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

template <char (*kMap)(char)>
OwnedValue MapCase(const Args& a) {
  std::string text = Coerce(a[0]);
  std::transform(text.begin(), text.end(), text.begin(), kMap);
  return OwnedValue::Text(text);
}

OwnedValue StrCaseCmp(const Args& a) {
  std::string x = Coerce(a[0]);
  std::string y = Coerce(a[1]);
  std::transform(x.begin(), x.end(), x.begin(), Upper);
  std::transform(y.begin(), y.end(), y.begin(), Upper);
  const int order = x.compare(y);
  return OwnedValue::Int32(order < 0 ? -1 : (order > 0 ? 1 : 0));
}

OwnedValue StrLenBytes(const Args& a) {
  if (!IsText(a[0])) {
    Fail(34473, "$strLenBytes requires a string argument, found: " + std::string(NameOf(a[0])));
  }
  return OwnedValue::Int32(static_cast<int32_t>(a[0].Text().size()));
}
OwnedValue StrLenCp(const Args& a) {
  if (!IsText(a[0])) {
    Fail(34471, "$strLenCP requires a string argument, found: " + std::string(NameOf(a[0])));
  }
  return OwnedValue::Int32(static_cast<int32_t>(CodePoints(a[0].Text())));
}

OwnedValue Split(const Args& a) {
  if (a.AnyNullish()) {
    for (size_t i = 0; i < 2; ++i) {
      if (!a[i].IsNullish() && !IsText(a[i])) {
        Fail(i == 0 ? 40085 : 10503900, "$split requires strings");
      }
    }
    return OwnedValue::Null();
  }
  if (!IsText(a[0])) {
    Fail(40085,
         "$split requires an expression that evaluates to a string as a first argument, "
         "found: " +
             std::string(NameOf(a[0])));
  }
  if (!IsText(a[1])) {
    Fail(10503900, "$split requires a string or regex as a second argument, found: " +
                       std::string(NameOf(a[1])));
  }
  const std::string_view text = a[0].Text();
  const std::string_view by = a[1].Text();
  if (by.empty()) Fail(40087, "$split requires a non-empty separator");
  ArrayBuilder out;
  size_t start = 0;
  while (true) {
    const size_t at = FindText(text, by, start);
    out.Add(OwnedValue::Text(text.substr(start, at - start)).view());
    if (at == std::string_view::npos) break;
    start = at + by.size();
  }
  return out.Finish();
}

int64_t ToLongTruncated(const bson::Value& v, int number, std::string_view what) {
  if (!v.IsNumber()) {
    Fail(number, std::string(what) + " must be a numeric type, is " + std::string(NameOf(v)));
  }
  if (v.type() == bson::Type::kInt64) return v.Int64();
  const double d = TruncateToDouble(v);
  if (std::isnan(d)) {
    return 0;
  }
  if (!(d < 0x1p63 && d >= -0x1p63)) Fail(31109, "Can't coerce out of range value to long");
  return static_cast<int64_t>(d);
}

OwnedValue SubstrBytes(const Args& a) {
  const std::string text = Coerce(a[0]);
  const int64_t start = ToLongTruncated(a[1], 16034, "$substrBytes: starting index");
  const int64_t count = ToLongTruncated(a[2], 16035, "$substrBytes: length");
  if (start < 0) Fail(50752, "$substrBytes: starting index must be non-negative");
  const auto size = static_cast<int64_t>(text.size());
  if (start >= size && !(start == 0 && size == 0)) {
    return OwnedValue::Text("");
  }
  const auto begin = static_cast<size_t>(start);
  if (begin < text.size() && IsContinuation(text[begin])) {
    Fail(28656, "$substrBytes: Invalid range, starting index is a UTF-8 continuation byte.");
  }
  const size_t length =
      count < 0 || count > size - start ? text.size() - begin : static_cast<size_t>(count);
  if (begin + length < text.size() && IsContinuation(text[begin + length])) {
    Fail(28657,
         "$substrBytes: Invalid range, ending index is in the middle of a UTF-8 "
         "character.");
  }
  return OwnedValue::Text(std::string_view(text).substr(begin, length));
}

int64_t Index32(const bson::Value& v, int type_code, int integral_code, std::string_view what) {
  if (!v.IsNumber()) {
    Fail(type_code, std::string(what) + " must be a numeric type, is " + std::string(NameOf(v)));
  }
  const std::optional<int64_t> n = ExactInt64(v);
  if (!n || *n > INT32_MAX || *n < INT32_MIN) {
    Fail(integral_code, std::string(what) + " cannot be represented as a 32-bit integral value");
  }
  return *n;
}

OwnedValue SubstrCp(const Args& a) {
  const std::string text = Coerce(a[0]);
  const int64_t start = Index32(a[1], 34450, 34451, "$substrCP: starting index");
  const int64_t count = Index32(a[2], 34452, 34453, "$substrCP: length");
  if (count < 0) Fail(34454, "$substrCP: length must be a nonnegative integer.");
  if (start < 0) Fail(34455, "$substrCP: the starting index must be nonnegative integer.");
  const size_t begin = OffsetOf(text, start);
  const std::string_view rest = std::string_view(text).substr(begin);
  return OwnedValue::Text(rest.substr(0, OffsetOf(rest, count)));
}

int64_t SearchBound(const bson::Value& v, std::string_view op) {
  const std::optional<int64_t> n = v.IsNumber() ? ExactInt64(v) : std::nullopt;
  if (!n || *n > INT32_MAX || *n < INT32_MIN) {
    Fail(40096, std::string(op) + " requires an integral index, found a value of type: " +
                    std::string(NameOf(v)));
  }
  if (*n < 0) Fail(40097, std::string(op) + " requires a nonnegative index");
  return *n;
}

OwnedValue IndexOf(const Args& a, std::string_view op, int text_code, int token_code,
                   bool code_points) {
  if (a[0].IsNullish()) return OwnedValue::Null();
  if (!IsText(a[0])) {
    Fail(text_code, std::string(op) + " requires a string as the first argument, found: " +
                        std::string(NameOf(a[0])));
  }
  if (!IsText(a[1])) {
    Fail(token_code, std::string(op) + " requires a string as the second argument, found: " +
                         std::string(NameOf(a[1])));
  }
  const std::string_view text = a[0].Text();
  const std::string_view token = a[1].Text();
  const int64_t size = code_points ? CodePoints(text) : static_cast<int64_t>(text.size());
  const int64_t start = a.size() > 2 ? SearchBound(a[2], op) : 0;
  const int64_t end = a.size() > 3 ? std::min(SearchBound(a[3], op), size) : size;
  if (start > size || end < start) return OwnedValue::Int32(-1);
  const size_t from = code_points ? OffsetOf(text, start) : static_cast<size_t>(start);
  const size_t to = code_points ? OffsetOf(text, end) : static_cast<size_t>(end);
  const size_t at = FindText(text.substr(0, to), token, from);
  if (at == std::string_view::npos) return OwnedValue::Int32(-1);
  const int64_t index = code_points ? CodePoints(text.substr(0, at)) : static_cast<int64_t>(at);
  return OwnedValue::Int32(static_cast<int32_t>(index));
}

// Characters that trimming takes away unless told: white space as Unicode's old definition had it.
bool IsBlank(std::string_view c) {
  static constexpr std::string_view kBlanks[] = {std::string_view("\0", 1),
                                                 " ",
                                                 "\t",
                                                 "\n",
                                                 "\v",
                                                 "\f",
                                                 "\r",
                                                 "\u00a0",
                                                 "\u1680",
                                                 "\u2000",
                                                 "\u2001",
                                                 "\u2002",
                                                 "\u2003",
                                                 "\u2004",
                                                 "\u2005",
                                                 "\u2006",
                                                 "\u2007",
                                                 "\u2008",
                                                 "\u2009",
                                                 "\u200a"};
  return std::find(std::begin(kBlanks), std::end(kBlanks), c) != std::end(kBlanks);
}

OwnedValue Trim(const Args& a, std::string_view op, bool left, bool right) {
  const bool nullish = a[0].IsNullish();
  if (!nullish && !IsText(a[0])) {
    Fail(50699,
         std::string(op) + " requires its input to be a string, got " + std::string(NameOf(a[0])));
  }
  if (a.Given(1) && !a[1].IsNullish() && !IsText(a[1])) {
    if (nullish) return OwnedValue::Null();
    Fail(50700,
         std::string(op) + " requires 'chars' to be a string, got " + std::string(NameOf(a[1])));
  }
  if (nullish || (a.Given(1) && a[1].IsNullish())) return OwnedValue::Null();
  std::string_view text = a[0].Text();
  const auto trimmed = [&](std::string_view c) {
    Meter::WorkBytes(a[1].bytes().size());
    return a.Given(1) ? a[1].Text().find(c) != std::string_view::npos : IsBlank(c);
  };
  while (left && !text.empty() && trimmed(text.substr(0, CodePointSize(text, 0)))) {
    text.remove_prefix(CodePointSize(text, 0));
  }
  while (right && !text.empty()) {
    size_t last = text.size() - 1;
    while (last > 0 && IsContinuation(text[last])) --last;
    if (!trimmed(text.substr(last))) break;
    text.remove_suffix(text.size() - last);
  }
  return OwnedValue::Text(text);
}

OwnedValue Replace(const Args& a, std::string_view op, bool all) {
  const auto check = [&](size_t i, int number) {
    if (!a[i].IsNullish() && !IsText(a[i])) {
      Fail(number, std::string(op) + " requires strings, found: " + std::string(NameOf(a[i])));
    }
  };
  check(0, 10503904);
  check(1, 10503901);
  check(2, 10503902);
  if (a.AnyNullish()) return OwnedValue::Null();
  const std::string_view text = a[0].Text();
  const std::string_view find = a[1].Text();
  const std::string_view with = a[2].Text();
  std::string out;
  size_t start = 0;
  while (true) {
    const size_t at = FindText(text, find, start);
    if (at == std::string_view::npos) break;
    OwnedValue::CheckSize(out.size() + (at - start) + with.size());
    out.append(text.substr(start, at - start)).append(with);
    start = at + find.size();
    if (find.empty()) {
      // The empty text stands before every character and at the end.
      if (at >= text.size()) break;
      const size_t step = all ? CodePointSize(text, at) : 0;
      out.append(text.substr(at, step));
      start = at + step;
    }
    if (!all) break;
  }
  if (start < text.size()) out.append(text.substr(start));
  return OwnedValue::Text(out);
}

constexpr PlainOperator kOperators[] = {
    {"$concat", 0, -1, Concat},
    {"$toLower", 1, 1, MapCase<Lower>},
    {"$toUpper", 1, 1, MapCase<Upper>},
    {"$strcasecmp", 2, 2, StrCaseCmp},
    {"$strLenBytes", 1, 1, StrLenBytes},
    {"$strLenCP", 1, 1, StrLenCp},
    {"$split", 2, 2, Split},
    {"$substr", 3, 3, SubstrBytes},
    {"$substrBytes", 3, 3, SubstrBytes},
    {"$substrCP", 3, 3, SubstrCp},
    {"$indexOfBytes", 2, 4,
     [](const Args& a) { return IndexOf(a, "$indexOfBytes", 40091, 40092, false); }},
    {"$indexOfCP", 2, 4,
     [](const Args& a) { return IndexOf(a, "$indexOfCP", 40093, 40094, true); }},
};

constexpr NamedArgument kTrimArguments[] = {{"input", 50695}, {"chars", 0}};
constexpr NamedArgument kReplaceArguments[] = {
    {"input", 51749}, {"find", 51748}, {"replacement", 51747}};

constexpr NamedOperator kNamedOperators[] = {
    {"$trim", 50696, 50694, kTrimArguments,
     [](const Args& a) { return Trim(a, "$trim", true, true); }},
    {"$ltrim", 50696, 50694, kTrimArguments,
     [](const Args& a) { return Trim(a, "$ltrim", true, false); }},
    {"$rtrim", 50696, 50694, kTrimArguments,
     [](const Args& a) { return Trim(a, "$rtrim", false, true); }},
    {"$replaceOne", 51751, 51750, kReplaceArguments,
     [](const Args& a) { return Replace(a, "$replaceOne", false); }},
    {"$replaceAll", 51751, 51750, kReplaceArguments,
     [](const Args& a) { return Replace(a, "$replaceAll", true); }},
};

}  // namespace

std::span<const PlainOperator> StringOperators() { return kOperators; }
std::span<const NamedOperator> StringNamedOperators() { return kNamedOperators; }

}  // namespace nexadb::query
