"""The REST contract end to end: each test says one thing that a client may rely on. One file, however
long: they all ask the one server that it starts."""
import json
import sys
import unittest
import urllib.parse
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from kernel import Kernel  # noqa: E402


class ContractTest(unittest.TestCase):
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.kernel = Kernel()
        cls.addClassCleanup(cls.kernel.__exit__)

    def setUp(self):
        self.name = "c" + uuid.uuid4().hex[:12]
        self.path = f"/collections/{self.name}"

    def call(self, method, path, body=None, expect=None, **options):
        status, answer = self.kernel.http(method, path, body, **options)
        if expect is not None:
            self.assertEqual(status, expect, answer)
        return answer

    def header(self, name):
        return self.kernel.last_headers[name]

    def insert(self, *documents):
        answer = self.call("POST", self.path + "/bulk", {"documents": list(documents)}, 201)
        return answer["document_ids"]

    def refused(self, status, code, method, path, body=None, **options):
        answer = self.call(method, path, body, status, **options)
        self.assertEqual(answer["code"], code, answer)
        self.assertEqual(answer["status"], status)
        self.assertEqual(answer["error"], answer["detail"])
        self.assertEqual(answer["type"], f"urn:nexadb:error:{code}")
        return answer

    # ---- documents ----

    def test_an_insert_is_found_where_it_says(self):
        answer = self.call("POST", self.path, {"a": 1}, 201)
        location, tag = self.header("Location"), self.header("ETag")
        self.assertEqual(location, f"{self.path}/{answer['document_id']}")
        document = self.call("GET", location, expect=200)["document"]
        self.assertEqual(self.header("ETag"), tag)
        self.assertEqual(document["a"], 1)
        self.assertRegex(document["_created_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.call("GET", location, expect=304, headers={"If-None-Match": tag})

    def test_ids_of_any_type_are_kept(self):
        for given, text in ((7, "7"), ({"$oid": "0123456789abcdef01234567"}, None), ("a/b c", None)):
            with self.subTest(id=given):
                self.call("POST", self.path, {"_id": given}, 201)
                found = self.call("GET", self.header("Location"), expect=200)
                self.assertEqual(found["document"]["_id"], given)
        self.refused(409, "duplicate_key", "POST", self.path, {"_id": 7})
        self.refused(400, "invalid_id", "POST", self.path, {"_id": [1]})
        self.refused(400, "invalid_id", "POST", self.path, {"_id": "_mine"})

    def test_put_sets_fields_and_replaces_when_asked(self):
        (one,) = self.insert({"a": 1, "b": 2})
        document = self.call("PUT", f"{self.path}/{one}", {"b": 3}, 200)["document"]
        self.assertEqual((document["a"], document["b"]), (1, 3))
        document = self.call("PUT", f"{self.path}/{one}?mode=replace", {"c": 4}, 200)["document"]
        self.assertEqual(set(document), {"_id", "_created_at", "_updated_at", "c"})
        self.refused(404, "document_not_found", "PUT", f"{self.path}/new?mode=replace", {"c": 4})
        self.call("PUT", f"{self.path}/new?mode=replace&upsert=true", {"c": 4}, 201)
        self.call("PUT", f"{self.path}/new?mode=replace&upsert=true", {"c": 5}, 200)

    def test_patch_takes_operators_and_merge_patches(self):
        (one,) = self.insert({"n": 1, "tags": ["a"], "x": {"y": 1, "z": 2}})
        document = self.call("PATCH", f"{self.path}/{one}",
                             {"$inc": {"n": 2}, "$push": {"tags": "b"}}, 200)["document"]
        self.assertEqual((document["n"], document["tags"]), (3, ["a", "b"]))
        document = self.call("PATCH", f"{self.path}/{one}", json.dumps({"x": {"y": None}, "n": 9}).encode(),
                             200, headers={"Content-Type": "application/merge-patch+json"})["document"]
        self.assertEqual((document["n"], document["x"]), (9, {"z": 2}))
        self.refused(400, "mixed_update", "PATCH", f"{self.path}/{one}", {"$set": {"a": 1}, "b": 2})
        self.call("PATCH", f"{self.path}/{one}", {"$sett": {"a": 1}}, 400)

    def test_versions_guard_changes(self):
        (one,) = self.insert({"n": 1})
        where = f"{self.path}/{one}"
        self.call("GET", where)
        old = self.header("ETag")
        self.call("PUT", where, {"n": 2}, 200, headers={"If-Match": old})
        self.assertNotEqual(self.header("ETag"), old)
        for method, body in (("PUT", {"n": 3}), ("PATCH", {"$inc": {"n": 1}}), ("DELETE", None)):
            with self.subTest(method=method):
                self.call(method, where, body, 412, headers={"If-Match": old})
        self.call("PUT", where, {"n": 3}, 412, headers={"If-None-Match": "*"})
        self.call("PUT", f"{self.path}/fresh", {"n": 3}, 201, headers={"If-None-Match": "*"})
        self.assertEqual(self.call("GET", where)["document"]["n"], 2)
        self.call("DELETE", where, expect=200, headers={"If-Match": "*"})
        self.refused(404, "document_not_found", "GET", where)

    def test_head_is_get_without_a_body(self):
        (one,) = self.insert({"n": 1})
        status, data = self.kernel.http("HEAD", f"{self.path}/{one}", raw=True)
        self.assertEqual((status, data), (200, b""))
        self.assertIn("ETag", self.kernel.last_headers)

    # ---- queries ----

    def test_queries_filter_sort_cut_and_project(self):
        self.insert(*({"n": n, "even": n % 2 == 0, "x": {"y": n}} for n in range(20)))
        body = {"filter": {"even": True}, "sort": {"n": -1}, "skip": 1, "limit": 3, "fields": ["x.y"],
                "total": True}
        answer = self.call("POST", self.path + "/query", body, 200)
        self.assertEqual([d["x"]["y"] for d in answer["documents"]], [16, 14, 12])
        self.assertEqual(set(answer["documents"][0]), {"_id", "x"})
        self.assertEqual((answer["count"], answer["total"]), (3, 10))
        self.assertGreaterEqual(answer["took_ms"], 0)
        listed = self.call("GET", self.path + "?sort=-n&limit=2&fields=n", expect=200)
        self.assertEqual([d["n"] for d in listed["documents"]], [19, 18])
        self.assertEqual(self.call("POST", "/collections/absent/query", {}, 200)["documents"], [])

    def test_pages_meet_every_document_once(self):
        self.insert(*({"n": n, "group": n % 3} for n in range(50)))
        for sort in (None, {"group": 1}, {"n": -1}):
            seen, cursor = [], None
            while True:
                body = {"limit": 7, **({"sort": sort} if sort else {}), **({"cursor": cursor} if cursor else {})}
                answer = self.call("POST", self.path + "/query", body, 200)
                seen += [d["n"] for d in answer["documents"]]
                cursor = answer["next_cursor"]
                if cursor is None:
                    break
            self.assertEqual(sorted(seen), list(range(50)), sort)
        answer = self.call("POST", self.path + "/query", {"limit": 7}, 200)
        self.refused(400, "cursor_mismatch", "POST", self.path + "/query",
                     {"cursor": answer["next_cursor"], "filter": {"n": 1}})
        self.refused(400, "invalid_cursor", "POST", self.path + "/query", {"cursor": "AAAA"})

    def test_a_large_answer_is_whole(self):
        self.insert(*({"n": n, "pad": "x" * 200} for n in range(5000)))
        answer = self.call("GET", self.path + "?limit=999999", expect=200)
        self.assertEqual((answer["count"], len(answer["documents"])), (5000, 5000))
        status, data = self.kernel.http("POST", self.path + "/query", {"limit": 999999}, raw=True,
                                        headers={"Accept": "application/x-ndjson"})
        lines = [json.loads(line) for line in data.splitlines()]
        self.assertEqual(status, 200)
        self.assertEqual(len(lines), 5001)
        self.assertEqual((lines[-1]["$end"]["ok"], lines[-1]["$end"]["count"]), (True, 5000))

    def test_moments_compare_as_dates(self):
        (one,) = self.insert({"n": 1})
        document = self.call("GET", f"{self.path}/{one}")["document"]
        for field in ("_created_at", "_updated_at"):
            for operator in ("$gte", "$lte", "$eq"):
                found = self.call("POST", self.path + "/query", {"filter": {field: {operator: document[field]}}}, 200)
                self.assertEqual(found["count"], 1, (field, operator))
        answer = self.call("POST", self.path + "/query", {"filter": {"_created_at": {"$lt": "2001-01-01T00:00:00Z"}}})
        self.assertEqual(answer["count"], 0)

    def test_a_date_alone_is_its_midnight_and_what_is_no_date_is_refused(self):
        self.insert({"n": 1})
        for body in ({"filter": {"_created_at": {"$gte": "2020-01-01"}}},
                     {"filter": {"$expr": {"$gte": ["$_created_at", "2020-01-01"]}}}):
            self.assertEqual(self.call("POST", self.path + "/query", body, 200)["count"], 1, body)
        self.assertEqual(self.call("POST", self.path + "/query", {"filter": {
            "$expr": {"$gte": ["$_created_at", "2999-01-01"]}}}, 200)["count"], 0)
        answer = self.refused(400, "bad_value", "POST", self.path + "/query",
                              {"filter": {"_created_at": {"$gte": "yesterday"}}})
        self.assertEqual(answer["errors"][0]["pointer"], "/filter/_created_at/$gte")

    def test_what_is_unknown_is_named(self):
        self.insert({"a": 1})
        answer = self.refused(400, "unknown_operator", "POST", self.path + "/query", {"filter": {"a": {"$gte2": 1}}})
        self.assertIn("$gte", answer["detail"])
        self.refused(400, "unknown_option", "POST", self.path + "/query", {"filtr": {}})
        self.refused(400, "unknown_parameter", "GET", self.path + "?limt=1")
        self.refused(400, "unknown_stage", "POST", self.path + "/aggregate", [{"$mach": {}}])

    def test_broken_json_is_pointed_at(self):
        answer = self.refused(400, "invalid_json", "POST", self.path, b'{"a": 1,\n "b": }')
        self.assertEqual(answer["line"], 2)
        self.assertIn("column", answer)
        self.refused(400, "not_an_object", "POST", self.path, b"[]")
        self.refused(400, "missing_body", "POST", self.path)
        self.refused(400, "too_deep", "POST", self.path, b'{"a":' + b"[" * 300 + b"]" * 300 + b"}")
        self.call("POST", self.path, b"{}", 415, headers={"Content-Type": "text/plain"})

    def test_counts_and_distinct_values(self):
        self.insert({"a": 1}, {"a": 1}, {"a": 2})
        self.assertEqual(self.call("POST", self.path + "/_count", {"filter": {"a": 1}}, 200)["count"], 2)
        self.assertEqual(sorted(self.call("POST", self.path + "/_distinct", {"field": "a"}, 200)["values"]), [1, 2])
        self.assertIn("explain", self.call("POST", self.path + "/_explain", {"filter": {"a": 1}}, 200))

    def test_filtered_writes(self):
        self.insert({"a": 1}, {"a": 1}, {"a": 2})
        answer = self.call("POST", self.path + "/_update",
                           {"filter": {"a": 1}, "update": {"$set": {"b": 1}}, "multi": True}, 200)
        self.assertEqual((answer["matched"], answer["modified"]), (2, 2))
        answer = self.call("POST", self.path + "/_find_and_modify",
                           {"filter": {"a": 2}, "update": {"$inc": {"a": 5}}, "return": "after"}, 200)
        self.assertEqual(answer["document"]["a"], 7)
        self.refused(400, "empty_filter", "POST", self.path + "/_delete", {"filter": {}})
        self.assertEqual(self.call("POST", self.path + "/_delete", {"filter": {"a": 1}}, 200)["deleted"], 2)
        self.assertEqual(self.call("POST", self.path + "/_delete", {"all": True}, 200)["deleted"], 1)

    def test_what_means_every_document_must_say_so(self):
        self.insert({"a": 1}, {"a": 2})
        update = {"update": {"$set": {"b": 1}}, "multi": True}
        self.refused(400, "empty_filter", "POST", self.path + "/_update", update)
        self.assertEqual(self.call("POST", self.path + "/_update", {**update, "all": True}, 200)["matched"], 2)
        self.refused(400, "empty_filter", "POST", self.path + "/_find_and_modify", {"remove": True})
        taken = self.call("POST", self.path + "/_find_and_modify", {"remove": True, "sort": {"a": -1}}, 200)
        self.assertEqual(taken["document"]["a"], 2)
        for kind in ({"delete": {"filter": {}, "multi": True}},
                     {"update": {"filter": {}, "multi": True, "update": {"$set": {"c": 1}}}}):
            answer = self.call("POST", self.path + "/bulk", {"operations": [kind]}, 207)
            self.assertEqual(answer["errors"][0]["code"], "empty_filter")
        self.assertEqual(self.call("POST", self.path + "/_count", {}, 200)["count"], 1)

    def test_a_patch_reaches_into_arrays_by_filters(self):
        (one,) = self.insert({"l": [{"n": 1}, {"n": 5}]})
        filters = urllib.parse.quote(json.dumps([{"x.n": {"$gt": 2}}]))
        document = self.call("PATCH", f"{self.path}/{one}?array_filters={filters}",
                             {"$set": {"l.$[x].big": True}}, 200)["document"]
        self.assertEqual(document["l"], [{"n": 1}, {"n": 5, "big": True}])
        self.refused(400, "invalid_parameter", "PATCH", f"{self.path}/{one}?array_filters={filters}", {"a": 1})
        self.refused(400, "invalid_parameter", "PATCH", f"{self.path}/{one}?array_filters=1", {"$set": {"a": 1}})

    def test_a_refused_version_says_both(self):
        (one,) = self.insert({"n": 1})
        where = f"{self.path}/{one}"
        self.call("GET", where)
        old = self.header("ETag")
        self.call("PUT", where, {"n": 2}, 200)
        new = self.header("ETag")
        answer = self.call("PUT", where, {"n": 3}, 412, headers={"If-Match": old})
        self.assertEqual((answer["expected"], answer["got"]), (old, new))

    def test_an_inserted_document_may_be_wrapped(self):
        answer = self.call("POST", self.path + "/bulk", {"operations": [
            {"insert": {"document": {"_id": "a", "n": 1}}}, {"insert": {"_id": "b", "document": {"n": 2}}}]}, 200)
        self.assertEqual(answer["inserted"], 2)
        self.assertEqual(self.call("GET", self.path + "/a", expect=200)["document"]["n"], 1)
        self.assertEqual(self.call("GET", self.path + "/b", expect=200)["document"]["document"], {"n": 2})

    # ---- views and renames ----

    def test_a_view_shows_its_collection_and_takes_no_writes(self):
        self.insert(*({"n": n} for n in range(6)))
        view = self.name + "_v"
        self.call("POST", "/collections", {"name": view, "viewOn": self.name, "pipeline": [
            {"$match": {"n": {"$gt": 2}}}, {"$project": {"m": {"$multiply": ["$n", 2]}}}]}, 201)
        answer = self.call("POST", f"/collections/{view}/query", {"filter": {"m": {"$gt": 6}}, "sort": {"m": 1}}, 200)
        self.assertEqual([d["m"] for d in answer["documents"]], [8, 10])
        self.assertEqual(self.call("POST", f"/collections/{view}/_count", {}, 200)["count"], 3)
        self.assertEqual(self.call("GET", f"/collections/{view}/_schema", expect=200)["sampled"], 3)
        self.refused(422, "view_not_supported", "POST", f"/collections/{view}", {"n": 1})
        self.call("PATCH", f"/collections/{view}", {"pipeline": [], "viewOn": self.name}, 200)
        self.assertEqual(self.call("POST", f"/collections/{view}/_count", {}, 200)["count"], 6)
        self.call("DELETE", f"/collections/{view}", expect=200)
        self.assertEqual(self.call("POST", self.path + "/_count", {}, 200)["count"], 6)

    def test_a_renamed_collection_keeps_all(self):
        (one,) = self.insert({"n": 1})
        self.call("POST", self.path + "/_indexes", {"key": {"n": 1}, "unique": True}, 201)
        new = self.name + "_new"
        self.call("PATCH", self.path, {"name": new}, 200)
        self.call("GET", f"{self.path}/{one}", expect=404)
        self.call("GET", f"/collections/{new}/{one}", expect=200)
        self.refused(409, "duplicate_key", "POST", f"/collections/{new}", {"n": 1})
        self.insert({"n": 2})
        self.refused(409, "collection_exists", "PATCH", f"/collections/{new}", {"name": self.name})
        self.refused(404, "collection_not_found", "PATCH", "/collections/absent_x", {"name": "other_x"})

    # ---- schemas ----

    def test_a_validator_is_set_shown_and_kept_to(self):
        self.refused(404, "collection_not_found", "PUT", self.path + "/_validator", {"validator": {}})
        self.insert({"n": 1})
        schema = {"required": ["n"], "properties": {"n": {"bsonType": "int"}}}
        answer = self.call("PUT", self.path + "/_validator", {"$jsonSchema": schema}, 200)
        self.assertEqual((answer["validator"], answer["level"], answer["action"]),
                         ({"$jsonSchema": schema}, "strict", "error"))
        self.assertEqual(self.call("GET", self.path + "/_validator", expect=200)["validator"], {"$jsonSchema": schema})
        refusal = self.refused(422, "validation_failed", "POST", self.path, {"n": "x"})
        rules = refusal["errInfo"]["details"]["schemaRulesNotSatisfied"]
        self.assertEqual(rules[0]["propertiesNotSatisfied"][0]["propertyName"], "n")
        self.call("PUT", self.path + "/_validator", {"validator": {"n": {"$gt": 0}}, "action": "warn"}, 200)
        self.call("POST", self.path, {"n": -1}, 201)
        self.call("PUT", self.path + "/_validator", {"validator": {"n": {"$gt": 0}}, "level": "off"}, 200)
        self.call("POST", self.path, {"n": -1}, 201)
        for bad in ({}, {"validator": {}, "$jsonSchema": {}}, {"validator": {"$nope": 1}},
                    {"validator": {}, "level": "some"}, {"validator": []}):
            with self.subTest(body=bad):
                self.call("PUT", self.path + "/_validator", bad, 400)

    def test_a_schema_is_inferred(self):
        self.insert({"a": {"b": 1}}, {"a": {"b": "x"}, "c": [1]})
        answer = self.call("GET", self.path + "/_schema", expect=200)
        fields = {f["path"]: f for f in answer["fields"]}
        self.assertEqual({t["type"] for t in fields["a.b"]["types"]}, {"int", "string"})
        self.assertEqual(fields["c"]["share"], 0.5)
        self.assertTrue(answer["complete"])
        # What is inferred holds, and may be set as a validator as it is.
        self.call("PUT", self.path + "/_validator", {"$jsonSchema": answer["schema"]}, 200)
        self.insert({"a": {"b": 2}})
        self.refused(400, "invalid_parameter", "GET", self.path + "/_schema?sample=0")

    def test_aggregations_page_when_asked(self):
        self.insert(*({"n": n} for n in range(30)))
        answer = self.call("POST", self.path + "/aggregate", [{"$sort": {"n": 1}}, {"$project": {"_id": 0, "n": 1}}], 200)
        self.assertEqual([d["n"] for d in answer["results"]], list(range(30)))
        body = {"pipeline": [{"$sort": {"n": 1}}], "limit": 12}
        seen = []
        while True:
            answer = self.call("POST", self.path + "/aggregate", body, 200)
            seen += [d["n"] for d in answer["results"]]
            if answer["next_cursor"] is None:
                break
            body["cursor"] = answer["next_cursor"]
        self.assertEqual(seen, list(range(30)))

    # ---- bulk ----

    def test_bulk_reports_each_failure(self):
        documents = [{"_id": "a"}, {"_id": "a"}, {"_id": "b"}]
        answer = self.call("POST", self.path + "/bulk?ordered=false", {"documents": documents}, 207)
        self.assertEqual((answer["ok"], answer["document_ids"]), (False, ["a", "b"]))
        self.assertEqual([(e["index"], e["code"]) for e in answer["errors"]], [(1, "duplicate_key")])
        answer = self.call("POST", self.path + "/bulk", {"documents": [{"_id": "c"}, {"_id": "a"}, {"_id": "d"}]}, 207)
        self.assertEqual(answer["document_ids"], ["c"])
        self.refused(409, "duplicate_key", "POST", self.path + "/bulk?atomic=true",
                     {"documents": [{"_id": "x"}, {"_id": "a"}]})
        self.refused(404, "document_not_found", "GET", self.path + "/x")

    def test_bulk_mixes_operations(self):
        self.insert({"_id": "a", "n": 1}, {"_id": "b", "n": 2})
        operations = [{"insert": {"_id": "c", "n": 3}}, {"update": {"id": "a", "update": {"$inc": {"n": 10}}}},
                      {"replace": {"id": "b", "document": {"m": 1}}}, {"delete": {"filter": {"n": 3}}}]
        answer = self.call("POST", self.path + "/bulk", {"operations": operations}, 200)
        self.assertEqual([answer[k] for k in ("inserted", "matched", "modified", "deleted")], [1, 2, 2, 1])
        found = self.call("GET", self.path + "?sort=_id&fields=n,m")["documents"]
        self.assertEqual(found, [{"_id": "a", "n": 11}, {"_id": "b", "m": 1}])
        body = b'{"_id": "l1"}\n{"_id": "l2"}\n'
        answer = self.call("POST", self.path + "/bulk", body, 201, headers={"Content-Type": "application/x-ndjson"})
        self.assertEqual(answer["count"], 2)

    # ---- transfer ----

    def test_what_is_exported_imports_again(self):
        self.insert(*({"_id": f"d{n}", "n": n, "t": f'a,"{n}"\n', "x": {"y": [n]}} for n in range(300)))
        for format_, media_type in (("ndjson", "application/x-ndjson"), ("json", "application/json"), ("csv", "text/csv")):
            with self.subTest(format=format_):
                status, data = self.kernel.http("GET", f"{self.path}/_export?format={format_}&fields=n,t,x", raw=True)
                self.assertEqual(status, 200)
                target = f"{self.path}_{format_}"
                answer = self.call("POST", target + "/_import", data, 201, headers={"Content-Type": media_type})
                self.assertEqual((answer["inserted"], answer["failed"]), (300, 0))
                fields = "?sort=n&limit=1000&fields=n,t,x"
                self.assertEqual(self.call("GET", target + fields)["documents"],
                                 self.call("GET", self.path + fields)["documents"])

    # ---- collections and indexes ----

    def test_collections_come_and_go(self):
        self.call("POST", "/collections", {"name": self.name}, 201)
        self.refused(409, "collection_exists", "POST", "/collections", {"name": self.name})
        self.assertIn(self.name, self.call("GET", "/collections")["collections"])
        details = self.call("GET", "/collections?details=true")["details"]
        mine = [d for d in details if d["name"] == self.name]
        self.assertEqual((mine[0]["documents"], mine[0]["vector"]), (0, False))
        self.call("PATCH", self.path, {"name": self.name + "2"}, 200)
        names = self.call("GET", "/collections")["collections"]
        self.assertEqual((self.name in names, self.name + "2" in names), (False, True))
        self.call("DELETE", self.path + "2", expect=200)
        self.refused(404, "collection_not_found", "DELETE", self.path + "2")

    def test_databases_are_apart(self):
        self.insert({"a": 1})
        self.call("POST", f"/db/other{self.path}", {"a": 2}, 201)
        found = self.call("GET", f"/v1/db/other{self.path}")["documents"]
        self.assertEqual([d["a"] for d in found], [2])
        self.assertIn("other", [d["name"] for d in self.call("GET", "/db")["databases"]])
        self.call("DELETE", "/db/other", expect=200)
        self.refused(404, "database_not_found", "DELETE", "/db/other")
        self.assertEqual(self.call("GET", self.path)["count"], 1)

    def test_indexes_come_and_go(self):
        self.insert({"a": 1, "b": 1})
        answer = self.call("POST", self.path + "/_indexes", {"key": {"a": 1, "b": -1}, "unique": True}, 201)
        self.assertEqual(answer["indexes"], ["a_1_b_-1"])
        self.call("POST", self.path + "/_indexes", {"key": {"a": 1, "b": -1}, "unique": True}, 200)
        self.refused(409, "duplicate_key", "POST", self.path, {"a": 1, "b": 1})
        self.assertEqual(len(self.call("GET", self.path + "/_indexes")["indexes"]), 2)
        self.assertTrue(self.call("GET", self.path + "/_indexes/a_1_b_-1", expect=200)["index"]["unique"])
        self.call("DELETE", self.path + "/_indexes/a_1_b_-1", expect=200)
        self.refused(404, "index_not_found", "DELETE", self.path + "/_indexes/a_1_b_-1")

    def test_commands_answer_as_mongodb_does(self):
        run = lambda command, form="relaxed": self.call("POST", f"/db/cmd/command?ejson={form}", command, 200)
        self.assertEqual(run({"ping": 1}), {"ok": 1})
        reply = run({"insert": self.name, "documents": [{"n": 1}]})
        self.assertEqual(reply["n"], 1)
        reply = run({"find": self.name, "filter": {}}, "canonical")
        (document,) = reply["cursor"]["firstBatch"]
        self.assertEqual(document["n"], {"$numberInt": "1"})
        self.assertEqual(set(document), {"_id", "n"})
        self.assertIn("$oid", document["_id"])
        reply = run({"collStats": self.name}, "canonical")
        for member in ("count", "size", "storageSize", "totalIndexSize", "totalSize"):
            self.assertEqual(list(reply[member]), ["$numberLong"], member)
        self.assertEqual(list(run({"dbStats": 1}, "canonical")["dataSize"]), ["$numberDouble"])
        reply = run({"find": self.name, "filter": {"a": {"$gte2": 1}}})
        self.assertEqual((reply["ok"], reply["code"], reply["codeName"]), (0, 2, "BadValue"))

    # ---- vectors ----

    def test_vectors_are_found_by_nearness(self):
        where = f"/vector/{self.name}"
        self.call("PUT", where, {"dimensions": 3, "metric": "cosine"}, 201)
        self.call("PUT", where, {"dimensions": 3, "metric": "cosine"}, 200)
        self.call("PUT", where, {"dimensions": 4, "metric": "cosine"}, 409)
        one = self.call("POST", where, {"document": {"k": "x"}, "vector": [1, 0, 0]}, 201)["document_id"]
        answer = self.call("POST", where + "/bulk", {"documents": [{"k": "y"}, {"k": "z"}],
                                                     "vectors": [[0, 1, 0], [1, 1, 0]]}, 201)
        two, three = answer["document_ids"]
        answer = self.call("POST", where + "/search", {"vector": [1, 0, 0], "limit": 2}, 200)
        self.assertEqual([r["document_id"] for r in answer["results"]], [one, three])
        self.assertAlmostEqual(answer["results"][1]["similarity"], 0.5 ** 0.5, places=6)
        self.assertTrue(answer["exact"])
        answer = self.call("POST", where + "/search", {"id": two, "limit": 1, "include_vector": True}, 200)
        self.assertEqual((answer["results"][0]["document_id"], answer["results"][0]["vector"]), (three, [1, 1, 0]))
        answer = self.call("POST", where + "/search", {"vector": [1, 0, 0], "filter": {"k": "y"}, "fields": ["k"]}, 200)
        self.assertEqual([r["document"] for r in answer["results"]], [{"_id": two, "k": "y"}])
        answer = self.call("POST", where + "/search/batch",
                           {"searches": [{"vector": [1, 0, 0], "limit": 1}, {"vector": [0, 1, 0], "limit": 1}]}, 200)
        self.assertEqual([s["results"][0]["document_id"] for s in answer["searches"]], [one, two])
        self.assertEqual(self.call("GET", where, expect=200)["count"], 3)
        answer = self.refused(422, "vector_dimension_mismatch", "POST", where + "/search", {"vector": [1, 0]})
        self.assertEqual((answer["expected"], answer["got"]), (3, 2))
        self.refused(422, "invalid_vector", "POST", where, {"document": {}, "vector": [1, 0, 1e300]})
        for name in ("limit", "k"):
            answer = self.refused(400, "bad_value", "POST", where + "/search", {"vector": [1, 0, 0], name: 0})
            self.assertIn(f"'{name}' takes an integer from 1 to 10000", answer["detail"])
            for much in (10_001, 2 ** 31, 2 ** 62):
                self.refused(422, "vector_limit", "POST", where + "/search", {"vector": [1, 0, 0], name: much})
        self.assertEqual(self.call("GET", self.path)["count"], 3)
        self.call("DELETE", where, expect=200)
        self.assertEqual(self.call("GET", self.path)["count"], 3)

    # ---- key-value ----

    def test_values_are_bytes_with_their_type(self):
        where = f"/kv/{self.name}/" + urllib.parse.quote("a/b ü", safe="")
        value = bytes(range(256))
        self.kernel.http("PUT", where, value, headers={"Content-Type": "image/png"}, raw=True)
        status, data = self.kernel.http("GET", where, raw=True)
        self.assertEqual((status, data, self.header("Content-Type")), (200, value, "image/png"))
        self.call("GET", where, expect=304, headers={"If-None-Match": self.header("ETag")})
        self.call("PUT", where, b"x", 412, headers={"If-None-Match": "*"})
        self.call("DELETE", where, expect=204)
        self.refused(404, "kv_key_not_found", "GET", where)

    def test_many_keys_in_one_request(self):
        where = f"/kv/{self.name}"
        entries = [{"key": f"k{n}", "value": str(n)} for n in range(5)]
        self.call("POST", where + "/_mset", {"entries": entries}, 200)
        answer = self.call("GET", where + "?start=k1&end=k4&limit=2&values=true", expect=200)
        self.assertEqual([(e["key"], e["value"]) for e in answer["entries"]], [("k1", "1"), ("k2", "2")])
        answer = self.call("GET", where + "?start=k1&end=k4&limit=2&cursor=" + answer["next_cursor"], expect=200)
        self.assertEqual([e["key"] for e in answer["entries"]], ["k3"])
        self.assertIsNone(answer["next_cursor"])
        answer = self.call("POST", where + "/_mget", {"keys": ["k0", "none"]}, 200)
        self.assertEqual([e["found"] for e in answer["entries"]], [True, False])
        self.assertEqual(self.call("POST", where + "/_incr", {"key": "n", "amount": 5}, 200)["value"], 5)
        self.assertEqual(self.call("POST", where + "/_incr", {"key": "n"}, 200)["value"], 6)
        self.call("POST", where + "/_cas", {"key": "c", "expected": None, "value": "1"}, 200)
        self.refused(409, "kv_compare_failed", "POST", where + "/_cas", {"key": "c", "expected": "2", "value": "3"})
        self.call("POST", where + "/_cas", {"key": "c", "expected": "1", "value": "2"}, 200)

    def test_buckets_are_listed_by_pages_and_only_those_that_the_key_may_read(self):
        database = "/db/buckets"
        for n in range(5):
            self.call("PUT", f"{database}/kv/b{n}/k", b"v", 204)
        self.call("PUT", f"{database}/kv/b3/l", b"v", 204)
        self.call("POST", f"{database}/collections/no_bucket", {"a": 1}, 201)
        found, cursor = [], ""
        while cursor is not None:
            page = self.call("GET", f"{database}/kv?limit=2&cursor={cursor}", expect=200)
            self.assertEqual(page["count"], len(page["buckets"]))
            self.assertLessEqual(page["count"], 2)
            found += page["buckets"]
            cursor = page["next_cursor"]
        self.assertEqual(found, [{"name": f"b{n}", "keys": 2 if n == 3 else 1} for n in range(5)])
        other = self.call("GET", f"{database}/kv?limit=2", expect=200)["next_cursor"]
        self.refused(400, "cursor_mismatch", "GET", "/kv?cursor=" + other)
        for scope, seen in ((["buckets/kv:b[no]"], []), (["buckets/kv:b2", "buckets/no_bucket"], ["b2"]),
                            (["kv:*"], []), (["buckets/kv:*"], [f"b{n}" for n in range(5)])):
            made = self.kernel.http("POST", "/keys", {"name": "b", "actions": ["read"], "patterns": scope})[1]
            status, listed = self.kernel.http("GET", f"{database}/kv", key=made["key"])
            self.assertEqual((status, [b["name"] for b in listed["buckets"]]), (200, seen), scope)
        self.call("DELETE", f"{database}/kv/b0/k", expect=204)
        self.assertEqual(self.call("GET", f"{database}/kv?limit=1", expect=200)["buckets"][0]["name"], "b1")

    # ---- transactions ----

    def test_a_transaction_is_seen_when_it_commits(self):
        begun = self.call("POST", "/transactions/begin", {}, 201)
        inside = {"X-Transaction-Id": begun["id"]}
        self.call("POST", self.path, {"_id": "t"}, 201, headers=inside)
        self.call("GET", self.path + "/t", expect=200, headers=inside)
        self.call("GET", self.path + "/t", expect=404)
        self.call("POST", f"/transactions/{begun['id']}/commit", expect=200)
        self.call("GET", self.path + "/t", expect=200)
        self.refused(410, "transaction_expired", "POST", self.path, {"_id": "u"}, headers=inside)

    def test_a_transaction_that_is_rolled_back_never_was(self):
        begun = self.call("POST", "/transactions/begin", {}, 201)
        self.call("POST", self.path, {"_id": "t"}, 201, headers={"X-Transaction-Id": begun["id"]})
        self.call("POST", f"/transactions/{begun['id']}/rollback", expect=200)
        self.call("GET", self.path + "/t", expect=404)

    def test_writers_of_one_document_conflict(self):
        (one,) = self.insert({"n": 0})
        begun = self.call("POST", "/transactions/begin", {}, 201)
        self.call("PUT", f"{self.path}/{one}", {"n": 1}, 200, headers={"X-Transaction-Id": begun["id"]})
        self.call("PUT", f"{self.path}/{one}", {"n": 2}, 200)
        answer = self.refused(409, "transaction_conflict", "POST", f"/transactions/{begun['id']}/commit")
        self.assertTrue(answer["retryable"])
        self.assertEqual(self.call("GET", f"{self.path}/{one}")["document"]["n"], 2)

    def test_one_request_holds_a_whole_transaction(self):
        operations = [{"method": "POST", "path": self.path, "body": {"_id": "a", "n": 1}},
                      {"method": "PATCH", "path": f"{self.path}/a", "body": {"$inc": {"n": 1}}},
                      {"method": "PUT", "path": f"/kv/{self.name}/k", "body": "aGk="},
                      {"method": "GET", "path": f"/kv/{self.name}/k"}]
        answer = self.call("POST", "/transactions", {"operations": operations}, 200)
        self.assertEqual([r["status"] for r in answer["results"]], [201, 200, 204, 200])
        self.assertEqual(answer["results"][3]["body"], "aGk=")
        self.assertEqual(self.call("GET", self.path + "/a")["document"]["n"], 2)
        operations = [{"method": "POST", "path": self.path, "body": {"_id": "b"}},
                      {"method": "POST", "path": self.path, "body": {"_id": "a"}}]
        answer = self.refused(409, "duplicate_key", "POST", "/transactions", {"operations": operations})
        self.assertEqual(answer["failed_operation"], 1)
        self.call("GET", self.path + "/b", expect=404)

    # ---- service and keys ----

    def test_the_server_says_how_it_is(self):
        self.assertEqual(self.call("GET", "/healthz", key="", expect=200), {"status": "ok"})
        self.assertEqual(self.call("GET", "/readyz", key="", expect=200), {"status": "ok"})
        status = self.call("GET", "/status", key="", expect=200)
        self.assertEqual((status["status"], status["database"], status["ready"]), ("ok", "NexaDB", True))
        self.assertNotIn("plugins", status)
        status = self.call("GET", "/status", expect=200)
        self.assertIn("document_bytes", status["limits"])
        self.assertIn("rest", [p["name"] for p in status["plugins"]])
        self.assertIn("engine_stats", self.call("GET", "/stats", expect=200)["stats"])
        self.assertEqual(self.kernel.http("GET", "/metrics", raw=True)[0], 200)
        self.assertIn("rest", [p["name"] for p in self.call("GET", "/plugins", expect=200)["plugins"]])
        self.call("GET", "/config", expect=200)

    def test_keys_reach_what_they_are_for(self):
        self.refused(401, "unauthorized", "GET", self.path, key="")
        self.refused(401, "invalid_key", "GET", self.path, key="nonsense")
        made = self.call("POST", "/keys", {"name": "reader", "actions": ["read"], "patterns": [self.name]}, 201)
        secret = made["key"]
        self.insert({"a": 1})
        self.assertEqual(self.call("GET", self.path, key=secret, expect=200)["count"], 1)
        self.refused(403, "forbidden", "POST", self.path, {"a": 2}, key=secret)
        self.refused(403, "forbidden", "GET", self.path + "2", key=secret)
        self.refused(403, "forbidden", "GET", "/keys", key=secret)
        self.assertEqual(self.call("GET", "/keys/self", key=secret, expect=200)["name"], "reader")
        self.assertNotIn(secret, json.dumps(self.call("GET", "/keys")))
        reply = self.call("POST", "/db/nexadb/command", {"insert": self.name, "documents": [{}]}, 200, key=secret)
        self.assertEqual((reply["ok"], reply["code"]), (0, 13))
        self.call("DELETE", f"/keys/{made['id']}", expect=200)
        self.refused(401, "invalid_key", "GET", self.path, key=secret)


class RestartTest(unittest.TestCase):
    def test_a_finds_cursor_survives_a_restart(self):
        with Kernel() as kernel:
            documents = [{"n": n} for n in range(20)]
            kernel.http("POST", "/collections/c/bulk", {"documents": documents})
            _, first = kernel.http("POST", "/collections/c/query", {"limit": 8, "sort": "n"})
            kernel.stop()
            kernel.start()
            status, rest = kernel.http("POST", "/collections/c/query",
                                       {"limit": 20, "sort": "n", "cursor": first["next_cursor"]})
            self.assertEqual(status, 200, rest)
            self.assertEqual([d["n"] for d in rest["documents"]], list(range(8, 20)))


if __name__ == "__main__":
    unittest.main()
