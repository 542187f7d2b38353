"""What administrators do over HTTP while the server runs: end queries, follow tasks, back up and restore."""
import re
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from kernel import SLOWNESS, Kernel  # noqa: E402

WITHIN_S = 30.0 * SLOWNESS
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class OperationsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernel = Kernel(edit=lambda text: re.sub(r'(?m)^slow_query *=.*$', 'slow_query = "1ms"', text))
        cls.addClassCleanup(cls.kernel.__exit__)

    def http(self, method, path, body=None, expect=None, **options):
        status, answer = self.kernel.http(method, path, body, **options)
        if expect is not None:
            self.assertEqual(status, expect, answer)
        return answer

    def refused(self, status, code, method, path, body=None):
        self.assertEqual(self.http(method, path, body, status)["code"], code)

    def slow_query(self, wanted):
        """The first that is `wanted`. A request is written down after its answer has left."""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            for query in self.http("GET", "/slow-queries", expect=200)["slow_queries"]:
                if wanted(query):
                    return query
            time.sleep(0.01)
        self.fail("the slow query was not kept")

    def ended(self, answer, state="done"):
        """The task of a 202, once it has ended."""
        until = time.monotonic() + WITHIN_S
        while time.monotonic() < until:
            task = self.http("GET", "/tasks/" + answer["task"]["id"], expect=200)["task"]
            if task["finished_at"]:
                self.assertEqual(task["state"], state, task)
                return task
        self.fail(f"the task did not end: {task}")

    # ---- queries ----

    def test_a_running_query_is_seen_and_ended(self):
        self.http("POST", "/collections/q", {"n": 1}, 201)
        # What the document decides cannot be computed once for all rounds.
        endless = {"pipeline": [{"$project": {"s": {"$size": {"$map": {
            "input": {"$range": [0, 90000]}, "in": {"$size": {"$range": ["$$this", {"$add": ["$n", 200000]}]}}}}}}}]}
        outcome = []
        headers = {"traceparent": TRACE, "X-Request-Id": "mine-1"}
        runner = threading.Thread(target=lambda: outcome.append(
            self.kernel.http("POST", "/collections/q/aggregate", endless, headers=headers)))
        runner.start()
        until = time.monotonic() + WITHIN_S
        mine = []
        while not mine and not outcome and time.monotonic() < until:
            mine = [q for q in self.http("GET", "/queries", expect=200)["queries"]
                    if q["path"] == "/collections/q/aggregate"]
        self.assertTrue(mine, f"the query was not seen; it ended with {outcome}")
        self.assertEqual(mine[0]["method"], "POST")
        self.assertIn("$range", mine[0]["body"])
        self.assertIn("name", mine[0]["key"])
        self.assertEqual((mine[0]["request_id"], mine[0]["trace_id"]), ("mine-1", TRACE.split("-")[1]))
        self.http("DELETE", "/queries/" + mine[0]["id"], expect=200)
        runner.join(WITHIN_S)
        self.assertFalse(runner.is_alive())
        self.assertEqual((outcome[0][1]["code"], outcome[0][1]["request_id"]), ("cancelled", "mine-1"))
        self.refused(404, "query_not_found", "DELETE", "/queries/" + mine[0]["id"])
        self.refused(404, "query_not_found", "DELETE", "/queries/x")

    def test_what_took_long_is_kept(self):
        self.http("POST", "/collections/slow/bulk", {"documents": [{"n": n} for n in range(30000)]}, 201)
        self.http("POST", "/collections/slow/query", {"filter": {"n": {"$mod": [7, 1]}}, "sort": {"n": -1}}, 200)
        row = self.slow_query(lambda q: q["path"] == "/collections/slow/query")
        self.assertGreaterEqual(row["took_ms"], 1)
        self.assertEqual(row["outcome"], "ok")
        self.assertIn("$mod", row["body"])

    def test_the_metrics_are_in_order(self):
        self.http("POST", "/collections/m/query", {"filter": {"$nope": 1}}, 400)
        trace = {"traceparent": TRACE}
        self.http("POST", "/collections/m/bulk", {"documents": [{"n": n} for n in range(3000)]}, 201, headers=trace)
        row = self.slow_query(lambda q: q.get("trace_id") == TRACE.split("-")[1]
                              and q["path"] == "/collections/m/bulk")
        status, text = self.kernel.http("GET", "/metrics", raw=True)
        text = text.decode()
        self.assertEqual(status, 200)
        for name in ("nexadb_http_requests_total", 'nexadb_rest_request_seconds_bucket{group="documents"',
                     'nexadb_rest_errors_total{code="unknown_operator"', "nexadb_storage_wal_bytes",
                     "nexadb_rest_event_streams", "nexadb_rest_slow_requests_total"):
            self.assertTrue(any(name.split("{")[0] in line and name.split("{")[-1] in line
                                for line in text.splitlines()), name)
        checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True,
                                 check=False)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))

    def test_no_request_makes_a_new_series(self):
        """Names, keys, paths, codes and traces come from callers: none of them is a label's value as it came."""
        def ask(n):
            for method, path, body in (
                    ("GET", f"/nowhere/{n}", None), ("GET", f"/collections/l{n}?x{n}=1", None),
                    ("POST", f"/collections/l{n}", {"_id": n}), ("POST", f"/collections/l{n}", {"_id": n}),
                    ("POST", f"/collections/l{n}/query", {"filter": {f"$nope{n}": 1}}),
                    ("PUT", f"/kv/b{n}/k{n}", b"v"), ("GET", f"/db/d{n}/collections/c/{n}", None),
                    ("POST", f"/db/d{n}/command", {f"command{n}": 1}), (f"M{n}", "/status", None)):
                self.kernel.http(method, path, body, raw=True, headers={
                    "traceparent": f"00-{n + 1:032x}-00f067aa0ba902b7-01", "X-Request-Id": f"r{n}"})
            self.kernel.http("GET", "/collections", key=f"nxk_bad{n}")

        def series():
            text = self.kernel.http("GET", "/metrics", raw=True)[1].decode()
            return {line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")}

        for n in range(12):  # until bad keys are throttled
            ask(n)
        before = series()
        for n in range(12, 40):
            ask(n)
        self.assertEqual(series() - before, set())

    # ---- tasks ----

    def test_a_compaction_is_a_task(self):
        self.http("POST", "/collections/big/bulk", {"documents": [{"n": n} for n in range(500)]}, 201)
        answer = self.http("POST", "/compact", {"collection": "big"}, 202)
        self.assertEqual(self.kernel.last_headers["Location"], "/tasks/" + answer["task"]["id"])
        task = self.ended(answer)
        self.assertEqual((task["kind"], task["collection"]), ("compact", "big"))
        self.ended(self.http("POST", "/compact", expect=202))
        listed = self.http("GET", "/tasks", expect=200)
        self.assertIn(task["id"], [t["id"] for t in listed["tasks"]])
        self.assertEqual(self.http("POST", "/collections/big/_count", {}, 200)["count"], 500)
        self.refused(409, "task_not_cancellable", "DELETE", "/tasks/" + task["id"])
        self.refused(404, "task_not_found", "GET", "/tasks/0")
        self.refused(404, "collection_not_found", "POST", "/compact", {"collection": "absent"})

    # ---- backups ----

    def test_a_backup_holds_its_moment_and_is_verified(self):
        self.http("POST", "/collections/kept/bulk", {"documents": [{"_id": n} for n in range(100)]}, 201)
        self.ended(self.http("POST", "/backups", {"id": "first"}, 202))
        self.http("POST", "/collections/kept", {"_id": "later"}, 201)
        self.ended(self.http("POST", "/backups", expect=202))
        listed = self.http("GET", "/backups", expect=200)
        self.assertIn("first", [b["id"] for b in listed["backups"]])
        self.assertGreaterEqual(listed["count"], 2)
        one = self.http("GET", "/backups/first", expect=200)["backup"]
        self.assertGreater(one["bytes"], 0)
        self.assertTrue(self.ended(self.http("POST", "/backups/first/verify", {}, 202))["result"]["whole"])
        self.refused(409, "conflict", "POST", "/backups", {"id": "first"})
        for bad in ("../x", "a/b", "", "x" * 65, "."):
            if bad:
                self.refused(400, "invalid_name", "POST", "/backups", {"id": bad})
        self.refused(404, "backup_not_found", "GET", "/backups/absent")
        self.refused(404, "backup_not_found", "POST", "/backups/..%2F..%2Fdata/verify", {})
        self.http("DELETE", "/backups/first", expect=200)
        self.refused(404, "backup_not_found", "GET", "/backups/first")

    def test_retention_keeps_the_newest_and_those_with_a_name_once_a_new_one_is_verified(self):
        with Kernel(edit=lambda text: text.replace("backups_kept = 0", "backups_kept = 2", 1)) as kernel:
            self.kernel, shared = kernel, self.kernel
            try:
                self.http("POST", "/collections/r", {"x": "y" * 1000}, 201)
                self.ended(self.http("POST", "/backups", {"id": "named"}, 202))
                made, removed = [], []
                for _ in range(4):
                    self.http("POST", "/collections/r", {"x": "y" * 1000}, 201)
                    result = self.ended(self.http("POST", "/backups", expect=202))["result"]
                    made.append(result["id"])
                    removed += result["removed"]
                self.assertEqual(removed, made[:2])
                listed = [b["id"] for b in self.http("GET", "/backups", expect=200)["backups"]]
                self.assertEqual(sorted(listed), sorted([*made[2:], "named"]))
                for kept in made[2:]:
                    self.assertTrue(self.ended(self.http("POST", f"/backups/{kept}/verify", {}, 202))["result"]["whole"])
            finally:
                self.kernel = shared

    def test_a_damaged_backup_is_told(self):
        self.http("POST", "/collections/kept/bulk", {"documents": [{"n": n, "x": "y" * 100} for n in range(100)]}, 201)
        self.ended(self.http("POST", "/backups", {"id": "hurt"}, 202))
        folder = next(self.kernel.directory.glob("data/**/backups/hurt"))
        victim = max((f for f in folder.rglob("*") if f.is_file()), key=lambda f: f.stat().st_size)
        data = bytearray(victim.read_bytes())
        data[len(data) // 2] ^= 0x55
        victim.unlink()  # it may be a hard link: only this name is to be damaged
        victim.write_bytes(data)
        task = self.ended(self.http("POST", "/backups/hurt/verify", {}, 202), "failed")
        self.assertEqual(task["error"]["code"], "backup_damaged")

    def test_a_restore_at_the_next_start_brings_the_backup_back(self):
        with Kernel() as kernel:
            self.kernel, shared = kernel, self.kernel
            try:
                self.http("POST", "/collections/r", {"_id": "before"}, 201)
                self.ended(self.http("POST", "/backups", {"id": "b"}, 202))
                self.http("POST", "/collections/r", {"_id": "after"}, 201)
                made = self.http("POST", "/keys", {"name": "k", "actions": ["read"], "patterns": ["*"]}, 201)
                self.http("DELETE", "/keys/" + made["id"], expect=200)
                self.refused(400, "missing_option", "POST", "/backups/b/restore", {})
                self.ended(self.http("POST", "/backups/b/restore", {"at_next_start": True}, 202))
                # Until then nothing has changed.
                self.http("GET", "/collections/r/after", expect=200)
                task = self.ended(self.http("POST", "/backups/b/restore", {"target": "aside"}, 202))
                self.assertTrue(Path(self.kernel.directory, task["result"]["directory"]).is_dir())
                kernel.stop()
                kernel.start()
                self.http("GET", "/collections/r/before", expect=200)
                self.http("GET", "/collections/r/after", expect=404)
                self.http("GET", "/collections", expect=401, key=made["key"])
            finally:
                self.kernel = shared


if __name__ == "__main__":
    unittest.main()
