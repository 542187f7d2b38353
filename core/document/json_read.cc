// JSON to BSON: the reading half of json.h. RapidJSON splits the text, JsonReader writes the BSON.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include "core/document/error.h"
#include "core/document/json_reader.h"
#include "core/document/json_text.h"
#include "core/document/json_wrapper.h"

// RapidJSON's assertions would end the process; what they guard is checked here.
#include <rapidjson/error/error.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

namespace nexadb {
namespace json {
namespace {

// Up to so many names, an object's names are compared with each other as they come; more are
// sorted when it ends. Either way no choice of names makes the check quadratic.
constexpr size_t kNamesComparedMax = 32;
constexpr size_t kExcerptBytesMax = 40;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string_view Explain(rapidjson::ParseErrorCode code) {
  switch (code) {
    case rapidjson::kParseErrorDocumentEmpty: return "the text is empty";
    case rapidjson::kParseErrorDocumentRootNotSingular: return "something follows the end";
    case rapidjson::kParseErrorValueInvalid: return "a value is expected";
    case rapidjson::kParseErrorObjectMissName: return "a member's name in quotes is expected";
    case rapidjson::kParseErrorObjectMissColon: return "a ':' is expected";
    case rapidjson::kParseErrorObjectMissCommaOrCurlyBracket: return "a ',' or '}' is expected";
    case rapidjson::kParseErrorArrayMissCommaOrSquareBracket: return "a ',' or ']' is expected";
    case rapidjson::kParseErrorStringUnicodeEscapeInvalidHex: return "\\u needs 4 hex digits";
    case rapidjson::kParseErrorStringUnicodeSurrogateInvalid: return "half a surrogate pair";
    case rapidjson::kParseErrorStringEscapeInvalid: return "an unknown escape or control character";
    case rapidjson::kParseErrorStringMissQuotationMark: return "a string does not end";
    case rapidjson::kParseErrorStringInvalidEncoding: return "a control character in a string";
    case rapidjson::kParseErrorNumberTooBig: return "the number is out of range";
    case rapidjson::kParseErrorNumberMissFraction: return "digits are expected after the '.'";
    case rapidjson::kParseErrorNumberMissExponent: return "digits are expected in the exponent";
    default: return "the text ends too early or is malformed";
  }
}

std::string Quoted(std::string_view name) {
  std::string quoted(1, '\'');
  return quoted.append(name).append("'");
}

bool IsContinuation(char c) { return (static_cast<uint8_t>(c) & 0xC0) == 0x80; }

// The start of the first malformed sequence. REQUIRES: there is one.
size_t FirstBadUtf8(std::string_view text) {
  size_t good = 0;
  size_t bad = text.size();  // the prefix of this length is malformed, the one of `good` is not
  while (bad - good > 1) {
    size_t middle = good + (bad - good) / 2;
    while (middle > good && IsContinuation(text[middle])) --middle;  // never cut a character
    if (middle == good) break;
    (bson::internal::ValidUtf8(text.substr(0, middle)) ? good : bad) = middle;
  }
  return good;
}

// The text around `offset`, on its line.
std::string_view Excerpt(std::string_view json, size_t offset) {
  size_t begin = offset - std::min(offset, kExcerptBytesMax / 2);
  size_t end = std::min(json.size(), offset + kExcerptBytesMax / 2);
  const std::string_view line_ends = "\r\n";
  const size_t before = json.substr(begin, offset - begin).find_last_of(line_ends);
  if (before != std::string_view::npos) begin += before + 1;
  const size_t after = json.substr(offset, end - offset).find_first_of(line_ends);
  if (after != std::string_view::npos) end = offset + after;
  while (begin < end && IsContinuation(json[begin])) ++begin;
  while (end > begin && end < json.size() && IsContinuation(json[end])) --end;
  return json.substr(begin, end - begin);
}

}  // namespace

Status JsonReader::Read(std::string_view json) {
  if (!bson::internal::ValidUtf8(json)) {
    return Located(ErrorId::kInvalidJson, "not UTF-8", json, FirstBadUtf8(json));
  }
  const size_t skipped = json.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  const std::string_view text = json.substr(skipped);
  out_.reserve(text.size() + text.size() / 4 + 16);
  if (root_ == Root::kValue) out_.assign(4, '\0');
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::Reader reader;
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;
  const rapidjson::ParseResult result = reader.Parse<kFlags>(stream, *this);
  if (result.IsError()) {
    const size_t offset = skipped + std::min(result.Offset(), text.size());
    if (!failure_status_.ok()) return failure_status_;
    if (!failure_.empty()) return Located(failure_id_, failure_, json, offset);
    return Located(ErrorId::kInvalidJson, std::string(Explain(result.Code())), json, offset);
  }
  // The stream takes a NUL for its end.
  if (stream.Tell() != text.size()) {
    return Located(ErrorId::kInvalidJson, "a NUL byte", json, skipped + stream.Tell());
  }
  if (root_ == Root::kValue) {
    out_ += '\0';
    const auto size = static_cast<uint32_t>(out_.size());
    std::memcpy(out_.data(), &size, sizeof(size));
  }
  if (root_ != Root::kDocuments && static_cast<int64_t>(out_.size()) > options_.bson_bytes_max) {
    return LimitError(ErrorId::kDocumentTooLarge, "document_bytes", options_.bson_bytes_max,
                      static_cast<int64_t>(out_.size()));
  }
  return Status::Ok();
}

Status JsonReader::Located(ErrorId id, const std::string& message, std::string_view json,
                           size_t offset) const {
  const std::string_view before = json.substr(0, offset);
  const size_t line_start = before.find_last_of('\n') + 1;  // npos + 1 is 0
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  int32_t column = 1;
  for (char c : before.substr(line_start)) column += IsContinuation(c) ? 0 : 1;
  std::string excerpt(Excerpt(json, offset));
  if (!bson::internal::ValidUtf8(excerpt)) excerpt.clear();
  std::string text = "line " + std::to_string(line) + ", column " + std::to_string(column) + ": ";
  text += message;
  if (!excerpt.empty()) text.append(", near '").append(excerpt).append("'");
  ErrorDetail detail;
  detail.Text("pointer", Pointer()).Int64("offset", static_cast<int64_t>(offset));
  detail.Int64("line", line).Int32("column", column).Text("excerpt", excerpt);
  return MakeError(id, text, detail.Finish());
}

std::string JsonReader::Pointer() const {
  std::string pointer;
  for (const Frame& frame : frames_) {
    if (frame.array) {
      pointer.append("/").append(std::to_string(frame.index == 0 ? 0 : frame.index - 1));
      continue;
    }
    if (frame.element == kNowhere || frame.element >= out_.size()) break;
    pointer += '/';
    for (const char* c = out_.c_str() + frame.element + 1; *c != 0; ++c) {
      if (*c == '~' || *c == '/') {
        pointer.append(*c == '~' ? "~0" : "~1");
      } else {
        pointer += *c;
      }
    }
  }
  return pointer;
}

bool JsonReader::Fail(ErrorId id, std::string message) {
  failure_id_ = id;
  failure_ = std::move(message);
  return false;
}

bool JsonReader::Fail(Status status) {
  failure_status_ = std::move(status);
  return false;
}

bool JsonReader::BeginValue(bson::Type type) {
  // Wrappers shrink, so a document may be larger while it is read than when it is done; this bound
  // only keeps the lengths within 32 bits and the memory within reason.
  if (static_cast<int64_t>(out_.size()) > 2 * options_.bson_bytes_max + kMiB) {
    return Fail(ErrorId::kDocumentTooLarge, "the document is too large");
  }
  if (frames_.empty() || IsRootArray()) {
    if (!frames_.empty()) ++frames_.back().index;
    if (root_ == Root::kValue) {
      out_ += static_cast<char>(type);
      out_ += '\0';
      return true;
    }
    if (root_ == Root::kDocuments && frames_.empty()) {
      return type == bson::Type::kArray || Fail(ErrorId::kNotAnArray, "an array is expected");
    }
    return type == bson::Type::kObject || Fail(ErrorId::kNotAnObject, "an object is expected");
  }
  Frame& frame = frames_.back();
  if (!frame.array) {
    out_[frame.element] = static_cast<char>(type);
    return true;
  }
  frame.element = out_.size();
  out_ += static_cast<char>(type);
  AppendInteger(out_, frame.index++);
  out_ += '\0';
  return true;
}

bool JsonReader::Bool(bool v) {
  if (!BeginValue(bson::Type::kBool)) return false;
  out_ += static_cast<char>(v ? 1 : 0);
  return true;
}

namespace {

constexpr size_t kShownDigitsMax = 40;

// Whether `integer`, which 64 bits do not hold, is what its nearest double stands for: its exact
// value, or, as JavaScript writes doubles below 10^21, its shortest digits filled up with zeros.
bool WritesTheSame(std::string_view integer, double value) {
  char text[512];
  auto written = std::to_chars(text, text + sizeof(text), value, std::chars_format::fixed, 0);
  if (written.ec == std::errc() && std::string_view(text, written.ptr) == integer) return true;
  written = std::to_chars(text, text + sizeof(text), value, std::chars_format::scientific);
  std::string digits;
  for (const char c : std::string_view(text, written.ptr)) {
    if (c == 'e') break;
    if (c != '.') digits += c;
  }
  if (!integer.starts_with(digits)) return false;
  return integer.find_first_not_of('0', digits.size()) == std::string_view::npos;
}

}  // namespace

bool JsonReader::RawNumber(const char* text, uint32_t size, bool) {
  const std::string_view number(text, size);
  const bool integer = number.find_first_of(".eE") == std::string_view::npos;
  int64_t whole = 0;
  if (integer && ParseInt64(number, whole)) {
    if (whole >= std::numeric_limits<int32_t>::min() &&
        whole <= std::numeric_limits<int32_t>::max()) {
      const auto narrow = static_cast<int32_t>(whole);
      if (!BeginValue(bson::Type::kInt32)) return false;
      out_.append(reinterpret_cast<const char*>(&narrow), sizeof(narrow));
    } else {
      if (!BeginValue(bson::Type::kInt64)) return false;
      out_.append(reinterpret_cast<const char*>(&whole), sizeof(whole));
    }
    return true;
  }
  double value = 0;
  if (!BeginValue(bson::Type::kDouble)) return false;
  if (!ParseDouble(number, value)) {
    return Fail(ErrorId::kInvalidJson, "the number is out of range");
  }
  if (integer && !WritesTheSame(number, value)) {
    return Fail(ErrorId::kInvalidJson,
                "the integer " + std::string(number.substr(0, kShownDigitsMax)) +
                    " does not fit into 64 bits and no double is it; send it as a string or as "
                    "{\"$numberDecimal\": \"...\"}");
  }
  out_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  return true;
}

bool JsonReader::String(const char* text, uint32_t size, bool) {
  if (!BeginValue(bson::Type::kString)) return false;
  // Escapes can spell halves of surrogate pairs, which UTF-8 does not have.
  if (!bson::internal::ValidUtf8({text, size})) {
    return Fail(ErrorId::kInvalidJson, "half a surrogate pair");
  }
  const uint32_t stored = size + 1;
  out_.append(reinterpret_cast<const char*>(&stored), sizeof(stored));
  out_.append(text, size);
  out_ += '\0';
  return true;
}

bool JsonReader::Open(bson::Type type) {
  const bool outermost = frames_.empty();
  const size_t header = frames_.empty()        ? 4
                        : frames_.back().array ? out_.size()
                                               : frames_.back().element;
  const bool rootless = root_ != Root::kValue && (outermost || IsRootArray());
  if (!BeginValue(type)) return false;
  const size_t levels = frames_.size() - (root_ == Root::kDocuments && !frames_.empty() ? 1 : 0);
  if (levels >= options_.nesting_max) {
    return Fail(ErrorId::kTooDeep,
                "nested more than " + std::to_string(options_.nesting_max) + " levels deep");
  }
  const bool array = type == bson::Type::kArray;
  frames_.push_back(
      {rootless ? kNowhere : header, out_.size(), kNowhere, names_.size(), 0, array, false});
  if (!(outermost && root_ == Root::kDocuments)) out_.append(4, '\0');
  return true;
}

void JsonReader::Seal(const Frame& frame) {
  out_ += '\0';
  const auto size = static_cast<uint32_t>(out_.size() - frame.start);
  std::memcpy(out_.data() + frame.start, &size, sizeof(size));
}

bool JsonReader::StartObject() { return Open(bson::Type::kObject); }
bool JsonReader::StartArray() { return Open(bson::Type::kArray); }

bool JsonReader::Key(const char* text, uint32_t size, bool) {
  const std::string_view name(text, size);
  Frame& frame = frames_.back();
  const bool first = names_.size() == frame.names;
  frame.dollar = first ? name.starts_with('$') : frame.dollar;
  frame.element = out_.size();
  out_ += static_cast<char>(bson::Type::kNull);
  out_.append(name);
  out_ += '\0';
  if (name.find('\0') != std::string_view::npos) {
    return Fail(ErrorId::kInvalidJson, "a name must not hold a NUL");
  }
  if (!bson::internal::ValidUtf8(name)) {
    return Fail(ErrorId::kInvalidJson, "half a surrogate pair");
  }
  if (++fields_ > options_.fields_max) {
    return Fail(ErrorId::kTooManyFields,
                "more than " + std::to_string(options_.fields_max) + " fields");
  }
  return CheckName(name);
}

bool JsonReader::CheckName(std::string_view name) {
  const Frame& frame = frames_.back();
  const size_t count = names_.size() - frame.names;
  if (count <= kNamesComparedMax) {
    for (size_t i = frame.names; i < names_.size(); ++i) {
      if (NameAt(names_[i]) == name) {
        return Fail(ErrorId::kDuplicateMember, Quoted(name).append(" stands here twice"));
      }
    }
  }
  names_.push_back({static_cast<uint32_t>(frame.element + 1), static_cast<uint32_t>(name.size())});
  return true;
}

bool JsonReader::CheckNamesOfLarge(const Frame& frame) {
  const auto begin = names_.begin() + static_cast<std::ptrdiff_t>(frame.names);
  std::sort(begin, names_.end(),
            [this](const Name& a, const Name& b) { return NameAt(a) < NameAt(b); });
  const auto twice = std::adjacent_find(
      begin, names_.end(), [this](const Name& a, const Name& b) { return NameAt(a) == NameAt(b); });
  if (twice == names_.end()) return true;
  frames_.back().element = twice->offset - 1;
  return Fail(ErrorId::kDuplicateMember,
              Quoted(NameAt(*twice)).append(" stands in this object twice"));
}

bool JsonReader::EndObject(uint32_t) {
  const Frame frame = frames_.back();
  if (names_.size() - frame.names > kNamesComparedMax + 1 && !CheckNamesOfLarge(frame)) {
    return false;
  }
  Seal(frame);
  if (frame.dollar && frame.header != kNowhere && options_.dialect == JsonDialect::kExtended &&
      !UnwrapLast(frame)) {
    return false;
  }
  names_.resize(frame.names);
  frames_.pop_back();
  return IsRootArray() ? EndElementDocument() : true;
}

bool JsonReader::UnwrapLast(const Frame& frame) {
  const auto* start = reinterpret_cast<const uint8_t*>(out_.data()) + frame.start;
  const bson::Document object(BytesView{start, out_.size() - frame.start});
  bson::Type type = bson::Type::kEnd;
  std::string error;
  switch (Unwrap(object, type, payload_, error)) {
    case Wrapper::kNone: return true;
    case Wrapper::kMalformed: return Fail(ErrorId::kInvalidExtendedJson, std::move(error));
    case Wrapper::kUnwrapped: break;
  }
  out_.resize(frame.start);
  out_.append(payload_);
  out_[frame.header] = static_cast<char>(type);
  return true;
}

bool JsonReader::EndElementDocument() {
  const auto size = static_cast<int64_t>(out_.size());
  if (size > options_.bson_bytes_max) {
    return Fail(ErrorId::kDocumentTooLarge,
                "the document has " + std::to_string(size) + " bytes, at most " +
                    std::to_string(options_.bson_bytes_max) + " are allowed");
  }
  if (Status s = (*sink_)(frames_.back().index - 1, bson::Document(AsBytes(out_))); !s.ok()) {
    return Fail(std::move(s));
  }
  out_.clear();
  names_.clear();
  fields_ = 0;
  return true;
}

bool JsonReader::EndArray(uint32_t) {
  const Frame frame = frames_.back();
  if (!IsRootArray()) Seal(frame);
  frames_.pop_back();
  return true;
}

}  // namespace json

Result<std::string> JsonToBson(std::string_view json, const JsonOptions& options) {
  json::JsonReader reader(json::Root::kDocument, options, nullptr);
  if (Status s = reader.Read(json); !s.ok()) return s;
  return reader.Take();
}

Result<JsonValue> ParseJsonValue(std::string_view json, const JsonOptions& options) {
  json::JsonReader reader(json::Root::kValue, options, nullptr);
  if (Status s = reader.Read(json); !s.ok()) return s;
  return JsonValue(reader.Take());
}

Status JsonArrayToBson(std::string_view json, const DocumentSink& sink,
                       const JsonOptions& options) {
  return json::JsonReader(json::Root::kDocuments, options, &sink).Read(json);
}

}  // namespace nexadb
