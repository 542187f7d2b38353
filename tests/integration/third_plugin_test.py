#!/usr/bin/env python3
"""A plugin built elsewhere, against the installed headers alone, is the storage of a running
database after a change of the configuration and of nothing else.

The test conformance_out_of_tree builds it: id com.example.memory, an engine in memory.
"""
import re
import unittest

from kernel import BUILD, Kernel

LIBRARY = BUILD / "tests" / "out_of_tree" / "build" / "lib" / "nexadb" / "plugins" / "example-memory.so"


def use_third_engine(text):
    """Replaces the storage instance's library and options; every other line stays."""
    text = re.sub(r'(?m)^library = "storage-lsm".*$', f'library = "{LIBRARY}"', text)
    return re.sub(r"(?ms)^\[plugins\.lsm\.config\].*?(?=^\[|^# ----)", "", text)


class ThirdPlugin(unittest.TestCase):
    def test_serves_as_the_storage_of_a_running_database(self):
        with Kernel(edit=use_third_engine) as kernel:
            plugins = kernel.http("GET", "/plugins")[1]["plugins"]
            storage = next(p for p in plugins if p["name"] == "lsm")
            self.assertEqual(storage["id"], "com.example.memory")
            users = kernel.connect().collection("users")
            ids = users.insert_many({"n": n} for n in range(2500))
            self.assertEqual(users.count({"n": {"$lt": 100}}), 100)
            self.assertTrue(users.update(ids[7], {"n": -1}))
            self.assertEqual(users.find({}, sort={"n": 1}, limit=1)[0]["_id"], ids[7])
            self.assertEqual(users.aggregate([{"$group": {"_id": None, "n": {"$sum": 1}}}])[0]["n"], 2500)
            vectors = kernel.connect().vector_collection("v", dimensions=2)
            vectors.insert({"_id": "x"}, vector=[1, 0])
            self.assertEqual(vectors.search([1, 0])[0]["document_id"], "x")
            self.assertEqual(kernel.stop(), 0)


if __name__ == "__main__":
    unittest.main()
