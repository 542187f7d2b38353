"""SIGHUP: libraries and configurations are replaced while clients go on, and what cannot be is left.

Every client here counts a request as failed when it gets no answer, or another one than it asked for.
No request is sent twice.
"""
import http.client
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from kernel import BUILD, SLOWNESS, Kernel, eventually  # noqa: E402

CLIENTS = 4
WITHIN_S = 60 * SLOWNESS


class Load:
    """Clients that read and write documents until told to end, over connections that they keep or,
    `fresh`, over a new one for each pair of requests."""

    def __init__(self, kernel, fresh=False):
        self.kernel = kernel
        self.fresh = fresh
        self.headers = {"X-API-Key": kernel.root_key, "Content-Type": "application/json"}
        self.failures = []
        self.done = 0
        self._end = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(CLIENTS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        self.wait_for(100)
        return self

    def __exit__(self, *_):
        self._end.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, more):
        """Returns once `more` further requests have been answered."""
        goal = self.done + more
        until = time.monotonic() + WITHIN_S
        while self.done < goal and time.monotonic() < until:
            time.sleep(0.005)

    def _run(self, number):
        connection = self.kernel.open(timeout=30)
        at = 0
        while not self._end.is_set():
            at += 1
            name = f"{'fresh' if self.fresh else 'kept'}{number}-{at}"
            try:
                self._ask(connection, "POST", "/collections/load", {"_id": name, "at": at}, 201)
                found = self._ask(connection, "GET", f"/collections/load/{name}", None, 200)
                if found.get("document", found).get("at") != at:
                    raise AssertionError(f"{name} is {found}")
                if self.fresh:
                    connection.close()
                    connection = self.kernel.open(timeout=30)
            except (OSError, http.client.HTTPException, AssertionError) as error:
                with self._lock:
                    self.failures.append(f"{name}: {error!r}")
                connection.close()
        connection.close()

    def _ask(self, connection, method, path, body, status):
        connection.request(method, path, None if body is None else json.dumps(body), self.headers)
        response = connection.getresponse()
        data = response.read()
        if response.status != status:
            raise AssertionError(f"{method} {path}: {response.status} {data[:300]!r}")
        with self._lock:
            self.done += 1
        return json.loads(data)


class Reload(unittest.TestCase):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="nexadb-reload-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.plugins = self.directory / "plugins"
        self.plugins.mkdir(mode=0o755)
        for library in (BUILD / "lib" / "nexadb" / "plugins").glob("*.so"):
            try:
                os.link(library, self.plugins / library.name)
            except OSError:  # another file system
                shutil.copy(library, self.plugins / library.name)
        self.kernel = Kernel(self.directory, self.edit)
        self.addCleanup(self.kernel.stop)

    def edit(self, text):
        return re.sub(r"(?m)^plugin_path *=.*$", f'plugin_path = ["{self.plugins}"]', text)

    def install(self, name):
        """Puts other bytes at the library's path, as package managers do."""
        fresh = self.plugins / f"{name}.new"
        shutil.copy(BUILD / "lib" / "nexadb" / "plugins" / f"{name}.so", fresh)
        os.replace(fresh, self.plugins / f"{name}.so")

    def configure(self, change):
        text = self.kernel.config.read_text(encoding="utf-8")
        changed = change(text)
        self.assertNotEqual(changed, text)
        self.kernel.config.write_text(changed, encoding="utf-8")

    def reload(self, expected):
        """Sends SIGHUP; returns the log's lines about it, the last of which matches `expected`."""
        before = len(self.kernel.log)
        self.kernel.process.send_signal(signal.SIGHUP)
        until = time.monotonic() + WITHIN_S
        while time.monotonic() < until:
            lines = [line for line in self.kernel.log[before:] if "reload: " in line]
            if lines and re.search(expected, lines[-1]):
                return lines
            self.assertIsNone(self.kernel.process.poll(), "".join(self.kernel.log[before:]))
            time.sleep(0.01)
        self.fail("no line matches " + expected + ":\n" + "".join(self.kernel.log[before:]))

    def test_frontends_and_server_are_replaced_under_load_with_no_failed_request(self):
        with Load(self.kernel) as load:
            for library, instances in (("api-rest", 2), ("http-server", 2), ("admin-ui", 1),
                                       ("api-rest", 2)):
                self.install(library)
                self.reload(f"done, {instances} replaced")
                load.wait_for(50)
                self.assertEqual(load.failures, [])
        self.assertEqual(load.failures, [])
        status, counted = self.kernel.http("POST", "/collections/load/_count", {})
        self.assertEqual((status, counted["count"] * 2), (200, load.done))
        self.assertIn('"name":"http"', self.kernel.http("GET", "/status", raw=True)[1].decode())

    def test_the_authenticator_is_replaced_under_load_and_revocations_hold(self):
        made = [self.kernel.http("POST", "/keys", {"name": f"n{i}", "actions": ["read", "write"], "patterns": ["*"]})[1]
                for i in range(6)]
        held = self.kernel.http("POST", "/transactions/begin", {}, key=made[0]["key"])[1]["id"]
        with Load(self.kernel) as load:
            for turn, key in enumerate(made):
                if turn % 2:
                    self.configure(lambda text, turn=turn: re.sub(
                        r"(?m)^failed_logins_per_minute = \d+", f"failed_logins_per_minute = {10 - turn}", text))
                else:
                    self.install("auth-apikey")
                revoker = threading.Thread(target=self.kernel.http, args=("DELETE", "/keys/" + key["id"]))
                revoker.start()  # before, while or after it is replaced
                lines = self.reload("done, 1 replaced")
                self.assertIn('instance "auth" was replaced', lines[0])
                revoker.join()
                for gone in made[:turn + 1]:
                    self.assertEqual(self.kernel.http("GET", "/collections", key=gone["key"])[0] // 100 * 100, 400)
                for good in made[turn + 1:]:
                    self.assertEqual(self.kernel.http("GET", "/collections", key=good["key"])[0], 200)
                load.wait_for(50)
                self.assertEqual(load.failures, [])
        self.assertEqual(load.failures, [])
        # The transaction's principal is of the first of the seven.
        refused = self.kernel.http("POST", f"/transactions/{held}/commit", {}, key=made[0]["key"])
        self.assertIn(refused[0], (401, 429))
        log = "".join(self.kernel.log)
        for key in made:
            self.assertEqual(len(re.findall(r"audit: key revoked.*" + key["id"], log)), 1, log)
            self.assertNotIn(key["key"], log)
        listed = {k["id"]: k for k in self.kernel.http("GET", "/keys")[1]["keys"]}
        self.assertTrue(all(listed[key["id"]].get("revoked_at") for key in made))

    def test_a_follower_of_changes_loses_its_key_over_a_replacement(self):
        key = self.kernel.http("POST", "/keys", {"name": "f", "actions": ["read"], "patterns": ["*"]})[1]
        self.kernel.http("POST", "/collections", {"name": "followed", "changes": True})
        follower = http.client.HTTPConnection("127.0.0.1", self.kernel.port, timeout=WITHIN_S)
        self.addCleanup(follower.close)
        follower.request("GET", "/collections/followed/_changes", headers={"X-API-Key": key["key"]})
        stream = follower.getresponse()
        self.assertEqual(stream.status, 200)
        self.install("auth-apikey")
        self.reload("done, 1 replaced")
        self.kernel.http("POST", "/collections/followed", {"_id": "seen"})
        while b"seen" not in (line := stream.readline()):
            self.assertTrue(line, "the stream ended")
        self.kernel.http("DELETE", "/keys/" + key["id"])
        self.kernel.http("POST", "/collections/followed", {"_id": "unseen"})
        try:
            rest = stream.read()
        except http.client.IncompleteRead as cut:
            rest = cut.partial
        self.assertNotIn(b"unseen", rest)

    def test_a_changed_option_of_the_server_holds_after_the_reload(self):
        origin = {"Origin": "https://page.example"}
        self.assertEqual(self.kernel.http("GET", "/healthz", headers=origin)[0], 403)
        self.configure(lambda text: text.replace(
            "origins = []", 'origins = ["https://page.example"]', 1))
        lines = self.reload("done, 1 replaced")
        self.assertIn('instance "http" was replaced', lines[0])
        self.assertEqual(self.kernel.http("GET", "/healthz", headers=origin)[0], 200)

    def test_while_requests_run_a_server_that_drains_says_so_to_new_callers(self):
        slow = http.client.HTTPConnection("127.0.0.1", self.kernel.port, timeout=30)
        slow.putrequest("POST", "/collections/slow/_import")
        slow.putheader("X-API-Key", self.kernel.root_key)
        slow.putheader("Content-Type", "application/x-ndjson")
        slow.putheader("Transfer-Encoding", "chunked")
        slow.endheaders()
        slow.send(b'9\r\n{"_id":1}\r\n')
        running = lambda: [query["path"] for query in self.kernel.http("GET", "/queries")[1]["queries"]]
        self.assertTrue(eventually(lambda: "/collections/slow/_import" in running()))
        until = time.monotonic() + WITHIN_S
        self.kernel.process.send_signal(signal.SIGTERM)
        while time.monotonic() < until:
            try:
                status = self.kernel.http("GET", "/readyz")[0]
            except ConnectionResetError:
                continue  # it was open, and had not asked yet, when the drain began
            if status == 503 and self.kernel.last_headers["Connection"] == "close":
                break
            time.sleep(0.01)
        status, problem = self.kernel.http("GET", "/readyz")
        self.assertEqual((status, problem["code"]), (503, "draining"))
        self.assertEqual(self.kernel.http("GET", "/healthz")[0], 200)
        self.assertEqual(self.kernel.http("POST", "/collections/x", {"a": 1})[0], 201)
        slow.send(b'a\r\n\n{"_id":2}\r\n0\r\n\r\n')
        self.assertEqual(slow.getresponse().status, 201)
        slow.close()
        self.assertEqual(self.kernel.process.wait(timeout=60), 0)

    def test_an_engine_is_not_replaced_and_goes_on(self):
        self.install("storage-lsm")
        lines = self.reload("done, 0 replaced")
        self.assertIn("goes on as it was: needs a restart", lines[0])
        self.assertEqual(self.kernel.http("POST", "/collections/x", {"a": 1})[0], 201)

    def test_of_a_configuration_with_mistakes_nothing_is_applied(self):
        self.install("api-rest")
        self.configure(lambda text: text.replace("metrics_public", "metrics_pubic", 1))
        lines = self.reload("has mistakes; nothing was applied")
        self.assertIn("did you mean 'metrics_public'", lines[0].replace('"', "'"))
        self.assertEqual(self.kernel.http("GET", "/healthz")[0], 200)

    def test_what_the_kernel_itself_is_told_needs_a_restart(self):
        self.configure(lambda text: re.sub(r"(?m)^drain_ms *=.*$", "drain_ms = 7000", text))
        self.reload("needs a restart; nothing was applied")

    def test_a_library_of_another_plugin_leaves_the_old_one_serving_leaves_the_old_one_serving(self):
        (self.plugins / "api-rest.so").unlink()
        shutil.copy(BUILD / "lib" / "nexadb" / "plugins" / "admin-ui.so", self.plugins / "api-rest.so")
        self.reload("nothing was applied|goes on as it was|done, 0 replaced")
        self.assertEqual(self.kernel.http("GET", "/healthz")[0], 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
