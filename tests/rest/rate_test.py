"""Rates of keys: what one may send, how it is told to wait, and that nobody else notices."""
import json
import re
import socket
import sys
import threading
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from kernel import Kernel, eventually  # noqa: E402

DOCUMENT = "/collections/rated/a"


class RateTest(unittest.TestCase):
    maxDiff = 2000

    @classmethod
    def setUpClass(cls):
        cls.kernel = Kernel()
        cls.addClassCleanup(cls.kernel.__exit__)
        status, _ = cls.kernel.http("POST", "/collections/rated", {"_id": "a", "b": 1})
        assert status == 201, status

    def make(self, rate, burst=None, actions=("read", "write")):
        spec = {"name": "rated", "actions": list(actions), "patterns": ["*", "kv:*"], "requests_per_second": rate}
        if burst is not None:
            spec["burst"] = burst
        status, made = self.kernel.http("POST", "/keys", spec)
        self.assertEqual((status, made["requests_per_second"], made.get("burst")), (201, rate, burst))
        return made

    def admits(self, burst, statuses, elapsed_s):
        """A key of one request in a second and of `burst` admits `burst`, and one for each second."""
        self.assertLessEqual(set(statuses), {200, 201, 204, 429})
        admitted = sum(status != 429 for status in statuses)
        self.assertGreaterEqual(admitted, burst, statuses)
        self.assertLessEqual(admitted, burst + int(elapsed_s), statuses)

    def get(self, key, path=DOCUMENT):
        return self.kernel.http("GET", path, key=key["key"])[0]

    def test_n_are_allowed_the_next_is_refused_and_a_second_later_it_goes_on(self):
        key = self.make(5)
        began = time.monotonic()
        statuses = [self.get(key) for _ in range(6)]
        elapsed = time.monotonic() - began
        if elapsed < 0.2:  # else a turn has come free meanwhile
            self.assertEqual(statuses, [200] * 5 + [429])
        while True:
            status, problem = self.kernel.http("GET", DOCUMENT, key=key["key"])
            if status == 429:
                break
        self.assertEqual(self.kernel.last_headers["Retry-After"], "1")
        self.assertEqual((problem["code"], problem["retry_after_s"], problem["retryable"]), ("rate_limited", 1, True))
        time.sleep(1.01)
        self.assertEqual([self.get(key) for _ in range(5)], [200] * 5)

    def test_others_notice_nothing(self):
        slow, other = self.make(1, 2), self.make(1000)
        over = threading.Event()

        def press():
            while not over.is_set():
                self.kernel.http("GET", DOCUMENT, key=slow["key"])

        pressing = threading.Thread(target=press)
        pressing.start()
        try:
            self.assertEqual({self.get(other) for _ in range(100)}, {200})
            self.assertEqual({self.kernel.http("GET", DOCUMENT)[0] for _ in range(100)}, {200})
        finally:
            over.set()
            pressing.join()

    def test_a_request_counts_once_on_every_path(self):
        paths = {  # by what becomes of them: answered on the I/O thread, moved from it, run on the pool
            "inline": ("GET", DOCUMENT, None), "moved": ("GET", DOCUMENT + "?fields=b", None),
            "large": ("POST", "/collections/rated", {"x": "y" * 20_000}),
            "bulk": ("POST", "/collections/rated/bulk", {"documents": [{"n": n} for n in range(500)]}),
            "query": ("POST", "/collections/rated/query", {"query": {"n": {"$gt": 250}}}),
            "export": ("GET", "/collections/rated/_export", None),
            "operations": ("POST", "/transactions", {"operations": [
                {"method": "PUT", "path": f"/kv/b/{n}", "body": "MQ=="} for n in range(20)]}),
        }
        for name, (method, path, body) in paths.items():
            with self.subTest(path=name):
                key = self.make(1, 4)
                began = time.monotonic()
                statuses = [self.kernel.http(method, path, body, key=key["key"], raw=True)[0] for _ in range(8)]
                self.admits(4, statuses, time.monotonic() - began)

    def test_the_metrics_say_so_too_although_they_ask_for_a_key_themselves(self):
        spec = {"name": "scraper", "actions": ["admin"], "patterns": ["*/*"], "requests_per_second": 1, "burst": 1}
        key = self.kernel.http("POST", "/keys", spec)[1]
        for _ in range(5):
            status, problem = self.kernel.http("GET", "/metrics", key=key["key"], raw=True)
            if status != 200:
                break
        self.assertEqual((status, json.loads(problem)["code"]), (429, "rate_limited"))
        self.assertEqual(self.kernel.last_headers["Retry-After"], "1")

    def test_pipelined_requests_count_each(self):
        key = self.make(1, 5)
        one = f"GET {DOCUMENT} HTTP/1.1\r\nHost: 127.0.0.1:{self.kernel.port}\r\nX-API-Key: {key['key']}\r\n"
        sent = (one + "\r\n") * 11 + one + "Connection: close\r\n\r\n"
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.kernel.port), timeout=30) as peer:
            peer.sendall(sent.encode())
            data = b""
            while part := peer.recv(65536):
                data += part
        statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", data)]
        self.assertEqual(len(statuses), 12)
        self.assertEqual(statuses[:5], [200] * 5)
        self.admits(5, statuses, time.monotonic() - began)

    def test_many_connections_share_one_rate(self):
        key = self.make(1, 10)
        statuses = []
        began = time.monotonic()
        callers = [threading.Thread(target=lambda: statuses.extend(self.get(key) for _ in range(10)))
                   for _ in range(8)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        self.admits(10, statuses, time.monotonic() - began)

    def test_a_rate_is_changed_and_taken_away(self):
        key = self.make(1, 2)
        change = lambda body: self.kernel.http("PATCH", "/keys/" + key["id"], body)
        self.assertEqual([self.get(key) for _ in range(2)], [200] * 2)
        self.assertEqual(change({"requests_per_second": 1000})[1]["requests_per_second"], 1000)
        status, changed = change({"requests_per_second": None})
        self.assertEqual((status, changed.get("requests_per_second"), changed.get("burst")), (200, None, None))
        self.assertEqual({self.get(key) for _ in range(20)}, {200})
        status, problem = change({"burst": 3})
        self.assertEqual((status, problem["errors"][0]["pointer"]), (400, "/burst"))
        for wrong in (0, -1, 1.5, "2", 1_000_001):
            status, problem = change({"requests_per_second": wrong})
            self.assertEqual((status, problem["errors"][0]["pointer"]), (400, "/requests_per_second"), wrong)

    def test_a_rate_holds_after_a_restart_and_is_shown_with_the_own_key(self):
        with Kernel() as kernel:
            made = kernel.http("POST", "/keys", {"name": "r", "actions": ["read"], "patterns": ["*"],
                                                 "requests_per_second": 1, "burst": 3})[1]
            kernel.stop()
            kernel.start()
            began = time.monotonic()
            answers = [kernel.http("GET", "/keys/self", key=made["key"]) for _ in range(6)]
            self.admits(3, [status for status, _ in answers], time.monotonic() - began)
            self.assertEqual((answers[0][1]["requests_per_second"], answers[0][1]["burst"]), (1, 3))

    def test_the_metrics_and_the_log_tell_of_it(self):
        key = self.make(1, 1)
        while self.get(key) != 429:
            pass
        self.get(key)
        told = lambda: [line for line in self.kernel.log
                        if "sent more requests than it may" in line and key["id"] in line]
        metrics = lambda: self.kernel.http("GET", "/metrics", raw=True)[1].decode()
        counted = re.compile(r'nexadb_rest_errors_total\{[^}]*code="rate_limited"')
        self.assertTrue(eventually(lambda: counted.search(metrics())))  # behind the answer
        series = [line for line in metrics().splitlines() if line.startswith("nexadb_auth_rate_limited_total")]
        self.assertTrue([line for line in series if f'key="{key["id"]}"' in line], series)
        self.assertTrue(eventually(told))
        self.assertEqual(len(told()), 1)
        self.assertNotIn(key["key"], "".join(self.kernel.log))

    def test_the_python_client_waits_and_goes_on(self):
        key = self.make(2, 1)
        with self.kernel.connect(key=key["key"]) as db:
            items = db.collection("waited")
            for n in range(3):  # writes too: a request that was refused has done nothing
                items.insert({"_id": str(n)})
        listed = self.kernel.http("POST", "/collections/waited/_count", {"filter": {}})[1]
        self.assertEqual(listed["count"], 3, json.dumps(listed))


if __name__ == "__main__":
    unittest.main()
