#!/usr/bin/env python3
"""The server under steady, mixed load for two minutes (NEXADB_SOAK_S for as long as you like): no
request fails, and memory, descriptors and disk stay where they were after the first half."""
import os
import random
import re
import resource
import statistics
import threading
import time
import unittest
from pathlib import Path

from kernel import Kernel

SECONDS = float(os.environ.get("NEXADB_SOAK_S", 120))
SEED = int(os.environ.get("NEXADB_SEED", time.time()))
CLIENTS = 4
IDS = 2000          # documents and keys come and go, but are never more
DIMENSIONS = 16
SAMPLE_S = 0.5
PAUSE_S = 0.002     # about half of what one core can do in Python
# What the allocator may keep at any time, and what may come on top with each minute.
RSS_NOISE_BYTES = 4_000_000
RSS_BYTES_PER_MINUTE = 1_000_000
DESCRIPTORS_NOISE = 24
DISK_BYTES_MAX = 400_000_000


class Client(threading.Thread):
    """Draws operations over documents, vectors, keys and connections."""

    def __init__(self, kernel, number):
        super().__init__()
        self.kernel = kernel
        self.random = random.Random(SEED + number)
        self.db = kernel.connect()
        self.done = 0
        self.failures = []
        self.ended = threading.Event()

    def run(self):
        operations = [self.replace, self.replace, self.find, self.find, self.get, self.aggregate, self.remove,
                      self.vector, self.search, self.key_value, self.import_, self.export, self.refused, self.reconnect]
        while not self.ended.wait(PAUSE_S):
            operation = self.random.choice(operations)
            try:
                operation()
                self.done += 1
            except Exception as error:  # pylint: disable=broad-except  # whatever it is, it is a failure
                self.failures.append(f"{operation.__name__}: {error!r}")
        self.db.close()

    def id(self):
        return self.random.randrange(IDS)

    def ask(self, method, path, body=None, expect=(200,), headers=None):
        status, answer = self.kernel.http(method, path, body, headers=headers, raw=True)
        if status not in expect:
            raise AssertionError(f"{method} {path}: {status} {answer[:200]!r}")

    def replace(self):
        document = {"n": self.random.random(), "tags": ["a", "b"], "pad": "p" * self.random.randrange(2000)}
        self.ask("PUT", f"/collections/soak/{self.id()}?mode=replace&upsert=true", document, (200, 201))

    def find(self):
        self.db.collection("soak").find({"n": {"$gt": self.random.random()}}, limit=20, sort={"n": -1})

    def get(self):
        self.ask("GET", f"/collections/soak/{self.id()}", expect=(200, 404))

    def aggregate(self):
        self.db.collection("soak").aggregate([{"$unwind": "$tags"}, {"$group": {"_id": "$tags", "n": {"$avg": "$n"}}}])

    def remove(self):
        self.ask("DELETE", f"/collections/soak/{self.id()}", expect=(200, 204, 404))

    def vector(self):
        vector = [self.random.random() for _ in range(DIMENSIONS)]
        self.ask("PUT", f"/collections/soak_vectors/{self.id() % 500}?mode=replace&upsert=true",
                 {"__vector__": vector, "n": 1}, (200, 201))

    def search(self):
        self.db.vector_collection("soak_vectors", DIMENSIONS).search([1.0] * DIMENSIONS, 5)

    def key_value(self):
        key = self.id()
        self.ask("PUT", f"/kv/soak/k{key}", b"v" * self.random.randrange(500), (200, 201, 204),
                 {"Content-Type": "application/octet-stream"})
        self.ask("GET", f"/kv/soak/k{key}", expect=(200, 404))

    def import_(self):
        lines = b"".join(b'{"_id": %d, "n": 0.5, "tags": ["c"]}\n' % self.id() for _ in range(50))  # some exist
        self.ask("POST", "/collections/soak/_import", lines, (200, 201, 207),
                 {"Content-Type": "application/x-ndjson"})

    def export(self):
        self.ask("GET", "/collections/soak/_export")

    def refused(self):
        self.ask("POST", "/collections/soak", b'{"a": ', (400,))
        self.ask("GET", "/no/such/path", expect=(404,))

    def reconnect(self):
        self.db.close()
        self.db = self.kernel.connect()
        self.db.list_collections()


class Soak(unittest.TestCase):
    def sample(self):
        with open(f"/proc/{self.kernel.process.pid}/statm", encoding="ascii") as file:
            rss = int(file.read().split()[1]) * resource.getpagesize()
        return time.monotonic(), rss, len(os.listdir(f"/proc/{self.kernel.process.pid}/fd"))

    def disk_bytes(self):
        total = 0
        for path in Path(self.kernel.directory / "data").rglob("*"):
            try:
                total += path.stat().st_size
            except FileNotFoundError:
                pass
        return total

    def test_memory_descriptors_and_disk_stay_flat(self):
        print(f"seed {SEED}, {SECONDS} s")
        # Small caches, so that they are full within the first half. And glibc gives every thread a heap of its own,
        # each of which grows for minutes until it has seen the largest request: with two heaps, what still grows
        # after the first half is a leak.
        os.environ["MALLOC_ARENA_MAX"] = "2"
        self.kernel = Kernel(edit=lambda text: re.sub(r'(?m)^memory_budget = "1GiB"', 'memory_budget = "4MiB"', text,
                                                      count=1))
        self.addCleanup(self.kernel.__exit__)
        with self.kernel.connect() as db:
            db.vector_collection("soak_vectors", DIMENSIONS).insert({"_id": 0}, [0.5] * DIMENSIONS)
            db.collection("soak").insert_many([{"_id": n, "n": 0.5, "pad": "p" * 1000} for n in range(IDS)])
        clients = [Client(self.kernel, number) for number in range(CLIENTS)]
        began = time.monotonic()
        for client in clients:
            client.start()
        samples = []
        try:
            while time.monotonic() - began < SECONDS:
                time.sleep(SAMPLE_S)
                samples.append(self.sample())
                self.assertIsNone(self.kernel.process.poll(), "".join(self.kernel.log[-50:]))
        finally:
            for client in clients:
                client.ended.set()
            for client in clients:
                client.join()
        self.judge(samples, clients)

    def judge(self, samples, clients):
        steady = samples[len(samples) // 2:]
        window = max(1, len(steady) // 4)
        first, last = steady[:window], steady[-window:]
        rss = [statistics.median(sample[1] for sample in part) for part in (first, last)]
        descriptors = [statistics.median(sample[2] for sample in part) for part in (first, last)]
        minutes = (statistics.median(s[0] for s in last) - statistics.median(s[0] for s in first)) / 60
        done = sum(client.done for client in clients)
        print(f"operations={done} rss_mb={rss[0] / 1e6:.1f}..{rss[1] / 1e6:.1f} in {minutes:.1f} min, "
              f"descriptors={descriptors[0]:.0f}..{descriptors[1]:.0f}, disk_mb={self.disk_bytes() / 1e6:.1f}")
        print("rss_mb by tenths:", [round(s[1] / 1e6, 1) for s in samples[::max(1, len(samples) // 10)]])
        failures = [failure for client in clients for failure in client.failures]
        self.assertEqual(failures[:10], [])
        self.assertGreater(done, SECONDS)
        self.assertLess(rss[1] - rss[0], RSS_NOISE_BYTES + RSS_BYTES_PER_MINUTE * minutes)
        self.assertLess(descriptors[1], descriptors[0] + DESCRIPTORS_NOISE)
        self.assertLess(self.disk_bytes(), DISK_BYTES_MAX)


if __name__ == "__main__":
    unittest.main()
