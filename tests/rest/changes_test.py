"""Change streams over HTTP: server-sent events that resume, keep alive, and never skip silently."""
import http.client
import json
import signal
import sys
import threading
import time
import unittest
import uuid
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from kernel import SLOWNESS, Kernel  # noqa: E402
from nexadb_client import NexaDBError  # noqa: E402


class Stream:
    """Reads server-sent events, one block at a time."""

    def __init__(self, kernel, path, headers=None, key=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", kernel.port, timeout=20 * SLOWNESS)
        self.connection.request("GET", path, headers={"X-API-Key": key or kernel.root_key, **(headers or {})})
        self.response = self.connection.getresponse()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.response.close()
        self.connection.close()

    def block(self):
        """The next block as {field: value}; a comment stands under ''. None at the end."""
        fields = {}
        while True:
            line = self.response.readline().decode()
            if not line:
                return None
            line = line.rstrip("\n")
            if not line:
                return fields
            name, _, value = line.partition(":")
            fields[name] = value.strip()

    def event(self):
        while True:
            block = self.block()
            if block is None or "event" in block:
                return block


class ChangesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernel = Kernel()
        cls.addClassCleanup(cls.kernel.__exit__)

    def setUp(self):
        self.name = "c" + uuid.uuid4().hex[:12]
        self.path = f"/collections/{self.name}"

    def http(self, method, path, body=None, expect=None, **options):
        status, answer = self.kernel.http(method, path, body, **options)
        if expect is not None:
            self.assertEqual(status, expect, answer)
        return answer

    def record(self, changes=True):
        self.http("POST", "/collections", {"name": self.name, "changes": changes}, 201)

    def test_each_change_is_an_event(self):
        self.record({"images": "both"})
        with Stream(self.kernel, self.path + "/_changes") as stream:
            self.assertEqual(stream.response.status, 200)
            self.assertEqual(stream.response.headers["Content-Type"], "text/event-stream")
            self.assertEqual(set(stream.block()), {"retry", "id"})
            one = self.http("POST", self.path, {"n": 1}, 201)["document_id"]
            self.http("PATCH", f"{self.path}/{one}", {"$inc": {"n": 1}}, 200)
            self.http("DELETE", f"{self.path}/{one}", expect=200)
            events = [stream.event() for _ in range(3)]
        data = [json.loads(event["data"]) for event in events]
        self.assertEqual([event["event"] for event in events], ["insert", "update", "delete"])
        self.assertEqual([d["operation"] for d in data], ["insert", "update", "delete"])
        self.assertEqual({d["document_id"] for d in data}, {one})
        self.assertEqual((data[1]["before"]["n"], data[1]["document"]["n"]), (1, 2))
        self.assertNotIn("document", data[2])
        self.assertEqual(data[2]["before"]["n"], 2)

    def test_a_follower_resumes_where_it_was(self):
        self.record()
        with Stream(self.kernel, self.path + "/_changes") as stream:
            stream.block()
            self.http("POST", self.path + "/bulk", {"documents": [{"n": n} for n in range(5)]}, 201)
            seen = [stream.event() for _ in range(2)]
        self.http("POST", self.path, {"n": 5}, 201)
        last = {"Last-Event-ID": seen[-1]["id"]}
        with Stream(self.kernel, self.path + "/_changes?since=oldest", last) as stream:
            rest = [json.loads(stream.event()["data"])["document"]["n"] for _ in range(4)]
        self.assertEqual(rest, [2, 3, 4, 5])
        with Stream(self.kernel, self.path + "/_changes?since=oldest") as stream:
            every = [json.loads(stream.event()["data"])["document"]["n"] for _ in range(6)]
        self.assertEqual(every, list(range(6)))

    def test_a_quiet_stream_gives_signs_of_life_with_a_position(self):
        self.record()
        with Stream(self.kernel, self.path + "/_changes?heartbeat=1s") as stream:
            stream.block()
            self.http("POST", "/collections/elsewhere", {"n": 1}, 201)
            block = stream.block()
            self.assertEqual(block[""], "heartbeat")
        with Stream(self.kernel, self.path + "/_changes", {"Last-Event-ID": block["id"]}) as stream:
            self.assertEqual(stream.response.status, 200)

    def test_what_cannot_be_followed_is_an_ordinary_error(self):
        def refused(path, status, code, **options):
            answer = self.http("GET", path, expect=status, **options)
            self.assertEqual(answer["code"], code)
            return answer
        refused(self.path + "/_changes", 404, "collection_not_found")
        self.http("POST", self.path, {"n": 1}, 201)
        refused(self.path + "/_changes", 422, "changes_not_recorded")
        self.http("PATCH", self.path, {"changes": True}, 200)
        refused(self.path + "/_changes?since=x", 400, "invalid_cursor")
        refused(self.path + "/_changes?heartbeat=1ms", 400, "invalid_parameter")
        with Stream(self.kernel, self.path + "/_changes") as stream:
            token = stream.block()["id"]
        self.http("PATCH", self.path, {"changes": False}, 200)
        self.http("PATCH", self.path, {"changes": True}, 200)
        self.assertIn("oldest", refused(self.path + "/_changes?since=" + token, 410, "change_history_lost"))

    def test_the_end_of_a_collection_and_of_a_key_end_the_stream(self):
        self.record()
        made = self.http("POST", "/keys", {"name": "follower", "actions": ["read"], "patterns": [self.name]}, 201)
        with Stream(self.kernel, self.path + "/_changes?heartbeat=1s", key=made["key"]) as stream:
            stream.block()
            self.http("DELETE", "/keys/" + made["id"], expect=200)
            event = stream.event()
            self.assertEqual((event["event"], json.loads(event["data"])["code"]), ("error", "forbidden"))
            self.assertIsNone(stream.block())
        with Stream(self.kernel, self.path + "/_changes") as stream:
            stream.block()
            self.http("DELETE", self.path, expect=200)
            event = stream.event()
            self.assertEqual(json.loads(event["data"])["code"], "collection_not_found")
            self.assertIsNone(stream.block())

    def test_a_follower_is_told_of_what_its_filter_matches(self):
        self.record({"images": "both"})

        def follow(filter_):
            return Stream(self.kernel, self.path + "/_changes?since=oldest&filter=" + quote(json.dumps(filter_)))

        for n in range(6):
            self.http("POST", self.path, {"_id": f"d{n}", "n": n, "price": "$n"}, 201)
        self.http("PATCH", f"{self.path}/d1", {"$set": {"n": 50}}, 200)
        self.http("DELETE", f"{self.path}/d2", expect=200)
        self.http("POST", self.path, {"_id": "last", "n": 100}, 201)

        def seen(filter_):
            with follow({"$or": [filter_, {"document_id": "last"}]}) as stream:
                out = []
                while not out or out[-1] != ("insert", "last"):
                    data = json.loads(stream.event()["data"])
                    out.append((data["operation"], data["document_id"]))
                return out[:-1]
        self.assertEqual(seen({"document.n": {"$gt": 3, "$lt": 60}}),
                         [("insert", "d4"), ("insert", "d5"), ("update", "d1")])
        self.assertEqual(seen({"operation": "delete"}), [("delete", "d2")])
        self.assertEqual(seen({"before.n": 1}), [("update", "d1")])
        self.assertEqual(seen({"$expr": {"$eq": ["$document.price", {"$literal": "$n"}]}, "document.n": 3}),
                         [("insert", "d3")])
        for bad, code in (({"n": {"$gte2": 1}}, "unknown_operator"), ("text", "invalid_json")):
            path = self.path + "/_changes?filter=" + quote(bad if isinstance(bad, str) else json.dumps(bad))
            self.assertEqual(self.http("GET", path, expect=400)["code"], code)

    def test_a_filter_needs_the_memory_of_one_event_alone(self):
        """Two hundred events of 100 kB: far more together than a query of this server may take."""
        def small(text):
            return text.replace('query_memory = "64MiB"', 'query_memory = "1MiB"')
        with Kernel(edit=small) as kernel:
            self.assertIn('query_memory = "1MiB"', kernel.config.read_text(encoding="utf-8"))
            kernel.http("POST", "/collections", {"name": "c", "changes": {"images": "after"}})
            for at in range(0, 200, 20):
                status, _ = kernel.http("POST", "/collections/c/bulk", {"documents": [
                    {"_id": f"d{n}", "n": n, "text": "x" * 100_000} for n in range(at, at + 20)]})
                self.assertEqual(status, 201)
            path = "/collections/c/_changes?since=oldest&filter=" + quote('{"document.n": {"$mod": [50, 49]}}')
            with Stream(kernel, path) as stream:
                seen = [json.loads(stream.event()["data"])["document_id"] for _ in range(4)]
            self.assertEqual(seen, ["d49", "d99", "d149", "d199"])

    def test_a_passed_over_event_moves_the_position_on(self):
        self.record()
        with Stream(self.kernel, self.path + "/_changes?heartbeat=1s&filter=" + quote('{"operation": "delete"}')) as stream:
            first = stream.block()["id"]
            self.http("POST", self.path, {"n": 1}, 201)
            beat = stream.block()
            until = time.monotonic() + 20 * SLOWNESS
            while beat["id"] == first and time.monotonic() < until:  # one may come before the insert
                self.assertEqual(beat[""], "heartbeat")
                beat = stream.block()
            self.assertEqual(beat[""], "heartbeat")
            self.assertNotEqual(beat["id"], first)

    def test_a_renamed_collection_is_followed_under_its_new_name(self):
        self.record()
        with Stream(self.kernel, self.path + "/_changes") as stream:
            stream.block()
            self.http("POST", self.path, {"_id": "one"}, 201)
            place = stream.event()["id"]
            new = self.name + "x"
            self.http("PATCH", self.path, {"name": new}, 200)
            event = stream.event()
            self.assertEqual(event["event"], "rename")
            self.assertEqual(json.loads(event["data"]), {"operation": "rename", "database": "nexadb", "to": new})
            self.assertIsNone(stream.block())
        self.http("POST", f"/collections/{new}", {"_id": "two"}, 201)
        with Stream(self.kernel, f"/collections/{new}/_changes", {"Last-Event-ID": event["id"]}) as stream:
            self.assertEqual(json.loads(stream.event()["data"])["document_id"], "two")
        answer = self.http("GET", f"{self.path}/_changes?since={place}", expect=404)
        self.assertEqual(answer["code"], "collection_not_found")
        self.assertIn(new, answer["detail"])

    def test_many_followers_see_all_and_hold_no_thread(self):
        """More followers than the pool has threads; a writer beside them is not held up."""
        self.record({"images": "none"})
        streams = [Stream(self.kernel, self.path + "/_changes") for _ in range(40)]
        try:
            for stream in streams:
                stream.block()
            total = 200
            writer = threading.Thread(target=lambda: [
                self.kernel.http("POST", self.path + "/bulk", {"documents": [{}] * 10}) for _ in range(total // 10)])
            writer.start()
            for stream in streams:
                ids = [json.loads(stream.event()["data"])["document_id"] for _ in range(total)]
                self.assertEqual(len(set(ids)), total)
            writer.join()
        finally:
            for stream in streams:
                stream.__exit__()

    def test_the_log_is_complete_after_a_kill_under_load(self):
        """Sixteen writers, kill -9: the log tells every document that is there, once, and no other."""
        with Kernel() as kernel:
            kernel.http("POST", "/collections", {"name": "c", "changes": {"images": "none"}})
            acknowledged = []
            enough = threading.Event()

            def write(writer):
                users = kernel.connect().collection("c")
                try:
                    for n in range(100000):
                        acknowledged.append(users.insert({"_id": f"{writer}-{n}"}))
                        if len(acknowledged) > 500:
                            enough.set()
                except NexaDBError:
                    pass  # killed

            writers = [threading.Thread(target=write, args=(writer,)) for writer in range(16)]
            for writer in writers:
                writer.start()
            self.assertTrue(enough.wait(20 * SLOWNESS))
            kernel.kill()
            for writer in writers:
                writer.join()
            kernel.start()
            there = {d["_id"] for d in kernel.http("POST", "/collections/c/query", {"limit": 1000000})[1]["documents"]}
            self.assertLessEqual(set(acknowledged), there)
            kernel.http("POST", "/collections/c", {"_id": "last"})
            told = []
            with Stream(kernel, "/collections/c/_changes?since=oldest") as stream:
                while not told or told[-1] != "last":
                    told.append(json.loads(stream.event()["data"])["document_id"])
            self.assertEqual(sorted(told[:-1]), sorted(there))

    def test_a_replaced_interface_ends_its_streams_and_takes_them_up_again(self):
        with Kernel() as kernel:
            kernel.http("POST", "/collections", {"name": "c", "changes": True})
            with Stream(kernel, "/collections/c/_changes?heartbeat=1s") as stream:
                place = stream.block()["id"]
                text = kernel.config.read_text(encoding="utf-8")
                kernel.config.write_text(text.replace('query_time = "30s"', 'query_time = "29s"'), encoding="utf-8")
                kernel.process.send_signal(signal.SIGHUP)
                while (block := stream.block()) is not None:
                    place = block.get("id", place)
            kernel.http("POST", "/collections/c", {"_id": "after"})
            with Stream(kernel, "/collections/c/_changes", {"Last-Event-ID": place}) as stream:
                self.assertEqual(json.loads(stream.event()["data"])["document_id"], "after")

    def test_a_stopping_server_ends_its_streams(self):
        with Kernel() as kernel:
            kernel.http("POST", "/collections", {"name": "c", "changes": True})
            with Stream(kernel, "/collections/c/_changes") as stream:
                stream.block()
                kernel.stop()
                self.assertIsNone(stream.block())


if __name__ == "__main__":
    unittest.main()
