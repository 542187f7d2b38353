#!/usr/bin/env python3
"""The REST contract where it is easily broken: what is refused, what stays, who may see what."""
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))
from kernel import Kernel  # noqa: E402


class Contract(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernel = Kernel()

    @classmethod
    def tearDownClass(cls):
        cls.kernel.__exit__()

    def http(self, *args, **kwargs):
        return self.kernel.http(*args, **kwargs)

    def assert_problem(self, answer, status, code):
        self.assertEqual((answer[0], answer[1].get("code")), (status, code), answer[1])
        return answer[1]

    def key(self, name, actions, patterns):
        status, made = self.http("POST", "/keys", {"name": name, "actions": actions, "patterns": patterns})
        self.assertEqual(status, 201, made)
        return made["key"]


class Names(Contract):
    def test_a_name_has_120_characters_at_most(self):
        self.assertEqual(self.http("POST", "/collections/" + "a" * 120, {})[0], 201)
        self.assert_problem(self.http("POST", "/collections/" + "a" * 121, {}), 400, "invalid_name")
        self.assertEqual(self.http("POST", "/collections/" + "%C3%A9" * 120, {})[0], 201)
        self.assert_problem(self.http("POST", "/collections/" + "%C3%A9" * 121, {}), 400, "invalid_name")

    def test_characters_of_names(self):
        for name in ("na%C3%AFve%20names%20&%20more", "1st", "a.b-c_d"):
            self.assertEqual(self.http("POST", "/collections/" + name, {})[0], 201, name)
        for name in ("_x", "a%2Fb", "a%0Ab", "a%7Fb", "a$b", ".a"):
            status, answer = self.http("POST", "/collections/" + name, {})
            self.assertEqual(status, 400, (name, answer))
        self.assert_problem(self.http("POST", "/collections/_x/bulk", {"documents": [{}]}), 400, "invalid_name")
        self.assert_problem(self.http("PUT", "/vector/_x", {"dimensions": 2}), 400, "invalid_name")


class Ids(Contract):
    def test_ids_that_no_path_can_name_are_refused(self):
        for bad in ("", "a\0b", "i" * 513, "_x"):
            self.assert_problem(self.http("POST", "/collections/ids", {"_id": bad}), 400, "invalid_id")
            self.assert_problem(self.http("POST", "/vector/ids", {"document": {"_id": bad}, "vector": [1]}),
                                400, "invalid_id")
            status, answer = self.http("POST", "/collections/ids/bulk", {"documents": [{"_id": bad}]})
            self.assertEqual((status, answer["errors"][0]["code"]), (207, "invalid_id"))
        self.assertEqual(self.http("POST", "/collections/ids", {"_id": "i" * 512})[0], 201)
        self.assertEqual(self.http("GET", self.kernel.last_headers["Location"])[0], 200)

    def test_commands_keep_the_rule_of_mongodb(self):
        status, reply = self.http("POST", "/db/nexadb/command",
                                  {"insert": "cids", "documents": [{"_id": ""}, {"_id": "i" * 513}]})
        self.assertEqual((status, reply["ok"], reply["n"]), (200, 1, 2), reply)


class Numbers(Contract):
    def test_integers_are_exact_or_refused(self):
        for exact in ("9223372036854775807", "-9223372036854775808"):
            status, answer = self.http("POST", "/collections/n", b'{"n": %s}' % exact.encode())
            self.assertEqual(status, 201)
            document = self.http("GET", "/collections/n/" + answer["document_id"])[1]["document"]
            self.assertEqual(document["n"], {"$numberLong": exact})
        for wrong in (b"-9223372036854775809", b"9223372036854775809", b"123456789012345678901"):
            self.assertEqual(self.http("POST", "/collections/n", b'{"n": ' + wrong + b"}")[0], 400, wrong)
        # As JavaScript writes doubles below 1e21.
        for written in (b"100000000000000000000", b"9223372036854775808", b"123456789012345680000", b"1e20"):
            self.assertEqual(self.http("POST", "/collections/n", b'{"n": ' + written + b"}")[0], 201, written)


class Pointers(Contract):
    def test_a_pointer_leads_into_the_body_that_was_sent(self):
        self.http("POST", "/collections/p", {"age": 1})
        for member in ("query", "filter"):
            body = {member: {"age": {"$gte2": 1}}}
            answer = self.assert_problem(self.http("POST", "/collections/p/query", body), 400, "unknown_operator")
            self.assertEqual(answer["errors"][0]["pointer"], f"/{member}/age/$gte2")
            answer = self.http("POST", "/collections/p/_count", body)[1]
            self.assertEqual(answer["errors"][0]["pointer"], f"/{member}/age/$gte2")


class Bulk(Contract):
    def test_an_empty_filter_for_all_must_say_so(self):
        for i in range(3):
            self.http("POST", "/collections/b", {"n": i})
        for verb, more in (("delete", {}), ("update", {"update": {"$set": {"x": 1}}})):
            operation = {verb: {"filter": {}, "multi": True, **more}}
            status, answer = self.http("POST", "/collections/b/bulk", {"operations": [operation]})
            self.assertEqual((status, answer["errors"][0]["code"]), (207, "empty_filter"), answer)
        documents = self.http("GET", "/collections/b")[1]["documents"]
        self.assertEqual([d.get("x") for d in documents], [None] * 3)
        status, answer = self.http("POST", "/collections/b/bulk",
                                   {"operations": [{"delete": {"filter": {}, "multi": True, "all": True}}]})
        self.assertEqual((status, answer["deleted"]), (200, 3))


class KeyValue(Contract):
    def put(self, value, **headers):
        sent = {"Content-Type": "application/octet-stream"}
        sent.update({name.replace("_", "-"): text for name, text in headers.items()})
        return self.http("PUT", "/kv/b/k", value, headers=sent, raw=True)[0]

    def value(self):
        return self.http("GET", "/kv/b/k", raw=True)[1]

    def test_conditions_hold_or_nothing_is_written(self):
        self.assertEqual(self.put(b"0", If_Match="*"), 412)
        self.assertEqual(self.put(b"1", If_None_Match="*"), 204)
        self.assertEqual(self.put(b"x", If_None_Match="*"), 412)
        self.assertEqual(self.value(), b"1")
        tag = self.kernel.last_headers["ETag"]
        self.assertEqual(self.put(b"x", If_Match='"q"'), 412)
        self.assertEqual(self.put(b"x", If_Match="W/" + tag), 412)
        self.assertEqual(self.value(), b"1")
        self.assertEqual(self.put(b"2", If_Match=tag), 204)
        self.assertEqual(self.put(b"x", If_Match=tag), 412)
        self.assertEqual(self.value(), b"2")
        now = self.kernel.last_headers["ETag"]
        answer = self.http("DELETE", "/kv/b/k", headers={"If-Match": tag})
        problem = self.assert_problem(answer, 412, "precondition_failed")
        self.assertEqual((problem["expected"], problem["got"]), (tag, now))
        self.assertEqual(self.http("DELETE", "/kv/b/k", headers={"If-Match": now})[0], 204)
        self.assertEqual(self.http("GET", "/kv/b/k")[0], 404)

    def test_answers_hold_a_bounded_number_of_bytes(self):
        value = b"v" * (16 * 1024 * 1024)
        sent = {"Content-Type": "application/octet-stream"}
        for name in "abcde":
            self.assertEqual(self.http("PUT", "/kv/large/" + name, value, headers=sent)[0], 204)
        answer = self.http("POST", "/kv/large/_mget", {"keys": ["a"] * 5})
        self.assertEqual(answer[1].get("code"), "memory_limit", str(answer[1])[:300])
        page = self.http("GET", "/kv/large?values=true")[1]
        self.assertEqual([e["key"] for e in page["entries"]], ["a", "b", "c", "d"])
        page = self.http("GET", "/kv/large?values=true&cursor=" + page["next_cursor"])[1]
        self.assertEqual(([e["key"] for e in page["entries"]], page["next_cursor"]), (["e"], None))

    def test_compare_and_set_says_what_it_expects(self):
        self.assert_problem(self.http("POST", "/kv/b/_cas", {"key": "c", "value": "1"}), 400, "missing_option")
        status, _ = self.http("POST", "/kv/b/_cas", {"key": "c", "expected": None, "value": "1"})
        self.assertEqual(status, 200)


class Vectors(Contract):
    def found(self):
        return self.http("POST", "/vector/v/search", {"vector": [1, 0]})[1]["count"]

    def store(self):
        self.http("DELETE", "/collections/v")
        self.assertEqual(self.http("PUT", "/vector/v", {"dimensions": 2})[0], 201)
        status, _ = self.http("POST", "/vector/v", {"document": {"_id": "d", "a": 1}, "vector": [1, 0]})
        self.assertEqual((status, self.found()), (201, 1))

    def test_a_removed_vector_is_found_no_more(self):
        merge = {"Content-Type": "application/merge-patch+json"}
        for call in (("PATCH", "/collections/v/d", {"__vector__": None}, None, merge),
                     ("PATCH", "/collections/v/d", {"$unset": {"__vector__": 1}}),
                     ("PUT", "/collections/v/d", {"__vector__": None}),
                     ("PUT", "/collections/v/d?mode=replace", {"b": 2}),
                     ("POST", "/collections/v/_update", {"filter": {"_id": "d"}, "update": {"b": 2}}),
                     ("POST", "/collections/v/_update",
                      {"filter": {"_id": "d"}, "update": {"$unset": {"__vector__": 1}}})):
            self.store()
            self.assertEqual(self.http(*call)[0], 200, call)
            self.assertEqual(self.found(), 0, call)
            self.assertEqual(self.http("GET", "/collections/v/d")[0], 200)

    def test_other_changes_keep_the_vector(self):
        merge = {"Content-Type": "application/merge-patch+json"}
        for call in (("PATCH", "/collections/v/d", {"a": None}, None, merge),
                     ("PATCH", "/collections/v/d", {"$unset": {"a": 1}}),
                     ("PUT", "/collections/v/d", {"a": 2}),
                     ("PUT", "/collections/v/d?mode=replace", {"__vector__": [1, 0]})):
            self.store()
            self.assertEqual(self.http(*call)[0], 200, call)
            self.assertEqual(self.found(), 1, call)

    def test_a_search_is_near_a_vector_or_near_a_document(self):
        self.store()
        self.assert_problem(self.http("POST", "/vector/v/search", {"vector": [1, 0], "id": "d"}), 400, "bad_value")


class ExportAndImport(Contract):
    def test_times_survive(self):
        self.http("POST", "/collections/from", {"_id": "a", "n": 1})
        self.http("PATCH", "/collections/from/a", {"n": 2})
        document = self.http("GET", "/collections/from/a")[1]["document"]
        for kind in ("ndjson", "json", "csv"):
            data = self.http("GET", "/collections/from/_export?format=" + kind, raw=True)[1]
            media = {"ndjson": "application/x-ndjson", "json": "application/json", "csv": "text/csv"}[kind]
            status, answer = self.http("POST", f"/collections/to_{kind}/_import", data,
                                       headers={"Content-Type": media})
            self.assertEqual((status, answer["inserted"]), (201, 1), answer)
            self.assertEqual(self.http("GET", f"/collections/to_{kind}/a")[1]["document"], document)

    def test_what_an_import_lacks_is_set_and_other_inserts_set_always(self):
        status, _ = self.http("POST", "/collections/i/_import", b'{"_id": "a"}\n',
                              headers={"Content-Type": "application/x-ndjson"})
        self.assertEqual(status, 201)
        self.assertIn("_created_at", self.http("GET", "/collections/i/a")[1]["document"])
        old = "2001-01-01T00:00:00.000Z"
        self.http("POST", "/collections/i/bulk", {"documents": [{"_id": "b", "_created_at": old}]})
        self.assertNotEqual(self.http("GET", "/collections/i/b")[1]["document"]["_created_at"], old)
        status, answer = self.http("POST", "/collections/i/_import", b'{"_id": "c", "_created_at": "soon"}\n',
                                   headers={"Content-Type": "application/x-ndjson"})
        self.assertEqual((status, answer["failed"]), (207, 1))


class WriteOnlyKeys(Contract):
    def test_they_see_no_document(self):
        key = self.key("writer", ["write"], ["pub"])
        self.http("POST", "/collections/pub", {"_id": "d", "secret": 1})
        for answer in (self.http("PUT", "/collections/pub/d", {"a": 1}, key=key),
                       self.http("PATCH", "/collections/pub/d", {"$set": {"b": 1}}, key=key)):
            self.assertEqual(answer[0], 200, answer)
            self.assertNotIn("document", answer[1])
        body = {"filter": {}, "update": {"$set": {"c": 1}}}
        self.assert_problem(self.http("POST", "/collections/pub/_find_and_modify", body, key=key), 403, "forbidden")
        reply = self.http("POST", "/db/nexadb/command",
                          {"findAndModify": "pub", "query": {}, "update": {"$set": {"c": 1}}}, key=key)[1]
        self.assertEqual((reply["ok"], reply["code"]), (0, 13))
        self.assertNotIn("c", self.http("GET", "/collections/pub/d")[1]["document"])
        both = self.key("both", ["read", "write"], ["pub"])
        self.assertIn("document", self.http("PUT", "/collections/pub/d", {"a": 2}, key=both)[1])
        self.assertEqual(self.http("POST", "/collections/pub/_find_and_modify", body, key=both)[0], 200)


class Cursors(Contract):
    def test_a_page_of_an_aggregation_is_never_skipped(self):
        self.http("POST", "/collections/c/bulk", {"documents": [{"_id": f"{i:02}"} for i in range(9)]})
        body = {"pipeline": [{"$sort": {"_id": 1}}], "limit": 3}
        first = self.http("POST", "/collections/c/aggregate", body)[1]
        again = dict(body, cursor=first["next_cursor"])
        second = self.http("POST", "/collections/c/aggregate", again)[1]
        self.assertEqual([d["_id"] for d in second["results"]], ["03", "04", "05"])
        self.assert_problem(self.http("POST", "/collections/c/aggregate", again), 410, "cursor_expired")
        third = self.http("POST", "/collections/c/aggregate", dict(body, cursor=second["next_cursor"]))[1]
        self.assertEqual([d["_id"] for d in third["results"]], ["06", "07", "08"])


class Encodings(Contract):
    def test_an_encoded_body_is_refused_rather_than_taken_as_it_is(self):
        answer = self.http("POST", "/collections/e", b"{}", headers={"Content-Encoding": "gzip"})
        self.assert_problem(answer, 415, "unsupported_encoding")
        self.assertEqual(self.http("POST", "/collections/e", b"{}", headers={"Content-Encoding": "identity"})[0],
                         201)


if __name__ == "__main__":
    unittest.main()
