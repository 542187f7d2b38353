"""A key that may touch one collection, and every way to name a second one in the same request.

Each row is tried by an administrator first, so that a refusal is the key's alone; then by the key, which must get
403 (a command: ok 0, code 13), see nothing of the second collection, and change nothing anywhere.
"""
import json
import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from kernel import Kernel  # noqa: E402

HIDDEN = "7f3a-hidden"
LOOKUP = {"$lookup": {"from": "secret", "localField": "a", "foreignField": "a", "as": "x"}}
UNION = {"$unionWith": "secret"}

# Pipelines over "mine" that read another collection.
READING = {
    "lookup": [LOOKUP],
    "lookup by pipeline": [{"$lookup": {"from": "secret", "pipeline": [], "as": "x"}}],
    "lookup within a lookup": [{"$lookup": {"from": "mine", "pipeline": [LOOKUP], "as": "x"}}],
    "union": [UNION],
    "union by pipeline": [{"$unionWith": {"coll": "secret", "pipeline": [{"$match": {}}]}}],
    "union within a union": [{"$unionWith": {"coll": "mine", "pipeline": [UNION]}}],
    "union within a lookup": [{"$lookup": {"from": "mine", "pipeline": [UNION], "as": "x"}}],
    "graph": [{"$graphLookup": {"from": "secret", "startWith": "$a", "connectFromField": "a",
                                "connectToField": "a", "as": "x"}}],
    "facet": [{"$facet": {"x": [LOOKUP]}}],
    "union within a facet": [{"$facet": {"x": [UNION]}}],
    "behind a stage that lets nothing through": [{"$match": {"a": "never"}}, LOOKUP],
}
# Pipelines over "mine" that write into another collection.
WRITING = {
    "out": [{"$out": "secret"}],
    "out to a new one": [{"$out": "fresh"}],
    "out to another database": [{"$out": {"db": "elsewhere", "coll": "mine"}}],
    "merge": [{"$merge": "secret"}],
    "merge with options": [{"$merge": {"into": "secret", "whenMatched": "replace"}}],
    "merge into another database": [{"$merge": {"into": {"db": "elsewhere", "coll": "mine"}}}],
}
# Commands that name the second collection; {} stands where only the name matters.
COMMANDS = {
    "find": {"find": "secret"},
    "count": {"count": "secret"},
    "distinct": {"distinct": "secret", "key": "a"},
    "aggregate": {"aggregate": "secret", "pipeline": [], "cursor": {}},
    "insert": {"insert": "secret", "documents": [{"b": 1}]},
    "update": {"update": "secret", "updates": [{"q": {}, "u": {"$set": {"b": 1}}, "multi": True}]},
    "delete": {"delete": "secret", "deletes": [{"q": {"a": "never"}, "limit": 0}]},
    "findAndModify": {"findAndModify": "secret", "query": {"a": "never"}, "remove": True},
    "explain": {"explain": {"find": "secret"}},
    "createIndexes": {"createIndexes": "secret", "indexes": [{"key": {"a": 1}, "name": "a_1"}]},
    "listIndexes": {"listIndexes": "secret"},
    "collStats": {"collStats": "secret"},
    "validate": {"validate": "secret"},
    "bulkWrite": {"bulkWrite": 1, "ops": [{"insert": 0, "document": {"b": 1}}, {"insert": 1, "document": {"b": 1}}],
                  "nsInfo": [{"ns": "nexadb.mine"}, {"ns": "nexadb.secret"}]},
    "renameCollection": {"renameCollection": "nexadb.secret", "to": "nexadb.mine_2"},
    "drop": {"drop": "secret"},
    "bulkWrite of the second alone": {"bulkWrite": 1, "nsInfo": [{"ns": "nexadb.secret"}], "ops": [
        {"update": 0, "filter": {}, "updateMods": {"$set": {"b": 1}}}, {"delete": 0, "filter": {"a": "never"}}]},
    "explain a pipeline": {"explain": {"aggregate": "mine", "pipeline": [LOOKUP], "cursor": {}}},
    "aggregate of no collection": {"aggregate": 1, "pipeline": [{"$documents": [{"a": 1}]}, LOOKUP], "cursor": {}},
    "dropIndexes": {"dropIndexes": "secret", "index": "*"},
    "collMod": {"collMod": "secret", "validationLevel": "off"},
    "collMod into a view": {"collMod": "mine_view", "viewOn": "secret", "pipeline": []},
    "create": {"create": "secret_2"},
    "create a view": {"create": "mine_2", "viewOn": "secret", "pipeline": []},
    "create a view that looks up": {"create": "mine_2", "viewOn": "mine", "pipeline": [LOOKUP]},
    "renameCollection out of the scope": {"renameCollection": "nexadb.mine", "to": "nexadb.fresh"},
    "renameCollection over it": {"renameCollection": "nexadb.mine", "to": "nexadb.secret", "dropTarget": True},
    "renameCollection into another database": {"renameCollection": "nexadb.mine", "to": "elsewhere.fresh"},
    "dropDatabase": {"dropDatabase": 1},
    "dbStats": {"dbStats": 1},
}
# What names no collection, or shows of each list what the key may see: tests of their own below.
WITHOUT_A_SECOND = {"buildInfo", "endSessions", "getMore", "hello", "isMaster", "killCursors", "listCollections",
                    "listDatabases", "ping"}
# Requests of other routes that name it in their bodies.
BODIES = {
    "rename": ("PATCH", "/collections/mine", {"name": "fresh"}),
    "make a view of it": ("POST", "/collections", {"name": "mine_2", "viewOn": "secret", "pipeline": []}),
    "make a view with it": ("POST", "/collections", {"name": "mine_2", "viewOn": "mine", "pipeline": [UNION]}),
    "turn a view to it": ("PATCH", "/collections/mine_view", {"viewOn": "secret", "pipeline": []}),
    "make a collection": ("POST", "/collections", {"name": "secret_2"}),
}


class ScopeTest(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.kernel = Kernel()
        self.addCleanup(self.kernel.__exit__)
        self.fill()
        spec = {"name": "one", "actions": ["read", "write", "manage"], "patterns": ["mine", "mine_*"]}
        self.key = self.kernel.http("POST", "/keys", spec)[1]["key"]

    def fill(self):
        for path, document in (("/collections/mine", {"_id": "m", "a": 1}),
                               ("/collections/secret", {"_id": "s", "a": 1, "word": HIDDEN}),
                               ("/db/elsewhere/collections/mine", {"_id": "e", "a": 1, "word": HIDDEN})):
            self.kernel.http("DELETE", path)
            status, answer = self.kernel.http("POST", path, document)
            self.assertEqual(status, 201, answer)
        for name in ("fresh", "mine_2", "mine_view", "secret_2"):
            self.kernel.http("DELETE", "/collections/" + name)
        self.kernel.http("DELETE", "/db/elsewhere/collections/fresh")
        self.kernel.http("POST", "/collections", {"name": "mine_view", "viewOn": "mine", "pipeline": []})

    def everything(self):
        """All documents of all collections, as an administrator sees them."""
        out = {}
        for database in ("nexadb", "elsewhere"):
            for name in self.kernel.http("GET", f"/db/{database}/collections")[1]["collections"]:
                found = self.kernel.http("POST", f"/db/{database}/collections/{name}/query", {})[1]
                out[f"{database}/{name}"] = found["documents"]
        return out

    def tried(self, method, path, body, refused):
        """By an administrator, for whom it works, then by the key, for whom it must not."""
        status, answer = self.kernel.http(method, path, body)
        self.assertTrue(200 <= status < 300 and answer.get("ok", 1) == 1, answer)
        self.fill()
        before = self.everything()
        status, data = self.kernel.http(method, path, body, key=self.key, raw=True)
        self.assertNotIn(HIDDEN.encode(), data)
        refused(status, json.loads(data))
        self.assertEqual(self.everything(), before)

    def forbidden(self, status, answer):
        self.assertEqual((status, answer.get("code")), (403, "forbidden"), answer)

    def unauthorized(self, status, answer):
        self.assertEqual((status, answer.get("ok"), answer.get("code")), (200, 0, 13), answer)

    def test_a_pipeline_reads_no_second_collection(self):
        for name, pipeline in READING.items():
            with self.subTest(name):
                self.tried("POST", "/collections/mine/aggregate", {"pipeline": pipeline}, self.forbidden)

    def test_a_pipeline_writes_no_second_collection(self):
        for name, pipeline in WRITING.items():
            with self.subTest(name):
                self.tried("POST", "/collections/mine/aggregate", {"pipeline": pipeline}, self.forbidden)

    def test_a_command_with_a_pipeline_is_held_to_the_same(self):
        for name, pipeline in {**READING, **WRITING}.items():
            with self.subTest(name):
                self.tried("POST", "/db/nexadb/command",
                           {"aggregate": "mine", "pipeline": pipeline, "cursor": {}}, self.unauthorized)

    def test_a_command_touches_no_second_collection(self):
        for name, command in COMMANDS.items():
            with self.subTest(name):
                self.tried("POST", "/db/nexadb/command", command, self.unauthorized)

    def test_every_command_there_is_was_tried(self):
        table = (ROOT / "plugins" / "database-document" / "command" / "command.cc").read_text(encoding="utf-8")
        known = {name.lower() for name in re.findall(r'(?m)^    \{"(\w+)", Run\w+\},$', table)}
        self.assertGreater(len(known), 25)
        tried = {next(iter(command)).lower() for command in COMMANDS.values()}
        self.assertEqual(known, tried | {name.lower() for name in WITHOUT_A_SECOND})

    def test_a_body_names_no_second_collection(self):
        for name, (method, path, body) in BODIES.items():
            with self.subTest(name):
                self.tried(method, path, body, self.forbidden)

    def test_a_view_that_an_administrator_made_opens_nothing_behind_it(self):
        self.kernel.http("PATCH", "/collections/mine_view", {"viewOn": "secret", "pipeline": []})
        self.assertIn(HIDDEN, str(self.kernel.http("GET", "/collections/mine_view")[1]))
        for method, path, body in (("GET", "/collections/mine_view", None),
                                   ("POST", "/collections/mine_view/query", {}),
                                   ("POST", "/collections/mine_view/_count", {}),
                                   ("POST", "/collections/mine_view/_distinct", {"field": "word"}),
                                   ("GET", "/collections/mine_view/_export", None),
                                   ("GET", "/collections/mine_view/_schema", None),
                                   ("POST", "/collections/mine/aggregate", [{"$unionWith": "mine_view"}])):
            with self.subTest(path=path):
                status, data = self.kernel.http(method, path, body, key=self.key, raw=True)
                self.assertNotIn(HIDDEN.encode(), data)
                self.assertEqual(status, 403, data)

    def test_a_command_touches_no_other_database(self):
        for command in ({"find": "mine"}, {"insert": "mine", "documents": [{"b": 1}]}, {"count": "mine"}):
            with self.subTest(command=command):
                self.tried("POST", "/db/elsewhere/command", command, self.unauthorized)

    def test_an_explained_pipeline_tells_nothing_of_a_second_collection(self):
        for name in ("lookup", "union", "graph"):
            with self.subTest(name):
                self.tried("POST", "/collections/mine/_explain", {"pipeline": READING[name]}, self.forbidden)

    def test_of_a_transaction_with_a_forbidden_operation_nothing_is_kept(self):
        operations = [
            [{"method": "POST", "path": "/collections/mine", "body": {"b": 1}},
             {"method": "POST", "path": "/collections/secret", "body": {"b": 1}}],
            [{"method": "POST", "path": "/collections/mine", "body": {"b": 1}},
             {"method": "DELETE", "path": "/collections/secret/s"}],
            [{"method": "POST", "path": "/collections/mine", "body": {"b": 1}},
             {"method": "PUT", "path": "/collections/secret/s", "body": {"b": 1}}],
            [{"method": "POST", "path": "/collections/mine", "body": {"b": 1}},
             {"method": "POST", "path": "/collections/mine/aggregate", "body": {"pipeline": [LOOKUP]}}],
            [{"method": "POST", "path": "/collections/mine", "body": {"b": 1}},
             {"method": "POST", "path": "/collections/mine/aggregate", "body": {"pipeline": [{"$out": "secret"}]}}],
            [{"method": "POST", "path": "/collections/mine", "body": {"b": 1}},
             {"method": "POST", "path": "/db/elsewhere/collections/mine", "body": {"b": 1}}],
            [{"method": "POST", "path": "/collections/mine", "body": {"b": 1}},
             {"method": "PUT", "path": "/kv/secret/k", "body": "MQ=="}],
        ]
        for each in operations:
            with self.subTest(path=each[1]["path"], method=each[1]["method"]):
                self.tried("POST", "/transactions", {"operations": each}, self.forbidden)

    def test_an_open_transaction_widens_no_scope_and_is_nobody_elses(self):
        begun = self.kernel.http("POST", "/transactions/begin", {}, key=self.key)[1]["id"]
        within = {"X-Transaction-Id": begun}
        self.assertEqual(self.kernel.http("POST", "/collections/mine", {"_id": "t"}, key=self.key, headers=within)[0], 201)
        for method, path, body in (("GET", "/collections/secret/s", None), ("POST", "/collections/secret", {"b": 1}),
                                   ("POST", "/collections/mine/aggregate", {"pipeline": [LOOKUP]})):
            self.forbidden(*self.kernel.http(method, path, body, key=self.key, headers=within))
        status, answer = self.kernel.http("GET", "/collections/mine/t", headers=within)
        self.assertEqual((status, answer["code"]), (404, "transaction_not_found"))
        self.assertEqual(self.kernel.http("POST", f"/transactions/{begun}/rollback", {}, key=self.key)[0], 200)

    def test_a_cursor_is_nobody_elses(self):
        for n in range(20):
            self.kernel.http("POST", "/collections/secret", {"n": n, "word": HIDDEN})
        reply = self.kernel.http("POST", "/db/nexadb/command", {"find": "secret", "batchSize": 2})[1]
        cursor = reply["cursor"]["id"]
        cursor = {"$numberLong": str(cursor)} if isinstance(cursor, int) else cursor
        status, data = self.kernel.http("POST", "/db/nexadb/command", {"getMore": cursor, "collection": "secret"},
                                        key=self.key, raw=True)
        self.assertNotIn(HIDDEN.encode(), data)
        self.assertEqual((status, json.loads(data)["ok"]), (200, 0))

    def test_lists_tell_only_of_what_the_key_may_touch(self):
        for method, path, body in (("GET", "/collections?details=true", None),
                                   ("POST", "/db/nexadb/command", {"listCollections": 1, "cursor": {}}),
                                   ("POST", "/db/nexadb/command", {"listCollections": 1, "nameOnly": True})):
            status, data = self.kernel.http(method, path, body, key=self.key, raw=True)
            self.assertEqual(status, 200, data)
            self.assertNotIn(b'"secret"', data)
            self.assertIn(b'"mine"', data)
        self.kernel.http("PUT", "/kv/secret/k", b"v")
        self.kernel.http("POST", "/db/elsewhere/collections/c", {"a": 1})
        for path, word in (("/kv", b"secret"), ("/db", b"elsewhere")):
            self.assertIn(word, self.kernel.http("GET", path, raw=True)[1])
            status, data = self.kernel.http("GET", path, key=self.key, raw=True)
            self.assertEqual(status, 200, data)
            self.assertNotIn(word, data, path)
        status, data = self.kernel.http("POST", "/db/nexadb/command", {"listDatabases": 1}, key=self.key, raw=True)
        self.assertEqual((status, b"nexadb" in data, b"elsewhere" in data), (200, True, False), data)


if __name__ == "__main__":
    unittest.main()
