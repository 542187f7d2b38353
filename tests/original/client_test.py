"""What an application of the original did, on a client that sends what the original's client sent."""
import json
import sys
import unittest
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))

from kernel import Kernel  # noqa: E402

DEFAULT_KEY = "b8c37e33faa946d43c2f6e5a0bc7e7e0"


class NotFound(Exception):
    pass


class OriginalClient:
    """Reads the members that the original's client reads, and no header."""

    def __init__(self, port, key=DEFAULT_KEY):
        self.base = f"http://127.0.0.1:{port}"
        self.headers = {"X-API-Key": key, "Content-Type": "application/json"}

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, self.headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            answer = json.load(error)
            raise (NotFound if error.code == 404 else RuntimeError)(answer["error"]) from None

    def insert(self, collection, document):
        return self.call("POST", f"/collections/{collection}", document)["document_id"]

    def insert_many(self, collection, documents):
        return self.call("POST", f"/collections/{collection}/bulk",
                         {"documents": documents})["document_ids"]

    def find(self, collection, query=None, limit=100):
        parameters = {"limit": limit}
        if query:
            parameters = {"query": json.dumps(query), **parameters}
        return self.call("GET", f"/collections/{collection}?{urllib.parse.urlencode(parameters)}")["documents"]

    def get(self, collection, document_id):
        return self.call("GET", f"/collections/{collection}/{document_id}")["document"]

    def update(self, collection, document_id, fields):
        return self.call("PUT", f"/collections/{collection}/{document_id}", fields)

    def delete(self, collection, document_id):
        return self.call("DELETE", f"/collections/{collection}/{document_id}")

    def aggregate(self, collection, pipeline):
        return self.call("POST", f"/collections/{collection}/aggregate", {"pipeline": pipeline})["results"]

    def vector_insert(self, collection, document, vector):
        document_id = self.insert(collection, document)
        self.update(collection, document_id, {"__vector__": vector})
        return document_id

    def vector_search(self, collection, vector, limit):
        body = {"vector": vector, "limit": limit, "dimensions": len(vector)}
        return self.call("POST", f"/vector/{collection}/search", body)["results"]

    def count(self, collection):
        return self.call("GET", f"/collections/{collection}?limit=999999")["count"]


class OriginalApplicationTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernel = Kernel(options=["--dev"])
        cls.addClassCleanup(cls.kernel.__exit__)
        cls.db = OriginalClient(cls.kernel.port)

    def test_documents_are_written_and_read_back(self):
        alice = self.db.insert("people", {"name": "Alice", "age": 28, "address": {"city": "Bern"}})
        self.assertRegex(alice, r"^[0-9a-v]{16}$")
        self.db.insert_many("people", [{"name": f"P{i}", "age": i} for i in range(30, 40)])
        self.assertEqual(self.db.count("people"), 11)
        self.assertEqual(self.db.get("people", alice)["address"], {"city": "Bern"})
        self.db.update("people", alice, {"age": 29})
        self.assertEqual(self.db.get("people", alice)["age"], 29)
        self.assertEqual(self.db.get("people", alice)["name"], "Alice")
        self.assertEqual([d["name"] for d in self.db.find("people", {"address.city": "Bern"})], ["Alice"])
        self.assertEqual(len(self.db.find("people", {"age": {"$gte": 35}}, limit=3)), 3)
        self.db.delete("people", alice)
        with self.assertRaises(NotFound):
            self.db.get("people", alice)
        for call in (lambda: self.db.update("people", alice, {"a": 1}),
                     lambda: self.db.delete("people", alice)):
            with self.assertRaisesRegex(NotFound, "Document not found"):
                call()

    def test_pipelines_group_and_sort(self):
        self.db.insert_many("sales", [{"shop": "a", "sum": 1}, {"shop": "b", "sum": 5}, {"shop": "a", "sum": 2}])
        totals = self.db.aggregate("sales", [{"$group": {"_id": "$shop", "total": {"$sum": "$sum"}}},
                                             {"$sort": {"_id": 1}}])
        self.assertEqual(totals, [{"_id": "a", "total": 3}, {"_id": "b", "total": 5}])

    def test_vectors_that_were_put_are_found(self):
        ids = [self.db.vector_insert("products", {"n": n}, vector)
               for n, vector in enumerate([[1, 0, 0], [0.9, 0.1, 0], [0, 1, 0]])]
        hits = self.db.vector_search("products", [1, 0, 0], 2)
        self.assertEqual([hit["document_id"] for hit in hits], ids[:2])
        self.assertEqual(hits[0]["document"]["n"], 0)
        self.db.delete("products", ids[0])
        hits = self.db.vector_search("products", [1, 0, 0], 2)
        self.assertEqual([hit["document_id"] for hit in hits], ids[1:])


if __name__ == "__main__":
    unittest.main()
