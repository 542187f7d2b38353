#include "sdk/cli/relaxed_json.h"

#include <cctype>

namespace nexadb::cli {
namespace {

bool IsNameStart(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' ||
         (c & 0x80) != 0;
}
bool IsNamePart(char c) {
  return IsNameStart(c) || std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '.';
}

void AppendEscaped(std::string& out, char c) {
  constexpr char kHex[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  if (c == '"' || c == '\\') {
    out.push_back('\\');
    out.push_back(c);
  } else if (byte < 0x20) {
    out += "\\u00";
    out.push_back(kHex[byte >> 4]);
    out.push_back(kHex[byte & 15]);
  } else {
    out.push_back(c);
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::vector<std::string> Arguments() {
    std::vector<std::string> values;
    Skip();
    while (at_ < text_.size()) {
      out_.clear();
      Value(0);
      values.push_back(out_);
      Skip();
      if (at_ == text_.size()) break;
      if (text_[at_] != ',') Fail("expected ',' between arguments");
      ++at_;
      Skip();
    }
    return values;
  }

  std::string Single() {
    Skip();
    Value(0);
    Skip();
    if (at_ != text_.size()) Fail("unexpected text after the value");
    return out_;
  }

 private:
  [[noreturn]] void Fail(const std::string& what) const {
    const std::string_view rest = text_.substr(at_, 20);
    throw RelaxedJsonError(
        what + " at character " + std::to_string(at_ + 1) +
        (rest.empty() ? ", where the text ends" : ", before '" + std::string(rest) + "'"));
  }

  void Skip() {
    while (at_ < text_.size()) {
      if (std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
        ++at_;
      } else if (text_.substr(at_, 2) == "//") {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (text_.substr(at_, 2) == "/*") {
        const size_t end = text_.find("*/", at_ + 2);
        if (end == std::string_view::npos) Fail("a comment that does not end");
        at_ = end + 2;
      } else {
        return;
      }
    }
  }

  void Value(int depth) {
    if (depth > kRelaxedDepthMax) Fail("nested too deeply");
    if (at_ == text_.size()) Fail("expected a value");
    const char c = text_[at_];
    if (c == '{') return Members(depth, '}');
    if (c == '[') return Members(depth, ']');
    if (c == '"' || c == '\'') return Text();
    if (c == '-' || c == '+' || c == '.' || std::isdigit(static_cast<unsigned char>(c)) != 0) {
      return Number();
    }
    if (IsNameStart(c)) return Word();
    Fail("expected a value");
  }

  void Members(int depth, char close) {
    out_.push_back(text_[at_++]);
    bool first = true;
    for (Skip(); at_ < text_.size() && text_[at_] != close; Skip()) {
      if (!first) out_.push_back(',');
      first = false;
      if (close == '}') Name();
      Value(depth + 1);
      Skip();
      if (at_ < text_.size() && text_[at_] == ',') {
        ++at_;
      } else if (at_ == text_.size() || text_[at_] != close) {
        Fail(std::string("expected ',' or '") + close + "'");
      }
    }
    if (at_ == text_.size()) Fail(std::string("expected '") + close + "'");
    out_.push_back(text_[at_++]);
  }

  void Name() {
    if (text_[at_] == '"' || text_[at_] == '\'') {
      Text();
    } else {
      const size_t start = at_;
      while (at_ < text_.size() && IsNamePart(text_[at_])) ++at_;
      if (at_ == start) Fail("expected a name");
      out_.append("\"").append(text_.substr(start, at_ - start)).append("\"");
    }
    Skip();
    if (at_ == text_.size() || text_[at_] != ':') Fail("expected ':' after the name");
    ++at_;
    out_.push_back(':');
    Skip();
  }

  void Text() {
    const char quote = text_[at_++];
    out_.push_back('"');
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        const char escaped = text_[at_ + 1];
        at_ += 2;
        if (escaped == '\'') {
          out_.push_back('\'');
        } else {
          out_.push_back('\\');
          out_.push_back(escaped);
        }
      } else {
        AppendEscaped(out_, text_[at_++]);
      }
    }
    if (at_ == text_.size()) Fail("a text that does not end");
    ++at_;
    out_.push_back('"');
  }

  void Number() {
    if (text_[at_] == '+') ++at_;
    if (at_ < text_.size() && text_[at_] == '-') out_.push_back(text_[at_++]);
    if (at_ < text_.size() && text_[at_] == '.') out_.push_back('0');
    const size_t start = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 ||
                                  text_[at_] == '.' || text_[at_] == '+' || text_[at_] == '-')) {
      out_.push_back(text_[at_++]);
    }
    if (at_ == start) Fail("expected a number");
    if (out_.back() == '.') out_.push_back('0');
  }

  void Word() {
    const size_t start = at_;
    while (at_ < text_.size() && IsNamePart(text_[at_])) ++at_;
    const std::string_view word = text_.substr(start, at_ - start);
    if (word == "true" || word == "True") {
      out_ += "true";
    } else if (word == "false" || word == "False") {
      out_ += "false";
    } else if (word == "null" || word == "None" || word == "undefined") {
      out_ += "null";
    } else {
      at_ = start;
      Fail("'" + std::string(word) + "' needs quotes");
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string out_;
};

}  // namespace

std::string ToStrictJson(std::string_view relaxed) { return Parser(relaxed).Single(); }

std::vector<std::string> ToStrictArguments(std::string_view relaxed) {
  return Parser(relaxed).Arguments();
}

bool IsComplete(std::string_view text) {
  int open = 0;
  char quote = '\0';
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != '\0') {
      if (c == '\\') {
        ++i;
      } else if (c == quote) {
        quote = '\0';
      }
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '(' || c == '[' || c == '{') {
      ++open;
    } else if (c == ')' || c == ']' || c == '}') {
      --open;
    }
  }
  return quote == '\0' && open <= 0;
}

}  // namespace nexadb::cli
