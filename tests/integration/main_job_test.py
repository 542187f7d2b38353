#!/usr/bin/env python3
"""The main job on real data: start from nothing, load, ask, and find everything again.

Every answer is compared with one computed here, in Python, over the same files.
"""
import collections
import itertools
import math
import unittest

import real_data
from kernel import SLOWNESS, Kernel

START_WITHIN_S = 1.0 * SLOWNESS
STARTS_MAX = 5


def dot(a, b):
    return math.fsum(x * y for x, y in zip(a, b))


def cosine(a, b):
    return dot(a, b) / math.sqrt(dot(a, a) * dot(b, b))


class MainJob(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernel = Kernel(start=False)
        cls.start_s = cls.kernel.start()
        cls.db = cls.kernel.connect()
        cls.languages = real_data.languages()
        cls.db.collection("languages").insert_many(cls.languages)

    @classmethod
    def tearDownClass(cls):
        cls.db.close()
        cls.kernel.__exit__()

    def test_starts_from_an_empty_directory_in_under_a_second(self):
        starts = [self.start_s]  # the best counts: other tests run beside this one
        while min(starts) >= START_WITHIN_S and len(starts) < STARTS_MAX:
            with Kernel(start=False) as kernel:
                starts.append(kernel.start())
        self.assertLess(min(starts), START_WITHIN_S, starts)

    def test_everything_loaded_is_there(self):
        found = self.db.collection("languages").find({}, limit=100_000)
        strip = [{k: v for k, v in d.items() if not k.startswith("_")} for d in found]
        by_code = lambda d: d["alpha_3"]
        self.assertEqual(sorted(strip, key=by_code), sorted(self.languages, key=by_code))
        self.assertEqual(self.db.collection("languages").count(), len(self.languages))

    def test_filters(self):
        languages = self.db.collection("languages")
        cases = [
            ({"type": "E"}, lambda d: d["type"] == "E"),
            ({"alpha_2": {"$exists": True}}, lambda d: "alpha_2" in d),
            ({"scope": {"$in": ["M", "S"]}, "type": {"$ne": "L"}},
             lambda d: d["scope"] in "MS" and d["type"] != "L"),
            ({"name": {"$regex": "^Old "}}, lambda d: d["name"].startswith("Old ")),
            ({"$or": [{"alpha_3": {"$gte": "zz"}}, {"alpha_3": {"$lt": "aab"}}]},
             lambda d: d["alpha_3"] >= "zz" or d["alpha_3"] < "aab"),
            ({"$nor": [{"type": "L"}, {"type": "E"}]}, lambda d: d["type"] not in "LE"),
            ({"type": {"$not": {"$eq": "L"}}}, lambda d: d["type"] != "L"),
        ]
        for query, keep in cases:
            with self.subTest(query=query):
                expected = sorted(d["alpha_3"] for d in self.languages if keep(d))
                got = sorted(d["alpha_3"] for d in languages.find(query, limit=100_000))
                self.assertEqual(got, expected)
                self.assertEqual(languages.count(query), len(expected))

    def test_sort_skip_limit_and_projection(self):
        got = self.db.collection("languages").find(
            {"type": "A"}, sort={"name": -1}, skip=5, limit=20, fields={"name": 1, "_id": 0})
        names = sorted((d["name"] for d in self.languages if d["type"] == "A"), reverse=True,
                       key=lambda n: n.encode())
        self.assertEqual(got, [{"name": n} for n in names[5:25]])

    def test_group_by(self):
        got = self.db.collection("languages").aggregate([
            {"$group": {"_id": {"scope": "$scope", "type": "$type"}, "n": {"$sum": 1},
                        "first": {"$min": "$alpha_3"}, "last": {"$max": "$alpha_3"}}},
            {"$sort": {"n": -1, "first": 1}}])
        groups = collections.defaultdict(list)
        for d in self.languages:
            groups[d["scope"], d["type"]].append(d["alpha_3"])
        expected = [{"_id": {"scope": s, "type": t}, "n": len(c), "first": min(c), "last": max(c)}
                    for (s, t), c in groups.items()]
        expected.sort(key=lambda g: (-g["n"], g["first"]))
        self.assertEqual(got, expected)

    def test_unwind_and_expressions_over_wordnet(self):
        glosses = list(itertools.islice(real_data.glosses("verb"), 5000))
        verbs = self.db.collection("verbs")
        self.assertEqual(verbs.insert_many(glosses), [g["_id"] for g in glosses])
        got = verbs.aggregate([
            {"$match": {"relations": {"$gt": 3}}},
            {"$unwind": "$words"},
            {"$group": {"_id": "$words", "senses": {"$sum": 1}, "relations": {"$avg": "$relations"}}},
            {"$match": {"senses": {"$gte": 3}}},
            {"$addFields": {"label": {"$concat": [{"$toUpper": "$_id"}, "!"]}}},
            {"$sort": {"senses": -1, "_id": 1}},
            {"$limit": 50}])
        senses = collections.defaultdict(list)
        for g in glosses:
            if g["relations"] > 3:
                for word in g["words"]:
                    senses[word].append(g["relations"])
        expected = [{"_id": w, "senses": len(r), "relations": sum(r) / len(r), "label": w.upper() + "!"}
                    for w, r in senses.items() if len(r) >= 3]
        expected.sort(key=lambda e: (-e["senses"], e["_id"].encode()))
        self.assertEqual(len(got), 50)
        for mine, theirs in zip(got, expected):
            self.assertAlmostEqual(mine.pop("relations"), theirs.pop("relations"), places=9)
            self.assertEqual(mine, theirs)

    def test_updates_over_real_data(self):
        places = self.db.collection("subdivisions")
        data = real_data.subdivisions()
        places.insert_many(data)
        parishes = [d for d in data if d["type"] == "Parish"]
        self.assertEqual(places.update_many({"type": "Parish"}, {"$set": {"small": True}, "$inc": {"n": 2}}),
                         len(parishes))
        self.assertEqual(places.count({"small": True, "n": 2}), len(parishes))
        self.assertEqual(places.delete_many({"type": "Parish"}), len(parishes))
        self.assertEqual(places.count(), len(data) - len(parishes))

    def test_vector_search_equals_a_plain_scan(self):
        records, vectors = real_data.fiori_docs()
        docs = self.db.vector_collection("fiori", dimensions=real_data.FIORI_DIMENSIONS)
        for record, vector in zip(records, vectors):
            record = dict(record, _id=record["id"])
            self.assertEqual(docs.insert(record, vector=vector), record["id"])
        for query in (0, 99, 500, 777):
            scores = sorted(((cosine(vectors[query], v), r["id"]) for r, v in zip(records, vectors)),
                            key=lambda s: (-s[0], s[1]))[:10]
            hits = docs.search(vectors[query], limit=10)
            self.assertEqual(hits[0]["document_id"], records[query]["id"])
            self.assertEqual([h[0] for h in hits], [s[1] for s in scores])
            for (_, similarity, document), (score, _) in zip(hits, scores):
                self.assertAlmostEqual(similarity, score, places=6)
                self.assertIn("content", document)

    def test_vector_search_under_a_filter(self):
        records, vectors = real_data.fiori_docs()
        docs = self.db.vector_collection("fiori_filtered", dimensions=real_data.FIORI_DIMENSIONS)
        status, answer = self.kernel.http("POST", "/vector/fiori_filtered/bulk", {
            "documents": [{"_id": r["id"], "category": r["category"]} for r in records],
            "vectors": vectors})
        self.assertEqual((status, answer["count"]), (201, len(records)))
        category = collections.Counter(r["category"] for r in records).most_common()[-1][0]
        scores = sorted(((cosine(vectors[0], v), r["id"]) for r, v in zip(records, vectors)
                         if r["category"] == category), key=lambda s: (-s[0], s[1]))[:5]
        hits = docs.search(vectors[0], limit=5, filter={"category": category})
        self.assertEqual([h[0] for h in hits], [s[1] for s in scores])


class Restart(unittest.TestCase):
    def test_a_clean_restart_keeps_everything(self):
        with Kernel() as kernel:
            db = kernel.connect()
            db.collection("languages").insert_many(real_data.languages())
            vectors = db.vector_collection("v", dimensions=3)
            vectors.insert({"_id": "north"}, vector=[0, 1, 0])
            before = db.collection("languages").find({}, limit=100_000)
            db.close()
            self.assertEqual(kernel.stop(), 0)
            kernel.start()
            db = kernel.connect()
            self.assertEqual(db.collection("languages").find({}, limit=100_000), before)
            self.assertEqual(db.vector_collection("v", dimensions=3).search([0, 2, 0])[0][0], "north")
            self.assertEqual(db.list_collections(), ["languages", "v"])
            db.close()


if __name__ == "__main__":
    unittest.main()
