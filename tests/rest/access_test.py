"""Who may do what: every route of /openapi.json against every kind of key.

Expectations come from the document's own x-nexadb-access and from the table ACTIONS below, which says
what a route does where its method does not. Requests are well-formed, so a refusal is the key's alone.
"""
import re
import sys
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from kernel import Kernel  # noqa: E402

# The action of a route with a collection or bucket in its path. Others by method: GET reads, the rest writes.
ACTIONS = {
    "read": ["POST /collections/{name}/query", "POST /collections/{name}/aggregate",
             "POST /collections/{name}/_count", "POST /collections/{name}/_distinct",
             "POST /collections/{name}/_explain", "POST /vector/{name}/search",
             "POST /vector/{name}/search/batch", "POST /kv/{bucket}/_mget"],
    "manage": ["PATCH /collections/{name}", "DELETE /collections/{name}", "PUT /collections/{name}/_validator",
               "POST /collections/{name}/_indexes", "DELETE /collections/{name}/_indexes/{index}",
               "PUT /vector/{name}", "DELETE /vector/{name}"],
    # Neither right alone is enough.
    "read write": ["POST /collections/{name}/_find_and_modify"],
}
BODIES = {
    "PATCH /collections/{name}": {"timestamps": True},
    "POST /collections/{name}/bulk": {"documents": [{}]},
    "POST /collections/{name}/aggregate": {"pipeline": []},
    "POST /collections/{name}/_distinct": {"field": "a"},
    "POST /collections/{name}/_update": {"filter": {"a": 1}, "update": {"$set": {"a": 2}}},
    "POST /collections/{name}/_delete": {"filter": {"a": 1}},
    "POST /collections/{name}/_find_and_modify": {"filter": {"a": 1}, "update": {"$set": {"a": 2}}},
    "PUT /collections/{name}/_validator": {"validator": {}},
    "POST /collections/{name}/_indexes": {"key": {"a": 1}},
    "POST /collections/{name}/_import": b"[{}]",
    "PUT /vector/{name}": {"dimensions": 2},
    "POST /vector/{name}": {"document": {}, "vector": [1, 2]},
    "POST /vector/{name}/bulk": {"documents": [{}], "vectors": [[1, 2]]},
    "POST /vector/{name}/search": {"vector": [1, 2]},
    "POST /vector/{name}/search/batch": {"searches": [{"vector": [1, 2]}]},
    "POST /kv/{bucket}/_mget": {"keys": ["k"]},
    "POST /kv/{bucket}/_mset": {"entries": [{"key": "k", "value": "v"}]},
    "POST /kv/{bucket}/_incr": {"key": "n", "amount": 1},
    "POST /kv/{bucket}/_cas": {"key": "k", "expected": None, "value": "v"},
    "POST /compact": {}, "POST /backups": {}, "POST /keys": {"name": "x", "actions": ["read"], "patterns": ["x"]},
    "POST /backups/{id}/restore": {"target": "x"},
}
NAME = "acl"


class AccessTest(unittest.TestCase):
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.kernel = Kernel()
        cls.addClassCleanup(cls.kernel.__exit__)
        cls.document = cls.kernel.http("GET", "/openapi.json", key="")[1]
        patterns = [NAME, "kv:" + NAME]
        cls.keys = {
            "read": cls.make(["read"], patterns), "write": cls.make(["write"], patterns),
            "manage": cls.make(["manage"], patterns), "admin": cls.kernel.root_key,
            "elsewhere": cls.make(["read", "write", "manage"], ["other_*", "kv:other_*"]),
        }
        revoked = cls.kernel.http("POST", "/keys", {"name": "r", "actions": ["read"], "patterns": ["*"]})[1]
        cls.kernel.http("DELETE", "/keys/" + revoked["id"])
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))
        expired = cls.kernel.http("POST", "/keys", {"name": "e", "actions": ["read"], "patterns": ["*"],
                                                    "expires_at": soon})
        assert expired[0] == 201, expired
        until = time.monotonic() + 10
        while cls.kernel.http("GET", "/collections", key=expired[1]["key"])[0] != 401:
            assert time.monotonic() < until, "the key does not expire"
        cls.bad_keys = {"none": "", "malformed": "nxk_", "wrong": "nxk_" + "0" * 60, "revoked": revoked["key"],
                        "expired": expired[1]["key"]}

    @classmethod
    def make(cls, actions, patterns):
        status, made = cls.kernel.http("POST", "/keys", {"name": "m", "actions": actions, "patterns": patterns})
        assert status == 201, made
        return made["key"]

    def operations(self):
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield f"{method.upper()} {path}", method.upper(), path, operation

    def call(self, route, method, path, operation, key):
        concrete = re.sub(r"\{(\w+)\}", lambda m: NAME if m.group(1) in ("name", "bucket") else "walk", path)
        content = list(operation.get("requestBody", {}).get("content", {}))
        body, headers = None, {}
        if content:
            body = BODIES.get(route, {})
            headers["Content-Type"] = "application/octet-stream" if content == ["*/*"] else "application/json"
            if content == ["*/*"]:
                body = b"v"
        if path.endswith("/_changes"):
            method = "HEAD"  # the stream itself would not end
        status, data = self.kernel.http(method, concrete, body, key=key, headers=headers, raw=True)
        return status, data[:300]

    @staticmethod
    def needs(route, method):
        for action, routes in ACTIONS.items():
            if route in routes:
                return set(action.split())
        return {"read"} if method == "GET" else {"write"}

    def test_every_route_wants_a_good_key_unless_it_says_otherwise(self):
        tried = 0
        for route, method, path, operation in self.operations():
            for kind, key in self.bad_keys.items():
                with self.subTest(route=route, key=kind):
                    status, data = self.call(route, method, path, operation, key)
                    if operation["x-nexadb-access"] == "public" or path == "/status":
                        self.assertNotIn(status, (401, 403), data)
                    elif kind == "none":
                        self.assertEqual(status, 401, data)
                    else:
                        # An address that goes on with bad keys is throttled.
                        self.assertIn(status, (401, 429), data)
                    tried += 1
        self.assertGreater(tried, 300)

    def test_administration_is_for_administrators(self):
        for route, method, path, operation in self.operations():
            if operation["x-nexadb-access"] != "admin" and path != "/metrics":
                continue
            for kind in ("read", "write", "manage", "elsewhere"):
                with self.subTest(route=route, key=kind):
                    self.assertEqual(self.call(route, method, path, operation, self.keys[kind])[0], 403)
            with self.subTest(route=route, key="admin"):
                status, data = self.call(route, method, path, operation, self.keys["admin"])
                self.assertNotIn(status, (401, 403), data)

    def test_a_scope_is_actions_times_names(self):
        tried = 0
        for route, method, path, operation in self.operations():
            if not re.match(r"/(collections|vector|kv)/\{", path):
                continue
            needs = self.needs(route, method)
            self.kernel.http("POST", f"/collections/{NAME}", {})  # what an earlier route dropped
            for kind in ("read", "write", "manage", "elsewhere"):
                with self.subTest(route=route, key=kind):
                    status, data = self.call(route, method, path, operation, self.keys[kind])
                    if needs == {kind}:
                        self.assertNotIn(status, (401, 403), data)
                    else:
                        self.assertEqual(status, 403, data)
                    tried += 1
        self.assertGreater(tried, 100)

    def test_two_keys_are_none(self):
        status, answer = self.kernel.http("GET", "/collections",
                                          headers={"Authorization": "Bearer " + self.keys["read"]})
        self.assertEqual((status, answer["code"]), (400, "ambiguous_credentials"))


if __name__ == "__main__":
    unittest.main()
