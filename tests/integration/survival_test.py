#!/usr/bin/env python3
"""What clients may do to a server without harm to others: be slow, come all at once, vanish, and take
every descriptor. After each, the server is as it was."""
import concurrent.futures
import json
import os
import re
import resource
import selectors
import socket
import statistics
import struct
import threading
import time
import unittest

from kernel import SLOWNESS, Kernel, eventually

VANISHING = int(os.environ.get("NEXADB_VANISHING_CLIENTS", 10_000 if SLOWNESS == 1 else 500))
SLOW_EACH = 125 if SLOWNESS == 1 else 25  # of each form of slow client
SLOW_LIMIT = "5s" if SLOWNESS == 1 else "10s"  # all of them must be there at once
WITHIN_S = 60 * SLOWNESS
RECOVERED_WITHIN_S = 5 * SLOWNESS
DOCUMENTS = 20_000 if SLOWNESS == 1 else 2_000


class Process:
    """What /proc says of the kernel."""

    def __init__(self, pid):
        self.pid = pid

    def rss_bytes(self):
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_s(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Survival(unittest.TestCase):
    def start(self, edit=None):
        kernel = Kernel(edit=edit)
        self.addCleanup(kernel.__exit__)
        self.kernel = kernel
        self.process = Process(kernel.process.pid)
        return kernel

    def connect(self, receive_bytes=None):
        client = socket.socket()
        if receive_bytes:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        client.settimeout(60)
        client.connect(("127.0.0.1", self.kernel.port))
        return client

    def request(self, method, path, body=b"", length=None):
        length = len(body) if length is None else length
        return (f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.kernel.port}\r\n"
                f"X-API-Key: {self.kernel.root_key}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {length}\r\n\r\n").encode() + body

    def fill(self, documents, pad=100):
        with self.kernel.connect() as db:
            db.collection("data").insert_many([{"_id": f"d{n}", "pad": "p" * pad, "n": n} for n in range(documents)])

    def metric(self, name):
        text = self.kernel.http("GET", "/metrics", raw=True)[1].decode()
        return sum(float(value) for labels, value in re.findall(rf"(?m)^{name}(\S*) (\S+)$", text)
                   if 'instance="http"' in labels)

    def latencies_ms(self, count, path="/collections/data/d{}"):
        connection = self.kernel.open()
        found = []
        for n in range(count):
            began = time.monotonic()
            connection.request("GET", path.format(n % 100), headers={"X-API-Key": self.kernel.root_key})
            response = connection.getresponse()
            response.read()
            self.assertEqual(response.status, 200)
            found.append((time.monotonic() - began) * 1000)
        connection.close()
        return found

    def p99s_ms(self):
        """Of a read that the I/O thread answers, and of one that needs a thread of the pool. Each the best of
        five runs: other programs share the machine."""
        return [min(statistics.quantiles(self.latencies_ms(300, path), n=100)[-1] for _ in range(5))
                for path in ("/collections/data/d{}", "/collections/data/d{}?fields=n")]

    def follow(self, collection):
        """A follower of the collection's changes once its stream has begun, and its connection."""
        self.assertEqual(self.kernel.http("POST", "/collections", {"name": collection, "changes": True})[0], 201)
        connection = self.kernel.open()
        self.addCleanup(connection.close)
        connection.request("GET", f"/collections/{collection}/_changes", headers={"X-API-Key": self.kernel.root_key})
        stream = connection.getresponse()
        while stream.readline() != b"\n":  # of its first block
            pass
        return stream, connection

    def test_slow_clients_of_four_forms_are_cut_off_and_disturb_nobody(self):
        self.start(lambda text: re.sub(r'(?m)^(header_timeout|slow_body_window|write_timeout) *= *"\w+"',
                                       rf'\1 = "{SLOW_LIMIT}"', text, count=3))
        self.fill(2000, pad=5000)
        changes, follower = self.follow("followed")
        heads, bodies, uploads, readers = ([self.connect(receive_bytes) for _ in range(SLOW_EACH)]
                                           for receive_bytes in (None, None, None, 4096))
        slow = heads + bodies + uploads + readers
        baseline_ms = self.p99s_ms()
        for head in heads:
            head.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
        for body in bodies:
            body.sendall(self.request("POST", "/collections/data", b'{"a": ', length=100_000))
        for upload in uploads:  # each waits for the rest of its body, on a thread
            upload.sendall(self.request("POST", "/collections/none/_import", b'[{"a": ', length=100_000))
        for reader in readers:  # each waits for room to write, on a thread
            reader.sendall(self.request("GET", "/collections/data/_export"))
        ended = threading.Event()

        def drip():
            while not ended.wait(0.2):
                for client in heads + bodies + uploads:
                    try:
                        client.send(b" ")
                    except OSError:
                        pass

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            self.assertTrue(eventually(lambda: self.metric("nexadb_http_running_requests") > 2 * SLOW_EACH))
            self.assertGreater(self.metric("nexadb_http_open_connections"), len(slow))
            # What other plugins do on threads of the kernel's is not held up either.
            self.assertEqual(self.kernel.http("POST", "/collections/followed", {"n": 1})[0], 201)
            while changes.readline() != b"event: insert\n":
                pass
            self.assertGreater(self.metric("nexadb_http_running_requests"), 2 * SLOW_EACH, "it waited for one of them to go")
            changes.close()
            follower.close()
            for beside, baseline in zip(self.p99s_ms(), baseline_ms):
                # The dripping thread, and in CI other tests, share the machine with what is measured.
                self.assertLess(beside, max(2 * baseline, baseline + 25 * SLOWNESS), (beside, baseline))
            for client in heads + bodies:
                client.settimeout(WITHIN_S)
                self.assertTrue(client.recv(4096).startswith(b"HTTP/1.1 408"))
            self.assertTrue(eventually(lambda: self.metric("nexadb_http_open_connections") <= 1),
                            "clients that are slow are still connected")
        finally:
            ended.set()
            dripping.join()
            for client in slow:
                client.close()
        # The question itself is one.
        self.assertTrue(eventually(lambda: self.metric("nexadb_http_running_requests") == 1))

    def one_answer(self, connection):
        """Status and head of an answer that its connection ends."""
        got = b""
        while part := connection.recv(65536):
            got += part
        head = got.split(b"\r\n\r\n", 1)[0].decode("latin-1")
        return int(head.split(" ", 2)[1]), head

    def open_loop(self, request, rate, seconds):
        """Sends `rate` requests a second, each over a connection of its own, however the answers come.
        Returns their statuses, 0 for an answer that was cut off, and the heads of the refusals."""
        waiting = selectors.DefaultSelector()
        statuses, refusals, got = [], [], {}
        began, sent, total = time.monotonic(), 0, int(rate * seconds)
        while len(statuses) < total and time.monotonic() - began < seconds + WITHIN_S:
            due = min(total, int((time.monotonic() - began) * rate) + 1)
            while sent < due:
                sent += 1
                try:
                    client = self.connect()
                    client.sendall(request)
                    client.setblocking(False)
                    got[client] = b""
                    waiting.register(client, selectors.EVENT_READ)
                except OSError:
                    statuses.append(0)
            for key, _ in waiting.select(0.005):
                client = key.fileobj
                try:
                    part = client.recv(65536)
                except OSError:
                    part = b""
                got[client] += part
                if part:
                    continue
                head = got.pop(client).split(b"\r\n\r\n", 1)[0]
                waiting.unregister(client)
                client.close()
                status = int(head.split(b" ", 2)[1]) if head.startswith(b"HTTP/1.1 ") else 0
                statuses.append(status)
                if status != 200:
                    refusals.append(head)
        for client in got:
            statuses.append(-1)  # never answered
            client.close()
        return statuses, refusals

    @unittest.skipIf(SLOWNESS > 1, "its bounds are of time")
    def test_four_times_the_load_is_refused_in_part_and_all_is_well_within_five_seconds(self):
        self.start(lambda text: re.sub(r"(?m)^waiting_requests_max *= *\d+", "waiting_requests_max = 16", re.sub(
            r"(?m)^pool_threads *= *\d+", "pool_threads = 2", text, count=1), count=1))
        self.fill(DOCUMENTS)
        costly = json.dumps({"pipeline": [
            {"$group": {"_id": {"$mod": ["$n", 97]}, "sum": {"$sum": {"$multiply": ["$n", "$n"]}}}},
            {"$sort": {"_id": 1}}, {"$limit": 1}]}).encode()
        path = "/collections/data/aggregate"
        connection = self.kernel.open()
        headers = {"X-API-Key": self.kernel.root_key, "Content-Type": "application/json"}
        began, done = time.monotonic(), 0
        while time.monotonic() - began < 1.5 * SLOWNESS:
            connection.request("POST", path, costly, headers)
            response = connection.getresponse()
            self.assertEqual(response.status, 200, response.read())
            response.read()
            done += 1
        connection.close()
        capacity = 2 * done / (time.monotonic() - began)  # two threads
        rss = self.process.rss_bytes()
        request = self.request("POST", path, costly).replace(b"Content-Type", b"Connection: close\r\nContent-Type", 1)
        statuses, refusals = self.open_loop(request, 4 * capacity, 8)
        ended = time.monotonic()
        counted = {status: statuses.count(status) for status in set(statuses)}
        self.assertLessEqual(set(counted), {200, 429, 503}, counted)
        self.assertGreater(counted.get(503, 0) + counted.get(429, 0), len(statuses) / 4, counted)
        self.assertGreater(counted[200], capacity, counted)  # it went on working
        for head in refusals:
            self.assertIn(b"Retry-After:", head)
        self.assertLess(self.process.rss_bytes(), rss + 200_000_000)
        while True:
            answers = [self.kernel.http("POST", path, costly)[0] for _ in range(10)]
            if answers == [200] * 10:
                break
            self.assertLess(time.monotonic() - ended, RECOVERED_WITHIN_S, answers)
        self.assertLess(time.monotonic() - ended, RECOVERED_WITHIN_S)

    def vanish(self, number):
        """One client that goes away, in one of eight ways, half of them with a reset."""
        client = self.connect()
        form = number % 8
        if form == 1:
            client.sendall(b"GET /col")
        elif form == 2:
            client.sendall(self.request("POST", "/collections/gone", b'{"a": 1', length=50_000))
        elif form == 3:
            client.sendall(self.request("POST", "/collections/data/aggregate", b'{"pipeline": [{"$sort": {"pad": -1}}]}'))
        elif form == 4:
            client.sendall(self.request("GET", "/collections/data/_export"))
            client.recv(1)
        elif form == 5:
            client.sendall(self.request("POST", "/collections/data/_import").replace(
                b"Content-Length: 0", b"Transfer-Encoding: chunked").replace(b"json", b"x-ndjson") + b"9\r\n{\"_id\"")
        elif form == 6:
            client.sendall(self.request("GET", "/collections/data/d1") * 20)
        elif form == 7:
            client.sendall(self.request("POST", "/collections/data/aggregate", b'{"pipeline": []}'))
            client.shutdown(socket.SHUT_WR)
        if number % 16 < 8:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()

    def test_ten_thousand_clients_that_vanish_leave_nothing_behind(self):
        self.start()
        self.fill(2000)
        with concurrent.futures.ThreadPoolExecutor(16) as clients:
            list(clients.map(self.vanish, range(VANISHING // 10)))  # warms up
            self.assertTrue(eventually(lambda: self.metric("nexadb_http_open_connections") <= 1))
            rss, descriptors = self.process.rss_bytes(), self.process.descriptors()
            list(clients.map(self.vanish, range(VANISHING)))
        self.assertTrue(eventually(lambda: self.metric("nexadb_http_open_connections") <= 1))
        self.assertTrue(eventually(lambda: self.metric("nexadb_http_running_requests") <= 1))
        # What the last requests began ends behind them: a compaction's files, an answer's buffers.
        self.assertTrue(eventually(lambda: self.process.descriptors() <= descriptors + 8),
                        f"{descriptors} descriptors before, {self.process.descriptors()} after")
        if SLOWNESS == 1:  # sanitizers keep what was freed
            self.assertTrue(eventually(lambda: self.process.rss_bytes() < rss + 64_000_000),
                            f"{rss} bytes before, {self.process.rss_bytes()} after")
        with self.kernel.connect() as db:
            self.assertEqual(db.collection("data").count(), 2000)
            self.assertEqual(db.collection("gone").count(), 0)
        self.latencies_ms(20)

    def test_fewer_files_than_connections_are_a_warning_only_to_who_asked_for_them(self):
        for asked, level in ((20000, "info"), (19999, "warn")):
            with Kernel(start=False, edit=lambda text: text.replace(
                    "connections_max = 20000", f"connections_max = {asked}")) as kernel:
                kernel.launcher = ("prlimit", "--nofile=1000:1000")
                kernel.start()
                line = re.compile(rf"{level} +\[http\] connections_max is {asked}, .*: 750 connections are taken")
                self.assertTrue(any(line.search(said) for said in kernel.log), "".join(kernel.log))

    # Where UBSan cannot open a pipe to see whether memory may be read, it takes an object for none.
    @unittest.skipIf(SLOWNESS > 1, "the sanitizers need descriptors too")
    def test_without_descriptors_it_waits_and_goes_on_once_there_are_some(self):
        kernel = self.start(lambda text: text.replace('memory_budget = "1GiB"', 'memory_budget = "8MiB"', 1))
        self.fill(100)
        before = resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE)
        writer = kernel.open()
        headers = {"X-API-Key": kernel.root_key, "Content-Type": "application/json"}
        kernel.http("GET", "/healthz")
        resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (self.process.descriptors() + 12, before[1]))
        writer.connect()
        clients = [self.connect() for _ in range(100)]  # most of them wait in the kernel's queue
        acknowledged, refused = [], 0
        cpu_s, began = self.process.cpu_s(), time.monotonic()
        time.sleep(1.5)
        busy = (self.process.cpu_s() - cpu_s) / (time.monotonic() - began)
        self.assertLess(busy, 0.2 * SLOWNESS)  # it does not spin
        for n in range(400):  # enough to fill several memtables, which want files
            writer.request("POST", "/collections/written", json.dumps({"_id": n, "pad": os.urandom(8000).hex()}), headers)
            response = writer.getresponse()
            body = response.read()
            if response.status == 201:
                acknowledged.append(n)
            else:
                refused += 1
                self.assertIn(response.status, (500, 503, 507), body)
        for client in clients:
            client.close()
        resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, before)
        self.assertIsNone(kernel.process.poll(), "".join(kernel.log[-20:]))
        began = time.monotonic()
        self.assertEqual(kernel.http("GET", "/healthz")[0], 200)
        self.assertLess(time.monotonic() - began, RECOVERED_WITHIN_S)

        def stores():
            return kernel.http("POST", "/collections/after", {"a": 1})[0] == 201

        self.assertTrue(eventually(stores, RECOVERED_WITHIN_S), f"{refused} refused: " + "".join(kernel.log[-20:]))
        kernel.stop()
        kernel.start()
        with kernel.connect() as db:
            stored = {document["_id"] for document in db.collection("written").find({}, limit=1000, fields=["_id"])}
        self.assertLessEqual(set(acknowledged), stored)


if __name__ == "__main__":
    unittest.main()
