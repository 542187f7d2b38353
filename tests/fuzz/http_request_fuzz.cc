// A request as it comes from a socket: gate, parser, framing, chunks. Laws: what arrives in pieces
// gets the verdict of the whole; what passes the gate and the parser has tokens inside its head;
// chunked bodies decode the same however they are cut.
// LINK: http-server.objects nexadb_document
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "plugins/http-server/chunk_decoder.h"
#include "plugins/http-server/framing.h"
#include "plugins/http-server/request_gate.h"
#include "plugins/http-server/request_parser.h"
#include "plugins/http-server/router.h"

namespace {

using namespace nexadb::http;

void Check(bool law) {
  if (!law) std::abort();
}

// `input` decoded in pieces of `piece` bytes, then 'E' or 'D' for error or done.
std::string Decode(std::string_view input, size_t piece) {
  ChunkDecoder decoder;
  std::string out;
  size_t used = 0;
  while (used < input.size() && !decoder.done() && decoder.error() == nullptr) {
    const ChunkDecoder::Step step = decoder.Next(input.substr(used, piece));
    Check(step.consumed > 0 && step.consumed <= piece);
    out += step.data;
    used += step.consumed;
  }
  out += decoder.error() != nullptr ? 'E' : decoder.done() ? 'D' : 'M';
  return out;
}

bool Inside(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  HeadLimits limits;
  limits.request_line_bytes_max = 256;
  limits.header_bytes_max = 512;
  limits.header_count_max = 8;
  RequestGate whole(limits);
  const GateState state = whole.Scan(input);
  RequestGate stepwise(limits);
  GateState last = GateState::kNeedMore;
  for (size_t end = 1; end <= size && last == GateState::kNeedMore; ++end) {
    last = stepwise.Scan(input.substr(0, end));
  }
  // A limit on an unfinished line may be noticed earlier in pieces, never the other way round.
  if (state == GateState::kComplete) Check(last == GateState::kComplete);
  if (state == GateState::kRefused) Check(last == GateState::kRefused);
  Decode(input, 1);
  Check(Decode(input, 1) == Decode(input, size + 1));
  if (state != GateState::kComplete) return 0;
  Check(whole.head_end() == stepwise.head_end() && whole.head_end() <= size);
  Check(whole.head_end() <= limits.HeadBytesMax());
  const std::string_view head = input.substr(0, whole.head_end()).substr(whole.head_begin());
  ParsedHead parsed;
  nexadb::http::Refusal refusal;
  if (!ParseHead(head, parsed, refusal)) return 0;
  Check(Inside(parsed.method, head) && Inside(parsed.target, head));
  Check(parsed.headers.size() <= limits.header_count_max);
  for (const nexadb::HttpHeader& header : parsed.headers) {
    Check(IsToken(header.name) && Inside(header.name, head) && Inside(header.value, head));
  }
  Framing framing;
  if (!ReadFraming(parsed, framing, refusal)) return 0;
  Check(!framing.path.empty() && !(framing.chunked && framing.content_length > 0));
  std::string decoded;
  PercentDecode(framing.path, decoded);
  return 0;
}
