#!/usr/bin/env python3
"""kill -9 in the middle of a load: every acknowledged document is there afterwards, and whole, and the
indexes hold exactly what the documents say, also one that was being built; no unique value is there
twice, and the change log, followed from where the round before left it, tells exactly what happened."""
import http.client
import json
import os
import random
import threading
import time
import unittest

import real_data
from kernel import Kernel, SLOWNESS
from nexadb_client import NexaDBError

ROUNDS = int(os.environ.get("NEXADB_KILL_ROUNDS", "60" if SLOWNESS == 1 else "6"))
# A database is killed so often before the next one begins empty: a look at it takes longer each time.
ROUNDS_OF_A_DATABASE = 12
WRITERS = 16
# So few values of a unique field, asked for by all writers: most of them are taken.
SHARED_VALUES = 300
# A database that holds fewer after its rounds was killed beside no load.
WRITTEN_MIN = 100
SEED = int(os.environ.get("NEXADB_SEED", "20261122"))


class Writer(threading.Thread):
    """Inserts, updates and deletes until the connection breaks; remembers what was acknowledged."""

    def __init__(self, kernel, number, glosses):
        super().__init__()
        self.db = kernel.connect()
        self.glosses = glosses
        self.number = number
        self.acknowledged = {}
        self.deleted = set()
        self.in_doubt = set()

    def run(self):
        words = self.db.collection("words")
        random_ = random.Random(SEED + self.number)
        for n, gloss in enumerate(self.glosses):
            document = dict(gloss, _id=f"{self.number}-{gloss['_id']}", n=n)
            key = document["_id"]
            document["unique"] = key
            touched = {key}
            try:
                if n % 5 == 4:
                    chunk = [dict(document, _id=f"{key}-{i}", unique=f"{key}-{i}") for i in range(20)]
                    touched = {d["_id"] for d in chunk}
                    words.insert_many(chunk)
                    self.acknowledged.update((d["_id"], d) for d in chunk)
                    continue
                if n % 3 == 0:
                    document["unique"] = random_.randrange(SHARED_VALUES)
                words.insert(document)
                self.acknowledged[key] = document
                victim = random_.choice(list(self.acknowledged)[-50:])
                touched = {victim}
                if random_.random() < 0.3:
                    words.delete(victim)
                    del self.acknowledged[victim]
                    self.deleted.add(victim)
                elif random_.random() < 0.5:
                    words.update(victim, {"touched": n})
                    self.acknowledged[victim] = dict(self.acknowledged[victim], touched=n)
            except (NexaDBError, OSError) as error:
                if getattr(error, "code", None) == "duplicate_key":
                    continue  # another's value; nothing was written
                self.in_doubt = touched
                return


class Log:
    """The collection as its change log tells it, from the log's beginning on."""

    def __init__(self):
        self.place = "oldest"
        self.documents = {}

    def follow(self, kernel, last):
        """Up to the insert of the document `last`, which is written after all others."""
        connection = http.client.HTTPConnection("127.0.0.1", kernel.port, timeout=60 * SLOWNESS)
        connection.request("GET", f"/collections/words/_changes?since={self.place}",
                           headers={"X-API-Key": kernel.root_key})
        lines = connection.getresponse()
        place = None
        for line in lines:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "id":
                place = value
            if name == "data":
                self.place = place
                if self.take(json.loads(value)) == last:
                    break
        connection.close()

    def take(self, event):
        key = event["document_id"]
        known = key in self.documents
        if event["operation"] == "delete":
            assert known, f"{key} was deleted and never there"
            del self.documents[key]
        else:
            assert known == (event["operation"] == "update"), f"{event['operation']} of {key}"
            self.documents[key] = event["document"]
        return key


class KillNine(unittest.TestCase):
    def test_nothing_acknowledged_is_lost(self):
        print(f"seed {SEED}")
        random_ = random.Random(SEED)
        glosses = list(real_data.glosses("noun"))
        for begin in range(0, ROUNDS, ROUNDS_OF_A_DATABASE):
            rounds = range(begin, min(begin + ROUNDS_OF_A_DATABASE, ROUNDS))
            with self.subTest(rounds=rounds), Kernel() as kernel:
                self.make_collection(kernel)
                expected = {}
                log = Log()
                for round_ in rounds:
                    self.kill_once(kernel, round_, random_, glosses, expected)
                    self.check_log(kernel, log, f"end-{round_}", expected)
                self.assertGreater(len(expected), WRITTEN_MIN)

    @staticmethod
    def make_collection(kernel):
        for path, body in (("/collections", {"name": "words", "changes": {"images": "after"}}),
                           ("/collections/words/_indexes", {"key": {"unique": 1}, "unique": True, "name": "unique"})):
            status, answer = kernel.http("POST", path, body)
            assert status == 201, answer

    def check_log(self, kernel, log, last, expected):
        """The log and the documents tell the same; `last` is written to know where to stop."""
        document = {"_id": last, "unique": last}
        kernel.http("POST", "/collections/words", document)
        expected[last] = document
        log.follow(kernel, last)
        db = kernel.connect()
        found = {d["_id"]: d for d in db.collection("words").find({}, limit=10_000_000)}
        db.close()
        self.assertEqual(log.documents.keys(), found.keys(), "the change log and the documents disagree")
        for key, there in found.items():
            self.assertEqual(log.documents[key], there)

    def kill_once(self, kernel, round_, random_, glosses, expected):
        """Load, kill, look; `expected` is what must be there, before and after."""
        slices = [random_.sample(glosses, 3000) for _ in range(WRITERS)]
        writers = [Writer(kernel, round_ * WRITERS + i, part) for i, part in enumerate(slices)]
        for w in writers:
            w.start()
        build = threading.Thread(target=self.build_index, args=(kernel, round_))
        build.start()
        threading.Event().wait(random_.uniform(0.2, 1.0))
        # On a machine that has other work, a second may bring no write at all.
        patience = time.monotonic() + 20 * SLOWNESS
        while sum(len(w.acknowledged) for w in writers) < 2 * WRITTEN_MIN and time.monotonic() < patience:
            time.sleep(0.01)
        kernel.kill()
        build.join()
        for w in writers:
            w.join()
            w.db.close()
            expected.update(w.acknowledged)
        kernel.start()
        doubtful = set().union(*(w.in_doubt for w in writers))
        gone = set().union(*(w.deleted for w in writers))
        self.check(kernel, expected, doubtful, gone)
        # What was in doubt is now settled: take it as it is.
        db = kernel.connect()
        for key in doubtful:
            found = db.collection("words").find_by_id(key)
            expected.pop(key, None)
            if found:
                expected[key] = self.strip(found)
        db.close()

    @staticmethod
    def build_index(kernel, round_):
        """Each round another one, over all documents there are; the kill may cut it short."""
        db = kernel.connect()
        try:
            keys = [{"n": 1}, {"touched": 1, "n": -1}, {"synset": 1}]
            index = {"name": f"i{round_}", "key": dict(keys[round_ % 3], _id=round_ % 2 * 2 - 1)}
            db._request("POST", "/db/nexadb/command", {"createIndexes": "words", "indexes": [index]})
        except (NexaDBError, OSError):
            pass
        finally:
            db.close()

    def check_indexes(self, db):
        reply = db._request("POST", "/db/nexadb/command", {"validate": "words"})
        self.assertEqual(reply["ok"], 1, reply)
        self.assertTrue(reply["valid"], reply)

    def check(self, kernel, expected, doubtful, gone):
        db = kernel.connect()
        found = {d["_id"]: self.strip(d) for d in db.collection("words").find({}, limit=10_000_000)}
        count = db.collection("words").count()
        self.check_indexes(db)
        db.close()
        self.assertEqual(count, len(found), "the counter and the documents disagree")
        values = [d["unique"] for d in found.values()]
        self.assertEqual(len(values), len(set(values)), "a unique value is there twice")
        missing = [k for k in expected if k not in found and k not in doubtful]
        self.assertEqual(missing, [], "acknowledged documents are lost")
        back = [k for k in gone if k in found and k not in doubtful]
        self.assertEqual(back, [], "acknowledged deletes came back")
        for key, document in expected.items():
            if key not in doubtful:
                self.assertEqual(found[key], document)
        extra = set(found) - set(expected) - doubtful
        self.assertEqual(extra, set(), "documents that nobody wrote")

    @staticmethod
    def strip(document):
        return {k: v for k, v in document.items() if k not in ("_created_at", "_updated_at")}


if __name__ == "__main__":
    unittest.main()
