#!/usr/bin/env python3
"""Wrong input gets the documented error, says what to do, and leaves nothing behind."""
import unittest

from kernel import Kernel

PROBLEM_MEMBERS = {"error", "type", "title", "status", "code", "detail", "instance", "request_id",
                   "retryable"}


class Errors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernel = Kernel()

    @classmethod
    def tearDownClass(cls):
        cls.kernel.__exit__()

    def assert_problem(self, answer, status, code, *words):
        got, body = answer
        self.assertEqual((got, body.get("code")), (status, code), body)
        self.assertLessEqual(PROBLEM_MEMBERS, set(body))
        self.assertEqual(body["status"], status)
        self.assertEqual(body["error"], body["detail"])
        self.assertEqual(body["type"], "urn:nexadb:error:" + code)
        self.assertEqual(self.kernel.last_headers["Content-Type"], "application/problem+json")
        for word in words:
            self.assertIn(word, body["detail"])
        return body

    def collections(self):
        return self.kernel.http("GET", "/collections")[1]["collections"]

    def test_keys(self):
        http = self.kernel.http
        self.assert_problem(http("GET", "/collections", key=""), 401, "unauthorized")
        self.assert_problem(http("GET", "/collections", key="wrong"), 401, "invalid_key")
        self.assert_problem(http("POST", "/collections/k1", {"a": 1}, key="wrong"), 401, "invalid_key")
        self.assertNotIn("k1", self.collections())
        self.assertEqual(http("GET", "/status", key="wrong")[0], 200)
        bearer = {"Authorization": "Bearer " + self.kernel.root_key}
        self.assertEqual(http("GET", "/collections", key="", headers=bearer)[0], 200)

    def test_the_published_default_key_is_worthless_by_default(self):
        self.assert_problem(self.kernel.http("GET", "/collections",
                                             key="b8c37e33faa946d43c2f6e5a0bc7e7e0"), 401, "invalid_key")

    def test_scoped_key(self):
        http = self.kernel.http
        status, made = http("POST", "/keys", {"name": "logs reader", "actions": ["read"],
                                              "patterns": ["logs_*"]})
        self.assertEqual(status, 201)
        key = made["key"]
        self.assertEqual(http("POST", "/collections/logs_a", {"a": 1})[0], 201)
        self.assertEqual(http("GET", "/collections/logs_a", key=key)[0], 200)
        self.assert_problem(http("POST", "/collections/logs_a", {"a": 2}, key=key), 403, "forbidden")
        self.assert_problem(http("GET", "/collections/other", key=key), 403, "forbidden")
        self.assert_problem(http("GET", "/keys", key=key), 403, "forbidden")
        lookup = [{"$lookup": {"from": "other", "localField": "a", "foreignField": "a", "as": "x"}}]
        self.assert_problem(http("POST", "/collections/logs_a/aggregate", {"pipeline": lookup}, key=key),
                            403, "forbidden")
        self.assertEqual(http("DELETE", "/keys/" + made["id"])[0], 200)
        self.assert_problem(http("GET", "/collections/logs_a", key=key), 401, "invalid_key")

    def test_json(self):
        http = self.kernel.http
        body = self.assert_problem(http("POST", "/collections/j", b'{"a": 1,\n "b": }'), 400, "invalid_json",
                                   "line 2")
        self.assertNotIn("j", self.collections(), body)
        self.assert_problem(http("POST", "/collections/j", b'[1, 2]'), 400, "not_an_object")
        self.assert_problem(http("POST", "/collections/j", b'{"a": 1, "a": 2}'), 400, "duplicate_member", "a")
        self.assert_problem(http("POST", "/collections/j", b'{"a": "\xff"}'), 400, "invalid_json")
        self.assert_problem(http("POST", "/collections/j", b'{"a":' * 300 + b'1' + b'}' * 300), 400, "too_deep")
        self.assert_problem(http("POST", "/collections/j", b'{"a": 1}', headers={"Content-Type": "text/plain"}),
                            415, "unsupported_media_type")
        self.assertNotIn("j", self.collections())

    def test_operators(self):
        http = self.kernel.http
        http("POST", "/collections/o", {"age": 3})
        self.assert_problem(http("POST", "/collections/o/query", {"query": {"age": {"$gte2": 1}}}),
                            400, "unknown_operator", "$gte2", "$gte")
        self.assert_problem(http("POST", "/collections/o/aggregate", {"pipeline": [{"$grup": {}}]}),
                            400, "unknown_stage", "$grup", "$group")
        self.assert_problem(http("POST", "/collections/o/query", {"qeury": {}}), 400, "unknown_option", "query")
        self.assert_problem(http("GET", "/collections/o?limt=3"), 400, "unknown_parameter", "limit")
        self.assert_problem(http("POST", "/collections/o/query", {"query": {"a": {"$regex": "("}}}),
                            400, "bad_regex")
        self.assertEqual(http("POST", "/collections/o/query", {"query": {}})[1]["count"], 1)

    def test_an_expression_cannot_take_all_memory(self):
        self.kernel.http("POST", "/collections/m", {"_id": 1})
        double = {"$reduce": {"input": {"$range": [0, 60]}, "initialValue": "xxxxxxxx",
                              "in": {"$concat": ["$$value", "$$value"]}}}
        grow = {"$reduce": {"input": {"$range": [0, 60]}, "initialValue": [1],
                            "in": {"$concatArrays": ["$$value", "$$value"]}}}
        for expression in (double, grow):
            pipeline = [{"$project": {"n": expression}}]
            answer = self.kernel.http("POST", "/collections/m/aggregate", {"pipeline": pipeline})
            # One value, or all that the query holds: whichever limit is met first.
            self.assert_problem(answer, 422, "memory_limit", "67108864")

    def test_failed_writes_store_nothing(self):
        http = self.kernel.http
        http("POST", "/collections/w", {"_id": "one", "n": 1})
        self.assert_problem(http("POST", "/collections/w", {"_id": "one", "n": 2}), 409, "duplicate_key")
        self.assert_problem(http("POST", "/collections/w", {"_id": [1]}), 400, "invalid_id")
        self.assert_problem(http("PATCH", "/collections/w/one", {"$inc": {"n": 1}, "m": 2}), 400, "mixed_update")
        status, _ = http("PATCH", "/collections/w/one", {"$set": {"n": 5}, "$inc": {"s": "x"}})
        self.assertEqual(status, 400)
        self.assertEqual(http("GET", "/collections/w/one")[1]["document"]["n"], 1)
        status, answer = http("POST", "/collections/w/bulk?atomic=true",
                              {"documents": [{"_id": "two"}, {"_id": "one"}]})
        self.assertEqual(status, 409)
        self.assertEqual(http("GET", "/collections/w/two")[0], 404)
        status, answer = http("POST", "/collections/w/bulk",
                              {"documents": [{"_id": "three"}, {"_id": "one"}, {"_id": "four"}]})
        self.assertEqual((status, answer["ok"], answer["count"]), (207, False, 1))
        self.assertEqual(answer["errors"][0]["index"], 1)
        self.assertEqual(answer["errors"][0]["code"], "duplicate_key")
        self.assertEqual(http("GET", "/collections/w/four")[0], 404)

    def test_vectors(self):
        http = self.kernel.http
        self.assertEqual(http("PUT", "/vector/v", {"dimensions": 3})[0], 201)
        self.assertEqual(http("PUT", "/vector/v", {"dimensions": 3})[0], 200)
        self.assertEqual(http("PUT", "/vector/v", {"dimensions": 4})[0], 409)
        self.assert_problem(http("POST", "/vector/v", {"document": {}, "vector": [1, 2]}),
                            422, "vector_dimension_mismatch", "3", "2")
        self.assert_problem(http("POST", "/collections/v", {"__vector__": [1, 2]}),
                            422, "vector_dimension_mismatch")
        self.assert_problem(http("POST", "/vector/v", {"document": {}, "vector": [1, 2, "x"]}),
                            422, "invalid_vector")
        self.assert_problem(http("POST", "/vector/v/search", {"vector": [1, 2], "limit": 3}),
                            422, "vector_dimension_mismatch")
        self.assert_problem(http("PUT", "/vector/h", {"dimensions": 3, "index": "hnsw"}),
                            422, "vector_index_unavailable")
        self.assertEqual(http("GET", "/collections/v")[1]["count"], 0)
        self.assertNotIn("h", self.collections())

    def test_absent_things(self):
        http = self.kernel.http
        self.assertEqual(http("GET", "/collections/none")[1]["documents"], [])
        self.assert_problem(http("GET", "/collections/none/x"), 404, "document_not_found")
        self.assert_problem(http("DELETE", "/collections/none"), 404, "collection_not_found")
        self.assert_problem(http("GET", "/nowhere"), 404, "route_not_found")
        self.assert_problem(http("DELETE", "/status"), 405, "method_not_allowed")
        self.assertIn("GET", self.kernel.last_headers["Allow"])

    def test_foreign_host_and_origin(self):
        http = self.kernel.http
        self.assert_problem(http("GET", "/status", headers={"Host": "evil.test"}), 421, "misdirected")
        self.assertEqual(http("GET", "/collections", headers={"Origin": "http://evil.test"})[0], 403)


if __name__ == "__main__":
    unittest.main()
