#include <gtest/gtest.h>

#include <string>

#include "plugins/http-server/framing.h"
#include "plugins/http-server/request_gate.h"
#include "plugins/http-server/request_parser.h"

namespace nexadb::http {
namespace {

// Feeds `input` byte by byte; the first verdict that is not "need more".
GateState ScanInSteps(RequestGate& gate, std::string_view input) {
  for (size_t size = 1; size <= input.size(); ++size) {
    const GateState state = gate.Scan(input.substr(0, size));
    if (state != GateState::kNeedMore) return state;
  }
  return GateState::kNeedMore;
}

TEST(RequestGate, PassesAHeadWholeOrByteByByte) {
  const std::string head = "POST /a?b=%20 HTTP/1.1\r\nHost: x\r\nX-Y:\tz \r\n\r\n";
  RequestGate whole({});
  EXPECT_EQ(whole.Scan(head + "body"), GateState::kComplete);
  EXPECT_EQ(whole.head_end(), head.size());
  RequestGate stepwise({});
  EXPECT_EQ(ScanInSteps(stepwise, head), GateState::kComplete);
  EXPECT_EQ(stepwise.head_end(), head.size());
}

TEST(RequestGate, IgnoresOneEmptyLineBeforeTheRequest) {
  RequestGate gate({});
  EXPECT_EQ(gate.Scan("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"), GateState::kComplete);
  EXPECT_EQ(gate.head_begin(), 2u);
  RequestGate twice({});
  EXPECT_EQ(twice.Scan("\r\n\r\nGET / HTTP/1.1\r\n"), GateState::kRefused);
}

TEST(RequestGate, RefusesBeforeTheHeadIsComplete) {
  for (const std::string_view input : {"\x16\x03\x01", "GET /\r\n", "GET / HTTP/1.1\n",
                                       "GET / HTTP/1.1\rX", " GET", "GE(T / H\r\n"}) {
    RequestGate gate({});
    EXPECT_EQ(ScanInSteps(gate, std::string(input) + "xx"), GateState::kRefused) << input;
  }
}

TEST(RequestGate, KeepsItsLimitsToTheByte) {
  HeadLimits limits;
  limits.request_line_bytes_max = 40;
  limits.header_bytes_max = 60;
  limits.header_count_max = 2;
  const std::string line = "GET /" + std::string(26, 'a') + " HTTP/1.1";
  ASSERT_EQ(line.size(), 40u);
  RequestGate fits(limits);
  EXPECT_EQ(fits.Scan(line + "\r\nA: b\r\nC: d\r\n\r\n"), GateState::kComplete);
  RequestGate long_line(limits);
  EXPECT_EQ(long_line.Scan("GET /a" + line.substr(5) + "\r\n"), GateState::kRefused);
  EXPECT_EQ(long_line.refusal().error, ErrorId::kUriTooLong);
  RequestGate endless_line(limits);
  EXPECT_EQ(endless_line.Scan("GET /" + std::string(60, 'a')), GateState::kRefused);
  EXPECT_EQ(endless_line.refusal().error, ErrorId::kUriTooLong);
  RequestGate three(limits);
  EXPECT_EQ(three.Scan(line + "\r\nA: b\r\nC: d\r\nE: f\r\n\r\n"), GateState::kRefused);
  EXPECT_EQ(three.refusal().error, ErrorId::kHeadersTooLarge);
  const std::string header60 = "A: " + std::string(55, 'b') + "\r\n";
  RequestGate full(limits);
  EXPECT_EQ(full.Scan(line + "\r\n" + header60 + "\r\n"), GateState::kComplete);
  RequestGate over(limits);
  EXPECT_EQ(over.Scan(line + "\r\nX" + header60 + "\r\n"), GateState::kRefused);
  EXPECT_EQ(over.refusal().error, ErrorId::kHeadersTooLarge);
  RequestGate endless_header(limits);
  EXPECT_EQ(endless_header.Scan(line + "\r\nX: " + std::string(80, 'b')), GateState::kRefused);
}

TEST(RequestParser, GivesTokensWithoutWhiteSpace) {
  ParsedHead head;
  Refusal refusal;
  ASSERT_TRUE(ParseHead("DELETE /x?q=1 HTTP/1.0\r\nHost:  h \r\nEmpty:\r\n\r\n", head, refusal));
  EXPECT_EQ(head.method, "DELETE");
  EXPECT_EQ(head.target, "/x?q=1");
  EXPECT_TRUE(head.http_1_0);
  ASSERT_EQ(head.headers.size(), 2u);
  EXPECT_EQ(std::string_view(head.headers[0].value), "h");
  EXPECT_EQ(std::string_view(head.headers[1].value), "");
}

TEST(Framing, ReadsTheAbsoluteForm) {
  ParsedHead head;
  Refusal refusal;
  Framing framing;
  ASSERT_TRUE(ParseHead("GET http://a:1/p?q HTTP/1.1\r\nHost: b\r\n\r\n", head, refusal));
  ASSERT_TRUE(ReadFraming(head, framing, refusal));
  EXPECT_EQ(framing.host, "a:1");
  EXPECT_EQ(framing.path, "/p");
  EXPECT_EQ(framing.query, "q");
}

}  // namespace
}  // namespace nexadb::http
