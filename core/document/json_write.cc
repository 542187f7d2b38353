// BSON to JSON: the writing half of json.h. Recursion is bounded by what Validate lets in.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

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

// Whether the integer goes out as a JSON number.
bool IsPlainInt64(int64_t value, JsonMode mode) {
  const bool safe = value >= -kSafeIntegerMax && value <= kSafeIntegerMax;
  return mode == JsonMode::kRelaxed || (mode == JsonMode::kRest && safe);
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

// Writes into the room that a text is given ahead of what is written: a value of one of the usual
// types costs one look at how much of it is left. What is rare is appended to the text itself.
class Writer {
 public:
  Writer(std::string& out, JsonMode mode, size_t expected_bytes)
      : out_(out), mode_(mode), begin_(out.size()) {
    MakeRoom(begin_, expected_bytes);
  }
  ~Writer() {
    if (at_ != nullptr) out_.resize(Used());  // null: memory ran out in Append
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void Document(bson::Document document, Level level);
  void Array(bson::Document array);
  void Value(const bson::Value& v);

 private:
  // A number, true, false, null, and what stands between values.
  static constexpr size_t kScalarBytesMax = 32;

  size_t Used() const { return static_cast<size_t>(at_ - out_.data()); }
  // After this so many bytes can be put.
  void Reserve(size_t bytes) {
    if (static_cast<size_t>(end_ - at_) < bytes) [[unlikely]]
      Grow(bytes);
  }
  [[gnu::noinline]] void Grow(size_t bytes) {
    const size_t used = Used();
    MakeRoom(used, std::max(bytes, std::min(used - begin_, kGrowthBytesMax)));
  }
  void MakeRoom(size_t used, size_t bytes) {
    out_.resize(used + bytes);
    at_ = out_.data() + used;
    end_ = out_.data() + out_.size();
  }
  void Put(char c) { *at_++ = c; }
  void Put(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void Text(std::string_view text) {
    Reserve(text.size() + 2 + kScalarBytesMax);
    if (json::CopyPlain(text, at_ + 1)) {
      Put('"');
      at_ += text.size();
      Put('"');
      return;
    }
    Append([&](std::string& out) { json::AppendValidString(out, text); });
  }
  template <class Integer>
  void Number(Integer value) {
    at_ = std::to_chars(at_, at_ + kScalarBytesMax, value).ptr;
  }
  // `append` appends to the text itself.
  template <class AppendTo>
  void Append(AppendTo&& append) {
    out_.resize(Used());
    at_ = end_ = nullptr;
    append(out_);
    MakeRoom(out_.size(), kScalarBytesMax);
  }
  bool PlainDate(const bson::Element& e);

  static constexpr size_t kGrowthBytesMax = 1 << 20;

  std::string& out_;
  const JsonMode mode_;
  const size_t begin_;  // what was there before
  char* at_ = nullptr;
  char* end_ = nullptr;
};

void WriteValue(std::string& out, const bson::Value& v, JsonMode mode) {
  Writer(out, mode, v.bytes().size() + 32).Value(v);
}

void WriteDocument(std::string& out, bson::Document document, JsonMode mode, Level level) {
  Writer(out, mode, document.bytes().size() * 3 / 2).Document(document, level);
}

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

void WriteRare(std::string& out, const bson::Value& v, JsonMode mode) {
  switch (v.type()) {
    case Type::kDouble: return WriteDouble(out, v.Double(), mode);
    case Type::kBinary: return WriteBinary(out, v);
    case Type::kUndefined: out.append("{\"$undefined\":true}"); return;
    case Type::kObjectId: return WriteObjectId(out, v.ObjectId());
    case Type::kDate: return WriteDate(out, v.DateMs(), mode);
    case Type::kRegex: return WriteRegex(out, v);
    case Type::kDbPointer: return WriteDbPointer(out, v);
    case Type::kCode: return WriteText(out, "$code", v);
    case Type::kSymbol: return WriteText(out, "$symbol", v);
    case Type::kCodeWithScope: return WriteCodeWithScope(out, v, mode);
    case Type::kInt32: return WrapInteger(out, "$numberInt", v.Int32());
    case Type::kTimestamp: return WriteTimestamp(out, v.Timestamp());
    case Type::kInt64: return WrapInteger(out, "$numberLong", v.Int64());
    case Type::kDecimal128:
      return Wrap(out, "$numberDecimal", Decimal::FromBytes(v.Decimal128()).ToString());
    case Type::kMinKey: out.append("{\"$minKey\":1}"); return;
    case Type::kMaxKey: out.append("{\"$maxKey\":1}"); return;
    default: return;  // Writer::Value writes the others
  }
}

void Writer::Value(const bson::Value& v) {
  switch (v.type()) {
    case Type::kString: return Text(v.Text());
    case Type::kObject: return Document(v.Doc(), Level::kInner);
    case Type::kArray: return Array(v.Doc());
    case Type::kBool: return Put(v.Bool() ? std::string_view("true") : std::string_view("false"));
    case Type::kInt32:
      if (mode_ == JsonMode::kCanonical) break;
      return Number(v.Int32());
    case Type::kInt64:
      if (!IsPlainInt64(v.Int64(), mode_)) break;
      return Number(v.Int64());
    case Type::kNull:
    case Type::kEnd: return Put("null");
    default: break;
  }
  Append([&](std::string& out) { WriteRare(out, v, mode_); });
}

// _created_at and _updated_at of a REST answer's documents.
bool Writer::PlainDate(const bson::Element& e) {
  if (e.type() != Type::kDate || (e.name() != "_created_at" && e.name() != "_updated_at")) {
    return false;
  }
  bool written = false;
  Append([&](std::string& out) {
    out += '"';
    written = AppendRfc3339(out, e.value().DateMs());
    if (written) {
      out += '"';
    } else {
      out.pop_back();
    }
  });
  return written;
}

void Writer::Document(bson::Document document, Level level) {
  const bool plain_dates = mode_ == JsonMode::kRest && level == Level::kOutermost;
  char before = '{';
  for (const bson::Element& e : document) {
    Reserve(kScalarBytesMax);
    Put(before);
    before = ',';
    Text(e.name());  // leaves room for the value
    Put(':');
    if (!plain_dates || !PlainDate(e)) Value(e.value());
  }
  Reserve(2);
  Put(before == '{' ? std::string_view("{}") : std::string_view("}"));
}

void Writer::Array(bson::Document array) {
  char before = '[';
  for (const bson::Element& e : array) {
    Reserve(kScalarBytesMax);
    Put(before);
    before = ',';
    Value(e.value());
  }
  Reserve(2);
  Put(before == '[' ? std::string_view("[]") : std::string_view("]"));
}

}  // namespace

std::string BsonToJson(bson::Document document, JsonMode mode) {
  std::string out;
  WriteDocument(out, document, mode, Level::kOutermost);
  return out;
}

void AppendJson(std::string& out, bson::Document document, JsonMode mode) {
  WriteDocument(out, document, mode, Level::kOutermost);
}

void AppendJsonArray(std::string& out, bson::Document array, JsonMode mode) {
  Writer(out, mode, array.bytes().size() * 3 / 2).Array(array);
}

void AppendJson(std::string& out, const bson::Value& value, JsonMode mode) {
  WriteValue(out, value, mode);
}

}  // namespace nexadb
