#!/usr/bin/env python3
"""Input made to hurt: JSON that costs more to read than to send, text that software trips over, members
named twice, and requests that two readers take for different ones. Each gets its documented answer,
what is stored comes back as it was, and memory comes back too."""
import http.client
import json
import resource
import socket
import unittest
from urllib.parse import quote

from kernel import SLOWNESS, Kernel

DEPTHS = (201, 1_000, 100_000, 1_000_000)
MANY = 100_000 if SLOWNESS == 1 else 10_000

# Text that has broken other programs, each for a reason of its own.
NAUGHTY = [
    "", " ", "\t", "undefined", "null", "NULL", "nil", "true", "NaN", "Infinity", "-0", "0x0", "1e1000",
    "1/0", "__proto__", "constructor", "hasOwnProperty", "then", "COM1", "CON", "/dev/null", "../../etc/passwd",
    "..\\..\\windows", "%2e%2e%2f", "%00", "%n%s%p%x", "%d" * 50, "{{7*7}}", "${7*7}", "#{7*7}", "<%= 7 %>",
    "$(touch /tmp/x)", "`id`", "; ls", "| cat", "&& id", "' OR 1=1 --", '"; DROP TABLE users; --', "1;DROP TABLE x",
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "javascript:alert(1)", "<svg/onload=alert(1)>",
    "<!--", "]]>", "&lt;b&gt;", "=1+1", "@SUM(A1)", "+1", "-1+1|cmd", "\r\nSet-Cookie: a=b", "\r", "\n", "\r\n\r\n",
    "\x01\x02\x1b[31m", "\x7f", "\x80\x9f", "\u00ad", "\u200b\u200c\u200d", "\u200e\u200f\u202e\u2066\u2069",
    "\u2028\u2029", "\ufeff", "\ufffe", "\uffff", "\ufdd0", "\U0010ffff", "\u0300" * 100, "Z\u0351\u036b\u0343",
    "Ω≈ç√∫", "åß∂ƒ", "¡™£¢", "Ёлка", "田中さん", "社會科學院", "찦차를", "مُنَاقَشَةُ", "בְּרֵאשִׁית", "ﷺ", "ǅ", "İıſK", "ß", "ﬁ",
    "😍", "👩🏽‍🚀", "🏳️‍🌈", "🇺🇸🇷🇺", "0️⃣", "\U0001f9d1\u200d\U0001f91d\u200d\U0001f9d1", "𝕿𝖍𝖊", "⒯⒣⒠", "ʇᴉs",
    "\u0041\u030a", "\u00c5", "\u212b", "Power\u0644\u064f\u0644\u064f", "a" * 10_000, "é" * 5_000, "😀" * 2_500,
    "$", "$where", "$gt", ".", "a.b", "..", "a..b", "$[]", "_id", "0", "-1", "1.5", "\\", "\\\\", "\\u0000", "/", "//", "?", "#", "&", "*",
]
# What a name in a path cannot be, or stands for something else there.
NOT_A_KEY = {"", ".", ".."}


class HostileInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernel = Kernel()
        cls.addClassCleanup(cls.kernel.__exit__)

    def rss_bytes(self):
        with open(f"/proc/{self.kernel.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    def post(self, body, path="/collections/bombs"):
        status, answer = self.kernel.http("POST", path, body)
        return status, answer.get("code", "")

    def test_json_that_costs_more_to_read_than_to_send(self):
        self.post(b'{"a": 1}')
        for depth in DEPTHS:
            for opened, closed in ((b'{"a":', b"}"), (b"[", b"]")):
                body = b'{"b":' + opened * depth + b"1" + closed * depth + b"}"
                self.assertEqual(self.post(body), (400, "too_deep"), depth)
                self.assertEqual(self.post(body[:len(body) // 2])[0], 400, depth)  # and never ends
                status, code = self.post(b'{"filter": ' + body + b"}", "/collections/bombs/query")
                # A filter is not stored: it may be as deep as the reader of JSON goes.
                self.assertIn((status, code), [(400, "too_deep")] + [(200, "")] * (depth < 300), depth)
        before = self.rss_bytes()
        bombs = {
            "many members": json.dumps({f"k{n}": n for n in range(MANY)}).encode(),
            "many elements": b'{"a":[' + b"0," * (10 * MANY) + b"0]}",
            "many empty arrays": b'{"a":[' + b"[]," * MANY + b"[]]}",
            "a long number": b'{"a":' + b"9" * 1_000_000 + b"}",
            "a long fraction": b'{"a":0.' + b"3" * 1_000_000 + b"}",
            "a huge exponent": b'{"a":1e' + b"9" * 100_000 + b"}",
            "a long name": b'{"' + b"n" * 1_000_000 + b'":1}',
            "escapes": b'{"a":"' + b"\\u0041" * 1_000_000 + b'"}',
            "white space": b" " * 20_000_000 + b'{"a":1}',
            "never ends": b'{"a":"' + b"x" * 20_000_000,
            "too large a document": b'{"a":"' + b"x" * 17_000_000 + b'"}',
        }
        for name, body in bombs.items():
            with self.subTest(name):
                status, code = self.post(body)
                self.assertIn(status, (201, 400, 413, 422), code)
                self.assertEqual(status == 201, code == "", code)
        for filter_ in ({"$or": [{"a": n} for n in range(MANY)]}, {"a": {"$in": list(range(10 * MANY))}}):
            status, code = self.post(json.dumps({"filter": filter_}).encode(), "/collections/bombs/query")
            self.assertIn(status, (200, 400, 413, 422), code)
        nested = {"a": 1}
        for _ in range(90):
            nested = {"$and": [nested]}
        status, code = self.post(json.dumps({"filter": nested}).encode(), "/collections/bombs/query")
        self.assertIn(status, (200, 400), code)
        self.assertEqual(self.kernel.http("DELETE", "/collections/bombs")[0], 200)
        if SLOWNESS == 1:
            self.assertLess(self.rss_bytes(), before + 300_000_000)
        self.assertEqual(self.kernel.http("GET", "/healthz")[0], 200)

    def test_a_member_named_twice_is_refused_wherever_it_stands(self):
        for body in (b'{"a": 1, "a": 1}', b'{"x": {"a": 1, "b": 2, "a": 3}}', b'{"x": [1, {"a": 1, "a": 2}]}',
                     b'{"a": 1, "\\u0061": 2}', b'{"_id": 1, "_id": 2}', b'{"": 1, "": 2}'):
            self.assertEqual(self.post(body, "/collections/twice"), (400, "duplicate_member"), body)
            wrapped = b'{"documents": [' + body + b"]}"
            self.assertEqual(self.post(wrapped, "/collections/twice/bulk"), (400, "duplicate_member"), body)
        self.assertEqual(self.post(b'{"name": "k", "actions": ["read"], "actions": ["admin"]}', "/keys"),
                         (400, "duplicate_member"))
        self.assertEqual(self.post(b'{"filter": {"a": 1}, "filter": {}}', "/collections/twice/_delete")[0], 400)
        self.assertNotIn("twice", self.kernel.http("GET", "/collections")[1]["collections"])

    def test_what_is_no_utf8_is_refused(self):
        for text in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\\ud800", b"\\udc00\\ud800",
                     b"\x00", b"\x1f", b"\\x41", b"\\u12"):
            status, code = self.post(b'{"a": "' + text + b'"}', "/collections/utf8")
            self.assertEqual((status, code), (400, "invalid_json"), text)
        self.assertNotIn("utf8", self.kernel.http("GET", "/collections")[1]["collections"])

    def test_naughty_text_comes_back_as_it_was(self):
        with self.kernel.connect() as db:
            values = db.collection("naughty")
            values.insert_many([{"_id": n, "value": text} for n, text in enumerate(NAUGHTY)])
            found = {document["_id"]: document["value"] for document in values.find({}, limit=1000)}
            self.assertEqual(found, dict(enumerate(NAUGHTY)))
            for n, text in enumerate(NAUGHTY):
                with self.subTest(text[:40]):
                    self.assertIn(n, [d["_id"] for d in values.find({"value": {"$eq": text}}, limit=10)])
        for text in NAUGHTY:
            with self.subTest(text[:40]):
                self.check_as_id_and_key(text)
                self.check_as_member(text)
                self.check_as_collection(text)
        self.assertEqual(self.kernel.http("GET", "/healthz")[0], 200)

    def check_as_id_and_key(self, text):
        status, answer = self.kernel.http("POST", "/collections/ids", {"_id": text, "v": 1})
        self.assertIn(status, (201, 400, 413, 422), answer)
        if status == 201 and text not in NOT_A_KEY and len(text) < 500:
            status, found = self.kernel.http("GET", "/collections/ids/" + quote(text, safe=""))
            # A path's id may be read as another type; the query says which.
            if status == 404:
                found = self.kernel.http("POST", "/collections/ids/query", {"filter": {"_id": text}})[1]
                self.assertEqual(found["documents"][0]["_id"], text)
            else:
                self.assertEqual((status, found["document"]["_id"]), (200, text))

    def check_as_member(self, text):
        status, answer = self.kernel.http("POST", "/collections/members", {"outer": {text: 1}})
        self.assertIn(status, (201, 400, 413, 422), answer)
        if status == 201:
            document = self.kernel.http("GET", "/collections/members/" + answer["document_id"])[1]["document"]
            self.assertEqual(document["outer"], {text: 1})

    def check_as_collection(self, text):
        if text in NOT_A_KEY:
            return
        try:
            status, answer = self.kernel.http("POST", "/collections/" + quote(text, safe=""), {"a": 1})
        except http.client.RemoteDisconnected:
            self.fail("no answer")
        self.assertIn(status, (201, 400, 404, 405, 414), answer)
        if status == 201:
            self.assertIn(text, self.kernel.http("GET", "/collections")[1]["collections"])

    def test_requests_that_two_readers_could_take_for_different_ones_are_refused(self):
        """What http-server's own tests say of its parser, for the whole product: one answer, then the end,
        and the smuggled insert never happens."""
        host = f"Host: 127.0.0.1:{self.kernel.port}\r\n"
        auth = f"X-API-Key: {self.kernel.root_key}\r\nContent-Type: application/json\r\n"
        inner = (f"POST /collections/smuggled HTTP/1.1\r\n{host}{auth}Content-Length: 7\r\n\r\n" + '{"a":1}')
        post = f"POST /collections/outer HTTP/1.1\r\n{host}{auth}"
        table = {
            "length and chunks": "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "chunks and length": "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            "two lengths": "Content-Length: 0\r\nContent-Length: 7\r\n\r\n",
            "lengths in a list": "Content-Length: 0, 7\r\n\r\n",
            "a signed length": "Content-Length: +0\r\n\r\n",
            "a negative length": "Content-Length: -1\r\n\r\n",
            "a hexadecimal length": "Content-Length: 0x0\r\n\r\n",
            "an overflowing length": "Content-Length: 18446744073709551616\r\n\r\n",
            "a length after a space": "Content-Length : 0\r\n\r\n",
            "a folded length": "Content-Length:\r\n 0\r\n\r\n",
            "chunked twice": "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
            "chunked in quotes": 'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
            "chunked with a tail": "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
            "chunked not last": "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
            "chunked with a control": "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
            "two encodings": "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "a chunk that is signed": "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
            "a chunk of 2^64": "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n",
            "a chunk with bare LF": "Transfer-Encoding: chunked\r\n\r\n0\n\n",
            "trailers": "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 9\r\n\r\n",
            "a bare CR": "X: a\rContent-Length: 0\r\n\r\n",
            "a NUL": "X: a\0b\r\nContent-Length: 0\r\n\r\n",
            "a second Host": host + "Content-Length: 0\r\n\r\n",
        }
        for name, rest in table.items():
            with self.subTest(name):
                client = socket.create_connection(("127.0.0.1", self.kernel.port), timeout=60)
                client.sendall((post + rest + inner).encode("latin-1"))
                client.shutdown(socket.SHUT_WR)
                got = b""
                while part := client.recv(65536):
                    got += part
                client.close()
                self.assertEqual(got.count(b"HTTP/1.1 "), 1, got)
                self.assertIn(int(got.split(b" ")[1]), (400, 501), got)
                self.assertIn(b"connection: close", got.lower())
        collections = self.kernel.http("GET", "/collections")[1]["collections"]
        self.assertNotIn("smuggled", collections)
        self.assertNotIn("outer", collections)


if __name__ == "__main__":
    unittest.main()
