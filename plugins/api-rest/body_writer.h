// BodyWriter: one answer, written piece by piece, whatever its size.
//
// Text gathers in memory. An answer that stays small is sent whole, with its length; once it grows
// past kStreamAfterBytes the answer begins and goes out in chunks, and the writer waits whenever
// the peer is slower than we are. So memory stays bounded, and an error in a small answer can still
// become a problem document. What is sent in chunks goes out as gzip to who accepts it: for small
// answers that would cost more than it saves. [worker], one thread.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexadb/abi.h"
#include "plugins/api-rest/gzip.h"

namespace nexadb::rest {

class Request;

// A chunk is a few socket buffers long: long enough that its costs do not show, short enough that
// twenty thousand slow readers hold about a gigabyte.
constexpr size_t kChunkBytes = 64 * 1024;
// A page of ordinary size goes out in one piece.
constexpr size_t kStreamAfterBytes = 256 * 1024;

// Plain: each Flush is to reach the peer at once.
enum class Packing { kAsAccepted, kPlain };

class BodyWriter {
 public:
  BodyWriter(Request& request, uint16_t status, std::string_view content_type,
             Packing packing = Packing::kAsAccepted);
  // Before the first Pass. The views are copied.
  void AddHeader(std::string_view name, std::string_view value);
  void SetStatus(uint16_t status) { status_ = status; }

  // Append here, then call Pass.
  std::string& text() { return text_; }
  // Sends what has gathered if it is enough. kUnavailable when the peer has gone.
  Status Pass();
  // Sends all that has gathered now: for progress lines.
  Status Flush();
  // Ends the answer.
  Status Finish();

 private:
  Status Begin();
  Status Write();
  Status Send(std::string chunk);

  Request& request_;
  uint16_t status_;
  std::string text_;
  std::vector<std::pair<std::string, std::string>> headers_;
  bool begun_ = false;  // the headers are out
  const Packing packing_;
  std::unique_ptr<GzipWriter> gzip_;
};

}  // namespace nexadb::rest
