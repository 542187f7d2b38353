"""The life of keys as an operator sees it: rotation with grace, revocation, throttling, the audit log, and secrets
that are shown once and are nowhere afterwards."""
import http.client
import json
import re
import subprocess
import sys
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from kernel import KERNEL, SLOWNESS, Kernel, write_config  # noqa: E402

REVOKED_WITHIN_S = 1.0 * SLOWNESS


class KeysTest(unittest.TestCase):
    def setUp(self):
        self.kernel = Kernel()
        self.addCleanup(self.kernel.__exit__)

    def make(self, **changes):
        spec = {"name": "made", "actions": ["read"], "patterns": ["*"], **changes}
        status, key = self.kernel.http("POST", "/keys", spec)
        self.assertEqual(status, 201, key)
        return key

    def status_with(self, secret):
        return self.kernel.http("GET", "/collections", key=secret)[0]

    def log(self, pattern):
        """The log's lines that match, once there is one: the reader is a little behind."""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            found = [line for line in self.kernel.log if re.search(pattern, line)]
            if found:
                return found
            time.sleep(0.01)
        self.fail(pattern + " is not in the log:\n" + "".join(self.kernel.log))

    def test_a_rotated_secret_works_for_its_grace_and_no_longer(self):
        key = self.make()
        began = time.monotonic()  # the grace begins after this, and so ends later than a second from here
        status, rotated = self.kernel.http("POST", f"/keys/{key['id']}/rotate", {"grace": "1s"})
        self.assertEqual((status, rotated["id"]), (200, key["id"]))
        self.assertNotEqual(rotated["key"], key["key"])
        self.assertEqual(self.status_with(rotated["key"]), 200)
        old = self.status_with(key["key"])
        self.assertTrue(old == 200 or time.monotonic() - began > 0.9, old)
        until = began + 20 * SLOWNESS
        while self.status_with(key["key"]) == 200:
            self.assertLess(time.monotonic(), until, "the grace does not end")
            time.sleep(0.1)
        self.assertGreater(time.monotonic() - began, 0.9)
        self.assertEqual(self.status_with(rotated["key"]), 200)
        again = self.kernel.http("POST", f"/keys/{key['id']}/rotate", {})[1]
        self.assertEqual(self.status_with(rotated["key"]), 401)
        self.assertEqual(self.status_with(again["key"]), 200)

    def test_a_revoked_key_is_refused_within_a_second_on_connections_that_are_open_too(self):
        key = self.make()
        connection = http.client.HTTPConnection("127.0.0.1", self.kernel.port, timeout=30)
        self.addCleanup(connection.close)

        def ask():
            connection.request("GET", "/collections", headers={"X-API-Key": key["key"]})
            response = connection.getresponse()
            response.read()
            return response.status

        self.assertEqual(ask(), 200)
        self.assertEqual(self.kernel.http("DELETE", "/keys/" + key["id"])[0], 200)
        began = time.monotonic()
        while ask() != 401:
            self.assertLess(time.monotonic() - began, REVOKED_WITHIN_S)
        self.assertIsNotNone(self.kernel.http("GET", "/keys/" + key["id"])[1]["revoked_at"])

    def test_bad_keys_are_throttled_and_nobody_else_is(self):
        good = self.make()["key"]
        statuses = [self.status_with("nxk_" + f"{n:060}") for n in range(14)]
        self.assertEqual(statuses, [401] * 10 + [429] * 4)
        self.assertGreater(int(self.kernel.last_headers["Retry-After"]), 0)
        self.assertEqual(self.status_with(good), 200)
        self.assertEqual(self.kernel.http("GET", "/healthz", key="nxk_wrong")[0], 200)
        self.assertEqual(self.kernel.http("GET", "/collections", key="")[0], 401)

    def test_every_change_of_keys_and_every_bad_key_is_in_the_audit_log(self):
        key = self.make(name="audited")
        self.kernel.http("PATCH", "/keys/" + key["id"], {"name": "renamed"})
        self.kernel.http("POST", f"/keys/{key['id']}/rotate", {})
        self.kernel.http("DELETE", "/keys/" + key["id"])
        self.status_with(key["key"])
        for what in ("created", "changed", "rotated", "revoked"):
            lines = self.log(f"audit: key {what}")
            told = [line for line in lines if key["id"] in line]
            self.assertEqual(len(told), 1, lines)
            self.assertRegex(told[0], r"by\W+root\b.*peer\W+127\.0\.0\.1", what)
        self.assertIn("127.0.0.1", self.log("audit: a bad key was refused")[0])

    def test_secrets_are_nowhere_once_they_were_shown(self):
        """In the most talkative log there is, and with the mistakes that callers make."""
        def talkative(text):
            text = re.sub(r"(?m)^log_level *=.*$", 'log_level = "debug"', text)
            text = re.sub(r"(?m)^log_format *=.*$", 'log_format = "json"', text)
            return re.sub(r"(?m)^slow_query *=.*$", 'slow_query = "1ms"', text)

        self.kernel.stop()
        write_config(self.kernel.directory, talkative)
        self.kernel.start()
        self.assertTrue(all(json.loads(line) for line in list(self.kernel.log)))
        key = self.make()
        rotated = self.kernel.http("POST", f"/keys/{key['id']}/rotate", {"grace": "1h"})[1]
        secrets = [key["key"], rotated["key"], self.kernel.root_key]
        paths = ("/keys", "/keys/" + key["id"], "/keys/self", "/config", "/plugins", "/metrics", "/queries",
                 "/slow-queries", "/stats", "/status", "/tasks")
        answers = "".join(self.kernel.http("GET", path, raw=True)[1].decode() for path in paths)
        refusals = "".join(self.kernel.http("GET", "/collections", key=bad + "x", raw=True)[1].decode()
                           for bad in secrets)
        for secret in secrets:
            for path, headers in (("/collections?api_key=" + secret, {}), ("/collections", {"Authorization": secret}),
                                  ("/collections", {"Authorization": "Basic " + secret}),
                                  ("/collections", {"Cookie": "key=" + secret}),
                                  ("/collections", {"Authorization": "Bearer " + secret, "X-API-Key": secret})):
                status, told = self.kernel.http("GET", path, key="", headers=headers, raw=True)
                self.assertIn(status, (400, 401), path)
                refusals += told.decode()
        self.kernel.http("POST", "/collections/c/bulk", {"documents": [{"n": n} for n in range(20000)]})
        self.kernel.http("POST", "/collections/c/query", {"filter": {"n": {"$mod": [7, 1]}}, "sort": {"n": -1}})
        answers += self.kernel.http("GET", "/slow-queries", raw=True)[1].decode()
        printed = subprocess.run([KERNEL, "--config", self.kernel.config, "--print-config"], capture_output=True,
                                 text=True, check=True).stdout
        self.assertEqual(self.kernel.stop(), 0)
        files = {path: path.read_bytes() for path in (self.kernel.directory / "data").rglob("*")
                 if path.is_file() and path.name != "root.key"}
        self.assertTrue(any(path.name == "keys" for path in files))
        for secret in secrets:
            for text in (answers, refusals, printed, "".join(self.kernel.log)):
                self.assertNotIn(secret, text)
            for path, data in files.items():
                self.assertNotIn(secret.encode(), data, path)


if __name__ == "__main__":
    unittest.main()
