// JsonSplitter: cuts a JSON array that arrives in parts into the texts of its elements, holding one
// element at most. It knows strings and brackets only; what an element is worth, its parser says.
// One thread.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "nexadb/abi.h"

namespace nexadb::rest {

class JsonSplitter {
 public:
  // `element` gets each element's text, without the white space around it.
  JsonSplitter(uint64_t element_bytes_max, std::function<Status(std::string_view)> element)
      : element_bytes_max_(element_bytes_max), element_(std::move(element)) {}
  // invalid_json, line_too_long, or what `element` returned.
  Status Feed(std::string_view text);
  // invalid_json when the array is not complete.
  Status End() const;

 private:
  enum class State { kBefore, kElements, kAfter };

  Status Step(char c);
  Status EndElement();

  const uint64_t element_bytes_max_;
  const std::function<Status(std::string_view)> element_;
  State state_ = State::kBefore;
  std::string text_;  // of the element so far
  uint32_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool after_comma_ = false;
  uint64_t line_ = 1;
};

}  // namespace nexadb::rest
