#include "plugins/api-rest/json_splitter.h"

#include "core/document/error.h"

namespace nexadb::rest {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

Status Bad(std::string_view what, uint64_t line) {
  return MakeError(ErrorId::kInvalidJson,
                   std::string(what) + " in line " + std::to_string(line) + ".",
                   bson::Builder().Int64("line", static_cast<int64_t>(line)).Finish());
}

}  // namespace

Status JsonSplitter::Feed(std::string_view text) {
  for (const char c : text) {
    if (c == '\n') ++line_;
    if (Status status = Step(c); !status.ok()) return status;
  }
  return {};
}

Status JsonSplitter::Step(char c) {
  if (state_ != State::kElements) {
    if (IsSpace(c)) return {};
    if (state_ == State::kAfter) return Bad("There is text after the array", line_);
    if (c != '[') return Bad("The body is not an array", line_);
    state_ = State::kElements;
    return {};
  }
  if (!in_string_ && depth_ == 0) {
    if (c == ',') {
      Status status = EndElement();
      after_comma_ = true;
      return status;
    }
    if (c == ']') {
      state_ = State::kAfter;
      if (text_.empty() && !after_comma_) return {};
      return EndElement();
    }
    if (text_.empty() && IsSpace(c)) return {};
  }
  if (text_.size() >= element_bytes_max_) {
    return MakeError(ErrorId::kLineTooLong, "An element of the array is longer than " +
                                                std::to_string(element_bytes_max_) + " bytes.");
  }
  text_.push_back(c);
  if (in_string_) {
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      in_string_ = false;
    }
  } else if (c == '"') {
    in_string_ = true;
  } else if (c == '{' || c == '[') {
    ++depth_;
  } else if ((c == '}' || c == ']') && depth_ > 0) {
    --depth_;  // a stray '}' at depth 0 is the element parser's to refuse
  }
  return {};
}

Status JsonSplitter::EndElement() {
  if (text_.empty()) return Bad("An element is missing", line_);
  std::string element;
  element.swap(text_);
  while (IsSpace(element.back())) element.pop_back();
  return element_(element);
}

Status JsonSplitter::End() const {
  if (state_ == State::kAfter) return {};
  return Bad(state_ == State::kBefore ? "There is no array" : "The array does not end", line_);
}

}  // namespace nexadb::rest
