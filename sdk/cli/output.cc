#include "sdk/cli/output.h"

#include <rapidjson/document.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <unistd.h>

#include <cstdio>

namespace nexadb::cli {
namespace {

// Numbers keep the digits that the server wrote; parsing is iterative, so depth costs no stack.
constexpr unsigned kParse = rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;

// Passes events on to a writer, with numbers as they stood.
template <class Writer>
class Copy : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Copy<Writer>> {
 public:
  explicit Copy(Writer& writer) : writer_(writer) {}
  bool Null() { return writer_.Null(); }
  bool Bool(bool b) { return writer_.Bool(b); }
  bool RawNumber(const char* s, rapidjson::SizeType n, bool) {
    return writer_.RawValue(s, n, rapidjson::kNumberType);
  }
  bool String(const char* s, rapidjson::SizeType n, bool) { return writer_.String(s, n); }
  bool StartObject() { return writer_.StartObject(); }
  bool Key(const char* s, rapidjson::SizeType n, bool) { return writer_.Key(s, n); }
  bool EndObject(rapidjson::SizeType n) { return writer_.EndObject(n); }
  bool StartArray() { return writer_.StartArray(); }
  bool EndArray(rapidjson::SizeType n) { return writer_.EndArray(n); }

 private:
  Writer& writer_;
};

template <class Writer>
std::string Rewrite(std::string_view json, Writer& writer, rapidjson::StringBuffer& buffer) {
  rapidjson::MemoryStream stream(json.data(), json.size());
  rapidjson::Reader reader;
  Copy<Writer> copy(writer);
  if (!reader.Parse<kParse>(stream, copy)) return std::string(json);
  return {buffer.GetString(), buffer.GetSize()};
}

// Where each top-level element of a JSON array (or value of an object) stands in its text.
struct Part {
  std::string_view name;  // still quoted; empty in an array
  std::string_view value;
};

std::vector<Part> Split(std::string_view json) {
  std::vector<Part> parts;
  size_t start = 0;
  int depth = 0;
  bool quoted = false;
  Part part;
  auto trim = [](std::string_view text) {
    while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
    while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
    return text;
  };
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth == 1) start = i + 1;
    } else if (depth == 1 && c == ':') {
      part.name = trim(json.substr(start, i - start));
      start = i + 1;
    } else if ((c == ',' && depth == 1) || ((c == '}' || c == ']') && --depth == 0)) {
      part.value = trim(json.substr(start, i - start));
      if (!part.value.empty()) parts.push_back(part);
      part = {};
      start = i + 1;
    }
  }
  return parts;
}

}  // namespace

Style StyleForStdout() { return isatty(STDOUT_FILENO) == 1 ? Style::kPretty : Style::kCompact; }

std::string Layout(std::string_view json, Style style) {
  rapidjson::StringBuffer buffer;
  if (style == Style::kPretty) {
    rapidjson::PrettyWriter<rapidjson::StringBuffer> writer(buffer);
    writer.SetIndent(' ', 2);
    writer.SetFormatOptions(rapidjson::kFormatSingleLineArray);
    return Rewrite(json, writer, buffer);
  }
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  return Rewrite(json, writer, buffer);
}

std::string Member(std::string_view object, const char* name) {
  const std::string quoted = Quote(name);
  for (const Part& part : Split(object)) {
    if (part.name == quoted) return std::string(part.value);
  }
  return {};
}

std::string MemberText(std::string_view object, const char* name) {
  const std::string json = Member(object, name);
  rapidjson::Document value;
  value.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  return value.IsString() ? std::string(value.GetString(), value.GetStringLength()) : json;
}

std::vector<std::string> Elements(std::string_view array) {
  std::vector<std::string> elements;
  for (const Part& part : Split(array)) elements.emplace_back(part.value);
  return elements;
}

std::vector<std::string> Elements(std::string_view object, const char* name) {
  return Elements(Member(object, name));
}

std::string Quote(std::string_view text) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  return {buffer.GetString(), buffer.GetSize()};
}

void PrintLine(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
}

Progress::Progress(std::string_view what, uint64_t total)
    : what_(what), total_(total), visible_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (visible_ && shown_ != ~uint64_t{0}) std::fputs("\r\033[K", stderr);
}

void Progress::Advance(uint64_t done) {
  if (!visible_) return;
  constexpr uint64_t kTenthOfMib = (uint64_t{1} << 20) / 10;
  const uint64_t shown = total_ == 0 ? done / kTenthOfMib : done * 100 / total_;
  if (shown == shown_) return;
  shown_ = shown;
  const auto number = static_cast<unsigned long long>(shown);
  if (total_ == 0) {
    std::fprintf(stderr, "\r%s %llu.%llu MiB", what_.c_str(), number / 10, number % 10);
  } else {
    std::fprintf(stderr, "\r%s %3llu %%", what_.c_str(), number);
  }
  std::fflush(stderr);
}

}  // namespace nexadb::cli
