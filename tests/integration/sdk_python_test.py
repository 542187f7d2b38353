#!/usr/bin/env python3
"""The Python client against the real server: the calls that the original's users wrote."""
import unittest

from kernel import Kernel
from nexadb_client import (AuthError, BulkWriteError, ConnectionFailed, DuplicateKey, NexaDB,
                           ValidationError)


class PythonClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernel = Kernel()
        cls.db = cls.kernel.connect()

    @classmethod
    def tearDownClass(cls):
        cls.db.close()
        cls.kernel.__exit__()

    def test_a_session_as_the_readme_shows_it(self):
        users = self.db.collection("users")
        ada = users.insert({"name": "Ada", "age": 36})
        self.assertRegex(ada, "^[0-9a-v]{16}$")
        others = users.insert_many([{"name": "Bob", "age": 28}, {"name": "Cy", "age": 44}])
        self.assertEqual(len(set(others)), 2)
        names = lambda found: [d["name"] for d in found]
        self.assertEqual(names(users.find({"age": {"$gt": 30}}, sort={"age": -1})), ["Cy", "Ada"])
        self.assertEqual(names(users.query({"age": {"$gte": 30}}, limit=1)).__len__(), 1)
        self.assertEqual(users.find_one({"name": "Bob"})["age"], 28)
        self.assertIsNone(users.find_one({"name": "Nobody"}))
        self.assertEqual(users.find_by_id(ada)["name"], "Ada")
        self.assertIsNone(users.find_by_id("nope"))
        self.assertTrue(users.update(ada, {"age": 37}))
        self.assertFalse(users.update("nope", {"age": 1}))
        self.assertEqual(users.find_by_id(ada)["age"], 37)
        self.assertEqual(users.aggregate([{"$group": {"_id": None, "n": {"$sum": 1}}}]), [{"_id": None, "n": 3}])
        self.assertEqual((users.count(), users.count({"age": {"$lt": 30}})), (3, 1))
        self.assertEqual(users.update_many({"age": {"$gt": 30}}, {"senior": True}), 2)
        self.assertEqual(users.delete_many({"senior": True}), 2)
        self.assertTrue(users.delete(others[0]))
        self.assertFalse(users.delete(others[0]))
        self.assertEqual(users.count(), 0)
        self.assertIn("users", self.db.list_collections())
        self.assertTrue(self.db.drop_collection("users"))
        self.assertFalse(self.db.drop_collection("users"))

    def test_vectors(self):
        docs = self.db.vector_collection("docs", dimensions=4)
        laptop = docs.insert({"name": "Laptop"}, vector=[0.1, 0.2, 0.3, 0.8])
        docs.insert({"name": "Mouse"}, vector=[0.1, 0.9, 0.3, 0.1])
        hits = docs.search([0.1, 0.2, 0.3, 0.8], limit=2)
        document_id, similarity, document = hits[0]
        self.assertEqual((document_id, document["name"]), (laptop, "Laptop"))
        self.assertAlmostEqual(similarity, 1.0)
        self.assertEqual(hits[0]["document_id"], laptop)
        self.assertNotIn("__vector__", document)
        with self.assertRaises(ValidationError):
            docs.insert({"name": "short"}, vector=[1, 2])
        self.assertTrue(docs.delete(laptop))
        self.assertEqual([h["document"]["name"] for h in docs.search([0.1, 0.2, 0.3, 0.8])], ["Mouse"])

    def test_status_and_stats(self):
        self.assertEqual(self.db.status()["database"], "NexaDB")
        self.assertIn("engine_stats", self.db.stats())

    def test_buckets(self):
        for n in range(120):
            self.assertEqual(self.kernel.http("PUT", f"/kv/bucket{n:03}/k", b"v")[0], 204)
        self.assertEqual(self.db.list_buckets(), [f"bucket{n:03}" for n in range(120)])

    def test_errors(self):
        items = self.db.collection("items")
        items.insert({"_id": "a"})
        with self.assertRaises(DuplicateKey) as caught:
            items.insert({"_id": "a"})
        self.assertEqual((caught.exception.code, caught.exception.status), ("duplicate_key", 409))
        with self.assertRaises(BulkWriteError) as caught:
            items.insert_many([{"_id": "b"}, {"_id": "a"}, {"_id": "c"}])
        self.assertEqual(caught.exception.document_ids, ["b"])
        with self.assertRaises(ValidationError):
            items.find({"a": {"$foo": 1}})
        with NexaDB("127.0.0.1", self.kernel.port, "wrong") as stranger, self.assertRaises(AuthError):
            stranger.list_collections()
        with NexaDB("127.0.0.1", 1, "") as nobody, self.assertRaises(ConnectionFailed) as caught:
            nobody.status()
        self.assertIn("is nexadb-kernel running", str(caught.exception))

    def test_a_restart_between_two_calls_is_not_noticed(self):
        notes = self.db.collection("notes")
        note = notes.insert({"n": 1})
        self.kernel.stop()
        port = self.kernel.port
        self.kernel.start()
        self.db._transport.port = self.kernel.port
        self.assertEqual(notes.find_by_id(note)["n"], 1)
        self.assertNotEqual(port, 0)

    def test_names_and_ids_with_any_characters(self):
        odd = self.db.collection("naïve names & more")
        odd.insert({"_id": "a/b?c#d %41", "t": "ü"})
        self.assertEqual(odd.find_by_id("a/b?c#d %41")["t"], "ü")
        self.assertIn("naïve names & more", self.db.list_collections())

    def test_many_pages(self):
        many = self.db.collection("many")
        many.insert_many({"n": n} for n in range(3500))
        self.assertEqual([d["n"] for d in many.find({}, limit=10_000, sort={"n": 1})], list(range(3500)))
        self.assertEqual(len(many.find({"n": {"$gte": 1000}}, limit=2200)), 2200)


if __name__ == "__main__":
    unittest.main()
