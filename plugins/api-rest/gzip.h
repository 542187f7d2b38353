// Gzip: bodies on their way in and out.
//
// Reading is bounded in what it makes of what it is given: a body that grows more than
// kGzipRatioMax times is refused, so that a small upload cannot be made a large one. Writing uses
// the fastest level: an answer should not wait for its last percent. One thread at a time.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "nexadb/abi.h"

namespace nexadb::rest {

constexpr uint64_t kGzipRatioMax = 100;

class GzipReader {
 public:
  using Sink = std::function<Status(std::string_view part)>;
  GzipReader();
  ~GzipReader();
  // Hands what `part` holds to `sink`, piece by piece, and fails as the sink does. bad_request for
  // what is not gzip, body_too_large past the ratio. Members that follow one another are one body.
  Status Feed(std::string_view part, const Sink& sink);
  // The body ended: bad_request unless it was whole.
  Status Finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class GzipWriter {
 public:
  GzipWriter();
  ~GzipWriter();
  // What `text` adds to the body; empty while it is still gathered. kInternal when memory is out.
  Result<std::string> Add(std::string_view text);
  // The rest.
  Result<std::string> Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nexadb::rest
