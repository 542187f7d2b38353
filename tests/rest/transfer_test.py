"""Export and import: what goes out comes back as it was, in constant memory, zipped or not."""
import gzip
import json
import os
import select
import sys
import time
import unittest
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from kernel import SLOWNESS, Kernel  # noqa: E402

NDJSON = {"Content-Type": "application/x-ndjson"}
LARGE_BYTES = 32_000_000  # of one import, twice as much as it may need
MEMORY_BYTES = 16_000_000
PAD = "p" * 900
# What an import sends, by its media type: before the documents, one of them, behind them.
FORMS = {
    "ndjson": ("application/x-ndjson", "", '{{"_id":{n},"pad":"%s"}}\n' % PAD, ""),
    "json": ("application/json", "[", '{{"_id":{n},"pad":"%s"}},' % PAD, '{"_id":0}]'),
    "csv": ("text/csv", "_id,pad\n", "{n},%s\n" % PAD, ""),
}


class Upload:
    """An import whose body is sent as the test goes on."""

    def __init__(self, kernel, path, media, headers=None):
        self.connection = kernel.open()
        self.connection.putrequest("POST", path)
        for name, value in {"X-API-Key": kernel.root_key, "Content-Type": media, "Transfer-Encoding": "chunked",
                            **(headers or {})}.items():
            self.connection.putheader(name, value)
        self.connection.endheaders()

    def send(self, text):
        if text:
            self.connection.send(b"%x\r\n%s\r\n" % (len(text), text.encode()))

    def end(self):
        self.connection.send(b"0\r\n\r\n")

    def answer(self):
        return self.connection.getresponse()

    def close(self):
        self.connection.close()


class TransferTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernel = Kernel()
        cls.addClassCleanup(cls.kernel.__exit__)

    def setUp(self):
        self.name = "t" + uuid.uuid4().hex[:12]
        self.path = f"/collections/{self.name}"

    def http(self, method, path, body=None, expect=None, **options):
        status, answer = self.kernel.http(method, path, body, **options)
        if expect is not None:
            self.assertEqual(status, expect, answer)
        return answer

    def export(self, path, form="ndjson"):
        status, data = self.kernel.http("GET", f"{path}/_export?format={form}&sort=_id", raw=True)
        self.assertEqual(status, 200)
        return data

    def test_an_export_is_imported_as_it_was(self):
        """Timestamps, vectors and types, in every format that keeps types; CSV keeps what it can write."""
        self.http("PUT", "/vector/" + self.name, {"dimensions": 3, "metric": "l2"}, 201)
        self.http("POST", "/vector/" + self.name, {"document": {"_id": "a", "n": 1}, "vector": [0.1, -2.5e-7, 3]}, 201)
        self.http("POST", self.path, {"_id": "b", "big": {"$numberLong": "9007199254740993"},
                                      "at": {"$date": "2020-01-02T03:04:05.678Z"}}, 201)
        self.http("PATCH", self.path + "/b", {"$set": {"m": 2.0}}, 200)
        for form, media in (("ndjson", "application/x-ndjson"), ("json", "application/json"), ("csv", "text/csv")):
            with self.subTest(form=form):
                sent = self.export(self.path, form)
                self.assertIn(b"__vector__", sent)
                copy = f"{self.path}_{form}"
                self.http("PUT", copy.replace("/collections", "/vector"), {"dimensions": 3, "metric": "l2"}, 201)
                self.http("POST", copy + "/_import", sent, 201, headers={"Content-Type": media})
                if form != "csv":
                    self.assertEqual(self.export(copy, form), sent)
                found = self.http("POST", copy.replace("/collections", "/vector") + "/search",
                                  {"vector": [0.1, -2.5e-7, 3], "include_vector": True}, 200)
                self.assertEqual([r["document_id"] for r in found["results"]], ["a"])
        rows = [json.loads(line) for line in self.export(self.path).splitlines()]
        self.assertEqual(rows[0]["__vector__"], [0.1, -2.5e-7, 3])
        self.assertNotIn("__vector__", rows[1])
        chosen = self.kernel.http("GET", f"{self.path}/_export?fields=n", raw=True)[1]
        self.assertNotIn(b"__vector__", chosen)
        left_out = self.kernel.http("GET", f"{self.path}/_export?vectors=false", raw=True)[1]
        self.assertNotIn(b"__vector__", left_out)

    def test_canonical_keeps_every_type(self):
        """What ejson=canonical reads of a document, an import writes as the same types: relaxed tells 5 the int32
        from 5 the int64 no more."""
        sent = {"_id": "a", "small": {"$numberInt": "5"}, "long": {"$numberLong": "5"},
                "big": {"$numberLong": "-9223372036854775808"}, "double": {"$numberDouble": "5.0"},
                "decimal": {"$numberDecimal": "1.234567890123456789012345678901230E-10"},
                "date": {"$date": {"$numberLong": "-62135596800001"}},
                "far": {"$date": {"$numberLong": "253402300800000"}},
                "nested": [{"at": {"$date": {"$numberLong": "1"}}, "n": {"$numberLong": "1"}}],
                "binary": {"$binary": {"base64": "AAEC", "subType": "00"}},
                "_created_at": {"$date": {"$numberLong": "1577923445678"}},
                "_updated_at": {"$date": {"$numberLong": "1577923445679"}}}
        self.http("POST", self.path + "/_import", json.dumps(sent).encode() + b"\n", 201, headers=NDJSON)
        copy = self.path + "_copy"
        for form, media in (("ndjson", "application/x-ndjson"), ("json", "application/json")):
            with self.subTest(form=form):
                status, data = self.kernel.http("GET", f"{self.path}/_export?ejson=canonical&format={form}", raw=True)
                self.assertEqual(status, 200)
                self.kernel.http("DELETE", copy)
                self.http("POST", copy + "/_import", data, 201, headers={"Content-Type": media})
                read = {
                    "get": self.http("GET", copy + "/a?ejson=canonical", expect=200)["document"],
                    "list": self.http("GET", copy + "?ejson=canonical", expect=200)["documents"][0],
                    "query": self.http("POST", copy + "/query?ejson=canonical", {}, 200)["documents"][0],
                    "all": self.http("POST", copy + "/aggregate?ejson=canonical", [], 200)["results"][0],
                    "page": self.http("POST", copy + "/aggregate?ejson=canonical", {"pipeline": [], "limit": 5},
                                      200)["results"][0]}
                for route, document in read.items():
                    self.assertEqual(document, sent, route)
                self.assertEqual(self.http("GET", copy + "/a?ejson=canonical&fields=long", expect=200)["document"],
                                 {"_id": "a", "long": sent["long"]})
                self.assertEqual(self.http("POST", copy + "/_distinct?ejson=canonical", {"field": "long"},
                                           200)["values"], [sent["long"]])
                lines = self.kernel.http("POST", copy + "/query?ejson=canonical", {}, raw=True,
                                         headers={"Accept": "application/x-ndjson"})[1].splitlines()
                self.assertEqual(json.loads(lines[0]), sent)
                self.assertEqual(json.loads(lines[1])["$end"]["count"], 1)
        relaxed = self.http("GET", self.path + "/a?ejson=relaxed", expect=200)["document"]
        self.assertEqual(relaxed["long"], 5)
        self.assertEqual(relaxed["_created_at"], {"$date": "2020-01-02T00:04:05.678Z"})
        for bad in ("/a?ejson=strict", "?ejson=", "/_export?ejson=1", "/_export?ejson=canonical&format=csv"):
            self.assertEqual(self.http("GET", self.path + bad, expect=400)["code"], "invalid_parameter", bad)

    def anonymous_bytes(self, kernel):
        """Memory of the kernel that is no file's."""
        with open(f"/proc/{kernel.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("RssAnon"))

    @unittest.skipIf(SLOWNESS > 1, "sanitizers keep what was freed")
    def test_any_size_goes_in_and_out_in_constant_memory(self):
        self.addCleanup(os.environ.pop, "MALLOC_ARENA_MAX", None)
        os.environ["MALLOC_ARENA_MAX"] = "1"  # what threads keep of what was freed is not the question
        with Kernel(edit=lambda text: text.replace('memory_budget = "1GiB"', 'memory_budget = "4MiB"', 1)) as kernel:
            for form, (media, before, row, behind) in FORMS.items():
                for total in (2_000_000, LARGE_BYTES):  # what is needed once, then what is needed more
                    with self.subTest(form=form, total=total):
                        path = f"/collections/{form}{total}"
                        base, most = self.anonymous_bytes(kernel), 0
                        upload = Upload(kernel, path + "/_import", media)
                        upload.send(before)
                        for at in range(1, total // 920, 500):
                            upload.send("".join(row.format(n=n) for n in range(at, at + 500)))
                            most = max(most, self.anonymous_bytes(kernel))
                        upload.send(behind)
                        upload.end()
                        answer = json.loads(upload.answer().read())
                        upload.close()
                        self.assertEqual((answer["failed"], answer["inserted"] * 920 > total), (0, True), answer)
                        read = kernel.open()
                        read.request("GET", f"{path}/_export?format={form}", headers={"X-API-Key": kernel.root_key})
                        response, out = read.getresponse(), 0
                        while part := response.read(100_000):
                            out += len(part)
                            most = max(most, self.anonymous_bytes(kernel))
                        read.close()
                        self.assertGreater(out, total)
                        if total == LARGE_BYTES:
                            self.assertLess(most - base, MEMORY_BYTES)

    def test_an_import_tells_how_far_it_is_while_its_body_comes(self):
        upload = Upload(self.kernel, self.path + "/_import", "application/x-ndjson", {"Accept": "application/x-ndjson"})
        lines = lambda at: "".join(f'{{"_id": {n}}}\n' for n in range(at, at + 1000))
        sent, began = 0, time.monotonic()
        while not select.select([upload.connection.sock], [], [], 0.1)[0]:  # it tells once a second
            self.assertLess(time.monotonic() - began, 20 * SLOWNESS, "it tells nothing")
            upload.send(lines(sent))
            sent += 1000
        self.assertGreater(time.monotonic() - began, 0.9)
        answer = upload.answer()
        self.assertEqual(answer.status, 200)
        told = json.loads(answer.readline())["progress"]
        self.assertEqual(told, {"read": told["read"], "inserted": told["read"], "failed": 0})
        self.assertTrue(0 < told["read"] <= sent, (told, sent))
        upload.send(lines(sent))
        upload.end()
        end = json.loads(answer.read().splitlines()[-1])["$end"]
        upload.close()
        self.assertEqual((end["ok"], end["inserted"]), (True, sent + 1000))

    def test_a_vector_alone_makes_a_vector_collection(self):
        self.http("POST", self.path + "/_import", b'{"_id":1,"__vector__":[1,2]}\n', 201, headers=NDJSON)
        self.assertEqual(self.http("GET", "/vector/" + self.name, expect=200)["dimensions"], 2)

    def test_imports_take_gzip_and_others_refuse_it(self):
        lines = b"".join(b'{"_id":%d,"x":"%s"}\n' % (n, os.urandom(8).hex().encode()) for n in range(5000))
        zipped = {**NDJSON, "Content-Encoding": "gzip"}
        answer = self.http("POST", self.path + "/_import", gzip.compress(lines), 201, headers=zipped)
        self.assertEqual(answer["inserted"], 5000)
        self.assertEqual(self.http("POST", self.path + "/_import", b"no gzip", 400, headers=zipped)["code"], "bad_request")
        cut = self.http("POST", self.path + "2/_import", gzip.compress(lines)[:-20], 400, headers=zipped)
        self.assertEqual(cut["code"], "bad_request")
        self.assertIn("inserted", cut)
        bomb = gzip.compress(b'{"a":"' + b" " * (128 << 20) + b'"}\n')
        self.assertEqual(self.http("POST", self.path + "/_import", bomb, 413, headers=zipped)["limit"], "gzip_ratio")
        for coding in ("br", "deflate", "gzip, gzip"):
            self.assertEqual(self.http("POST", self.path + "/_import", lines, 415, headers={
                **NDJSON, "Content-Encoding": coding})["code"], "unsupported_encoding")
        self.assertEqual(self.http("POST", self.path, gzip.compress(b"{}"), 415, headers={
            "Content-Encoding": "gzip"})["code"], "unsupported_encoding")

    def test_large_answers_are_zipped_for_who_asks(self):
        documents = [{"_id": n, "text": "the same words again and again " * 20} for n in range(2000)]
        self.http("POST", self.path + "/bulk", {"documents": documents}, 201)
        path = self.path + "?limit=2000&sort=_id"
        plain = self.kernel.http("GET", path, raw=True)[1]
        self.assertNotIn("Content-Encoding", self.kernel.last_headers)
        zipped = self.kernel.http("GET", path, raw=True, headers={"Accept-Encoding": "deflate, gzip;q=0.9"})[1]
        self.assertEqual(self.kernel.last_headers["Content-Encoding"], "gzip")
        self.assertLess(len(zipped), len(plain) // 5)
        self.assertEqual(json.loads(gzip.decompress(zipped))["documents"], json.loads(plain)["documents"])
        self.kernel.http("GET", path, raw=True, headers={"Accept-Encoding": "gzip;q=0"})
        self.assertNotIn("Content-Encoding", self.kernel.last_headers)
        self.kernel.http("GET", self.path + "?limit=1", raw=True, headers={"Accept-Encoding": "gzip"})
        self.assertNotIn("Content-Encoding", self.kernel.last_headers)

    def test_who_accepts_lines_is_told_how_an_import_ends(self):
        accepts = {**NDJSON, "Accept": "application/x-ndjson"}
        def last(body, expect=200):
            status, data = self.kernel.http("POST", self.path + "/_import", body, headers=accepts, raw=True)
            self.assertEqual(status, expect, data)
            return json.loads(data.splitlines()[-1])
        end = last(b'{"_id":1}\n{"_id":2}\n{"_id":1}\n')["$end"]
        self.assertEqual((end["ok"], end["inserted"], end["failed"]), (False, 2, 1))
        self.assertEqual(end["errors"][0]["code"], "duplicate_key")
        self.assertEqual(last(b'{"_id":3}\n{"_id":\n', 400)["code"], "invalid_json")
        self.assertEqual(self.http("POST", self.path + "/_count", {})["count"], 3)


if __name__ == "__main__":
    unittest.main()
