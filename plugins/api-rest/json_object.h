// JsonObject: writes one JSON object member by member into a string.
//
//   JsonObject reply;
//   reply.Text("status", "success").Integer("count", 2);
//   std::string body = reply.Finish();
//
// BSON values go out in JsonMode::kRest unless another is given.
#pragma once
#include <string>
#include <string_view>

#include "core/document/json.h"
#include "nexadb/bson.h"

namespace nexadb::rest {

class JsonObject {
 public:
  JsonObject() {
    out_.reserve(kBytesFirst);
    out_.push_back('{');
  }
  JsonObject& Text(std::string_view name, std::string_view text) {
    AppendJsonString(Name(name), text);
    return *this;
  }
  JsonObject& Integer(std::string_view name, int64_t value) {
    return Raw(name, std::to_string(value));
  }
  // REQUIRES: finite.
  JsonObject& Number(std::string_view name, double value) {
    AppendJsonDouble(Name(name), value);
    return *this;
  }
  JsonObject& Bool(std::string_view name, bool value) {
    return Raw(name, value ? "true" : "false");
  }
  JsonObject& Null(std::string_view name) { return Raw(name, "null"); }
  JsonObject& Document(std::string_view name, bson::Document document,
                       JsonMode mode = JsonMode::kRest) {
    // Names and numbers take more as text; a string that grows in steps is copied at each.
    out_.reserve(out_.size() + name.size() + document.bytes().size() * 3 / 2);
    AppendJson(Name(name), document, mode);
    return *this;
  }
  JsonObject& Value(std::string_view name, const bson::Value& value) {
    AppendJson(Name(name), value, JsonMode::kRest);
    return *this;
  }
  JsonObject& Raw(std::string_view name, std::string_view json) {
    Name(name) += json;
    return *this;
  }
  // All members of `document`, as they are.
  JsonObject& Members(bson::Document document) {
    for (const bson::Element& element : document) Value(element.name(), element.value());
    return *this;
  }
  // A moment as RFC 3339 text; null when it is 0.
  JsonObject& Moment(std::string_view name, int64_t unix_ms) {
    std::string text;
    if (unix_ms == 0 || !AppendRfc3339(text, unix_ms)) return Null(name);
    return Text(name, text);
  }
  // Begins a member; its value is appended to the string that comes back.
  std::string& Name(std::string_view name) {
    if (out_.size() > 1) out_.push_back(',');
    AppendJsonString(out_, name);
    out_.push_back(':');
    return out_;
  }
  std::string Finish() {
    out_.push_back('}');
    return std::move(out_);
  }

 private:
  static constexpr size_t kBytesFirst = 128;
  std::string out_;
};

}  // namespace nexadb::rest
