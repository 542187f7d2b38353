"""Who may do what: every route of /openapi.json against every kind of key.

Expectations come from the tables below and not from the server: a route that is in none of them fails, and
so does one whose x-nexadb-access the server gets wrong. Requests are well-formed, so a refusal is the key's alone.
"""
import re
import sys
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from kernel import Kernel  # noqa: E402

PUBLIC = {"GET /healthz", "GET /livez", "GET /readyz", "GET /openapi.json", "GET /errors/{code}"}
OPTIONAL = {"GET /status", "GET /metrics"}  # /metrics asks for an administrator's all the same
ADMINISTRATION = re.compile(r"/(backups|compact|config|keys|plugins|queries|slow-queries|tasks)(/|$)")
# Routes that name no collection in their path: what a key of one collection gets, by its action or for all.
# Lists show it what it may read, and commands answer 200 with a code of their own (scope_test.py).
OTHERS = {
    "GET /status": 200, "GET /stats": 200, "GET /keys/self": 200, "GET /metrics": 403,
    "GET /collections": 200, "GET /kv": 200, "GET /db": 200, "DELETE /db/{db}": 403, "POST /db/{db}/command": 200,
    "POST /collections": {"read": 403, "write": 201, "manage": 403, "elsewhere": 403},
    "POST /transactions": 200, "POST /transactions/begin": 201,
    "POST /transactions/{id}/commit": 404, "POST /transactions/{id}/rollback": 404,
}
OF_A_COLLECTION = re.compile(r"/(collections|vector|kv)/\{")
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
NAME = "acl"
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
    "POST /db/{db}/command": {"ping": 1}, "POST /transactions": {"operations": []},
    "POST /collections": {"name": NAME},
}
KINDS = ("read", "write", "manage", "elsewhere")


def access_of(route, path):
    if route in PUBLIC:
        return "public"
    if route in OPTIONAL:
        return "optional"
    return "admin" if ADMINISTRATION.match(path) and path != "/keys/self" else "key"


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
        # Whole seconds: later than the request that makes the key, also where that is slow.
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
        expired = cls.kernel.http("POST", "/keys", {"name": "e", "actions": ["read"], "patterns": ["*"],
                                                    "expires_at": soon})
        assert expired[0] == 201, expired
        until = time.monotonic() + 30
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

    def call(self, route, method, path, operation, key, below=""):
        concrete = below + re.sub(r"\{(\w+)\}", lambda m: NAME if m.group(1) in ("name", "bucket") else "walk", path)
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
        return status, data

    @staticmethod
    def needs(route, method):
        for action, routes in ACTIONS.items():
            if route in routes:
                return set(action.split())
        return {"read"} if method == "GET" else {"write"}

    def test_where_files_lie_is_told_to_administrators_alone(self):
        place = str(self.kernel.directory).encode()
        told = []
        for route, method, path, operation in self.operations():
            if method != "GET":
                continue
            for kind in ("read", "admin"):
                data = self.call(route, method, path, operation, self.keys[kind])[1]
                if place in data:
                    told.append((kind, route))
        self.assertIn(("admin", "GET /stats"), told)
        self.assertEqual([route for kind, route in told if kind == "read"], [])

    def test_the_document_tells_who_may_call(self):
        for route, _, path, operation in self.operations():
            with self.subTest(route=route):
                self.assertEqual(operation["x-nexadb-access"], access_of(route, path))
                covered = [route in PUBLIC, access_of(route, path) == "admin", route in OTHERS,
                           bool(OF_A_COLLECTION.match(path))]
                self.assertEqual(sum(covered), 1, "a route that no table below covers")

    def test_every_route_wants_a_good_key_unless_it_says_otherwise(self):
        tried = 0
        for route, method, path, operation in self.operations():
            for kind, key in self.bad_keys.items():
                with self.subTest(route=route, key=kind):
                    # An address that goes on with bad keys is throttled: each comes from another.
                    tried += 1
                    self.kernel.source = f"127.1.{tried // 250}.{tried % 250 + 1}"
                    status, data = self.call(route, method, path, operation, key)
                    if route in PUBLIC or path == "/status":
                        self.assertNotIn(status, (401, 403), data)
                        continue
                    self.assertEqual(status, 401, data)
                    if method != "HEAD" and not path.endswith("/_changes"):
                        code = b"unauthorized" if kind == "none" else b"invalid_key"
                        self.assertIn(b'"code":"' + code + b'"', data)
        self.kernel.source = None
        self.assertGreater(tried, 400)

    def test_administration_is_for_administrators(self):
        for route, method, path, operation in self.operations():
            if access_of(route, path) != "admin" and path != "/metrics":
                continue
            for kind in KINDS:
                with self.subTest(route=route, key=kind):
                    self.assertEqual(self.call(route, method, path, operation, self.keys[kind])[0], 403)
            with self.subTest(route=route, key="admin"):
                status, data = self.call(route, method, path, operation, self.keys["admin"])
                self.assertNotIn(status, (401, 403), data)

    def test_a_scope_is_actions_times_names(self):
        tried = 0
        for route, method, path, operation in self.operations():
            if not OF_A_COLLECTION.match(path):
                continue
            needs = self.needs(route, method)
            self.kernel.http("POST", f"/collections/{NAME}", {})  # what an earlier route dropped
            for kind in KINDS:
                with self.subTest(route=route, key=kind):
                    status, data = self.call(route, method, path, operation, self.keys[kind])
                    if needs == {kind}:
                        self.assertNotIn(status, (401, 403), data)
                    else:
                        self.assertEqual(status, 403, data)
                    tried += 1
        self.assertGreater(tried, 150)

    def test_routes_that_name_no_collection_give_a_key_of_one_nothing_more(self):
        for route, method, path, operation in self.operations():
            if route not in OTHERS:
                continue
            for kind in KINDS:
                with self.subTest(route=route, key=kind):
                    self.kernel.http("DELETE", f"/collections/{NAME}")
                    wanted = OTHERS[route]
                    status, data = self.call(route, method, path, operation, self.keys[kind])
                    self.assertEqual(status, wanted if isinstance(wanted, int) else wanted[kind], data)

    def test_a_name_is_of_one_database_alone(self):
        """The key may do everything with the collection, in the default database: however that is spelled."""
        everything = self.make(["read", "write", "manage"], [NAME, "kv:" + NAME])
        for route, method, path, operation in self.operations():
            if not OF_A_COLLECTION.match(path):
                continue
            self.kernel.http("POST", f"/collections/{NAME}", {})
            for below in ("/v1", "/db/nexadb", "/v1/db/nexadb", "/db/other", "/v1/db/other", "/db/NEXADB"):
                with self.subTest(route=route, below=below):
                    status, data = self.call(route, method, path, operation, everything, below)
                    if below.endswith("/nexadb") or below == "/v1":
                        self.assertNotIn(status, (401, 403), data)
                    else:
                        self.assertEqual(status, 403, data)

    def test_two_keys_are_none(self):
        status, answer = self.kernel.http("GET", "/collections",
                                          headers={"Authorization": "Bearer " + self.keys["read"]})
        self.assertEqual((status, answer["code"]), (400, "ambiguous_credentials"))


if __name__ == "__main__":
    unittest.main()
