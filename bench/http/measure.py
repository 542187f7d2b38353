#!/usr/bin/env python3
"""Measures; run.sh calls it. One JSON object a measurement into BENCH_OUT/http.jsonl, then the table."""
import contextlib
import json
import os
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import latency  # noqa: E402
import peers  # noqa: E402

HERE = Path(__file__).resolve().parent
CONNECTIONS = 32
BULK = 1000
KEYS = 10000
IDLE = 10000
DOCUMENT = {"_id": "one", "name": "a", "pad": "x" * 180}  # 300 bytes answered, with its timestamps
# The kernel loads plugins from copies under names of their content; perf shows those.
LIBRARIES = {"http-server.so": "http-server", "api-rest.so": "api-rest: JSON to BSON", "[kernel.kallsyms]": "the operating system",
             "database-document.so": "database-document", "storage-lsm.so": "storage-lsm", "libc.so.6": "libc: memory, copies"}
# In windows of which workload our server is made to stand still.
STALLED = {"--stalled": latency.PLAIN, "--stalled-beside-slow": latency.BESIDE_SLOW}


def microseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]


class Suite:
    def __init__(self, options):
        quick = "--quick" in options
        self.only_latency = "--latency" in options
        self.stalled = [workload for option, workload in STALLED.items() if option in options]
        self.rounds = 1 if quick else 3
        self.seconds = 2 if quick else 5
        self.window_seconds = 0.5 if quick else 1
        self.rows = []
        self.scratch = Path(tempfile.mkdtemp(prefix="nexadb-http-", dir=os.environ.get("BENCH_SCRATCH", "/var/tmp")))
        self.out = Path(os.environ.get("BENCH_OUT", self.scratch)) / "http.jsonl"

    def add(self, engine, workload, round_, **figures):
        row = {"suite": "http", "engine": engine, "workload": workload, "value_bytes": 300, "threads": CONNECTIONS,
               "round": round_, "ops_s": None, "p50_us": None, "p99_us": None, "p999_us": None, "cpu_us_op": None,
               "disk_bytes": None, "rss_bytes": None, "durability": "", "others_cores": None, **figures}
        self.rows.append(row)
        print(f"round {round_}: {engine} {workload}", file=sys.stderr)
        with self.out.open("a") as file:
            file.write(json.dumps({name: value for name, value in row.items() if name != "times"}) + "\n")

    def wrk(self, engine, workload, round_, server, url, per_request=1, script=(), headers=(), durability="",
            connections=CONNECTIONS):
        before = peers.cpu_seconds(server)
        command = ["wrk", "-t1", f"-c{connections}", f"-d{self.seconds}s", "--latency"]
        for header in headers:
            command += ["-H", header]
        if script:
            command += ["-s", str(HERE / script[0])]
        printed = subprocess.run([*command, url, *(["--", *script[1:]] if script else [])], capture_output=True,
                                 text=True, check=True).stdout
        used = peers.cpu_seconds(server) - before
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", printed).group(1))
        if re.search(r"Non-2xx|Socket errors", printed):
            raise RuntimeError(f"{engine} {workload} failed:\n{printed}")
        ops = rate * per_request
        self.add(engine, workload, round_, ops_s=ops, cpu_us_op=used * 1e6 / (ops * self.seconds),
                 p50_us=microseconds(re.search(r"50%\s+(\S+)", printed).group(1)),
                 p99_us=microseconds(re.search(r"99%\s+(\S+)", printed).group(1)), durability=durability,
                 threads=connections)
        return rate

    def run_redis(self, round_):
        with peers.redis(self.scratch) as server:
            for word, workload in (("set", "kv_put"), ("get", "kv_get")):
                before = peers.cpu_seconds(server.pid)
                count = 40000 * self.seconds
                printed = subprocess.run(
                    ["redis-benchmark", "-h", "127.0.0.1", "-p", str(server.port), "-t", word, "-n", str(count), "-r", "100000",
                     "-d", "300", "-c", str(CONNECTIONS), "--csv"], capture_output=True, text=True, check=True).stdout
                cells = printed.strip().splitlines()[-1].replace('"', "").split(",")
                self.add("redis", workload, round_, ops_s=float(cells[1]), p50_us=float(cells[4]) * 1e3,
                         p99_us=float(cells[6]) * 1e3, cpu_us_op=(peers.cpu_seconds(server.pid) - before) * 1e6 / count,
                         durability="os" if word == "set" else "")

    def run_others(self, round_):
        with peers.floor(self.scratch) as server:
            self.wrk("epoll", "get", round_, server.pid, f"http://127.0.0.1:{server.port}/x")
        if Path("/usr/sbin/nginx").exists() or shutil.which("nginx"):
            with peers.nginx(self.scratch) as server:
                base = f"http://127.0.0.1:{server.port}"
                self.wrk("nginx-static", "get", round_, server.pid, base + "/doc.json")
                self.wrk("nginx-return", "get", round_, server.pid, base + "/return")
        if shutil.which("redis-server") and not self.only_latency:
            self.run_redis(round_)

    def run_ours(self, round_):
        with peers.nexadb(self.scratch) as kernel:
            pid = kernel.process.pid
            base = f"http://127.0.0.1:{kernel.port}"
            key = f"X-API-Key: {kernel.root_key}"
            json_key = [key, "Content-Type: application/json"]
            assert kernel.http("POST", "/collections/get", DOCUMENT)[0] == 201
            self.wrk("nexadb", "get", round_, pid, base + "/collections/get/one", headers=[key])
            if self.only_latency:
                return
            self.wrk("nexadb", "post", round_, pid, base, script=("post.lua", "/collections/post", "1"), headers=json_key,
                     durability="os")
            self.wrk("nexadb", "bulk", round_, pid, base, per_request=BULK, connections=4, headers=json_key,
                     durability="os", script=("post.lua", "/collections/bulk/bulk", str(BULK)))
            raw = "application/octet-stream"
            assert kernel.http("PUT", "/kv/bench/one", b"x" * 300, headers={"Content-Type": raw})[0] == 204
            self.wrk("nexadb", "kv_get", round_, pid, base + "/kv/bench/one", headers=[key])
            self.wrk("nexadb", "kv_put", round_, pid, base, script=("put.lua", "/kv/bench/", str(KEYS)),
                     headers=[key, "Content-Type: " + raw], durability="os")
            self.break_down(round_, kernel, base, json_key)
            self.idle(round_, kernel)

    def run_latency(self):
        """All servers run at once, each at half of its own highest rate in its own windows."""
        with contextlib.ExitStack() as running:
            kernel = running.enter_context(peers.nexadb(self.scratch))
            assert kernel.http("POST", "/collections/get", DOCUMENT)[0] == 201
            targets = [latency.Target(latency.OURS, kernel.process.pid, kernel.port, "/collections/get/one", "/collections/slow",
                                      self.half_rate(latency.OURS), [f"X-API-Key: {kernel.root_key}"])]
            if shutil.which("nginx") or Path("/usr/sbin/nginx").exists():
                server = running.enter_context(peers.nginx(self.scratch))
                targets.append(latency.Target(latency.NGINX, server.pid, server.port, "/doc.json", "/slow",
                                              self.half_rate(latency.NGINX)))
            server = running.enter_context(peers.floor(self.scratch))
            targets.append(latency.Target(latency.FLOOR, server.pid, server.port, "/x", "/x", self.half_rate(latency.FLOOR)))
            latency.measure(self, targets, self.window_seconds, self.stalled)

    def half_rate(self, engine):
        return median(self.rows, engine, "get", "ops_s") / 2

    def break_down(self, round_, kernel, base, headers):
        """Where the server's time goes in a bulk insert, by library; not while anything is measured."""
        if not shutil.which("perf"):
            return
        samples = self.scratch / "bulk.perf"
        recorder = subprocess.Popen(["perf", "record", "-q", "-F", "997", "-o", str(samples), "-p", str(kernel.process.pid)],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        command = ["wrk", "-t1", "-c4", f"-d{self.seconds}s", "-s", str(HERE / "post.lua")]
        for header in headers:
            command += ["-H", header]
        subprocess.run([*command, base, "--", "/collections/parts/bulk", str(BULK)], capture_output=True, check=True)
        recorder.send_signal(signal.SIGINT)
        recorder.wait()
        report = subprocess.run(["perf", "report", "-i", str(samples), "--stdio", "-F", "overhead,dso"],
                                capture_output=True, text=True).stdout
        parts = {}
        for share, library in re.findall(r"^\s+([\d.]+)%\s+(\S+)", report, re.MULTILINE):
            parts[LIBRARIES.get(library, "other")] = parts.get(LIBRARIES.get(library, "other"), 0) + float(share)
        if parts:  # perf may not be allowed to look
            self.add("nexadb", "bulk_parts", round_, parts=parts)

    def idle(self, round_, kernel):
        before = peers.resident_bytes(kernel.process.pid)
        request = f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{kernel.port}\r\n\r\n".encode()
        held = []
        for _ in range(IDLE):
            held.append(socket.create_connection(("127.0.0.1", kernel.port)))
            held[-1].sendall(request)
            assert b"200 OK" in held[-1].recv(4096)
        time.sleep(1.5)
        self.add("nexadb", "idle_10000", round_, rss_bytes=peers.resident_bytes(kernel.process.pid) - before, threads=IDLE)
        for connection in held:
            connection.close()


def median(rows, engine, workload, figure):
    values = [r[figure] for r in rows if (r["engine"], r["workload"]) == (engine, workload) and r[figure] is not None]
    return statistics.median(values) if values else None


def table(rows):
    print(f"{'workload':<24}{'engine':<14}{'ops/s':>12}{'p50 us':>9}{'p99 us':>9}{'cpu us/op':>11}")
    measured = [r for r in rows if "parts" not in r]
    seen = dict.fromkeys((r["workload"], r["engine"]) for r in sorted(measured, key=lambda r: r["workload"]))
    for workload, engine in seen:
        cells = [median(rows, engine, workload, f) for f in ("ops_s", "p50_us", "p99_us", "cpu_us_op")]
        text = ["-" if c is None else f"{c:,.{d}f}" for c, d in zip(cells, (0, 0, 0, 2))]
        print(f"{workload:<24}{engine:<14}{text[0]:>12}{text[1]:>9}{text[2]:>9}{text[3]:>11}")
    print_parts(rows)
    aims(rows)


def print_parts(rows):
    """The time of a bulk insert, broken down."""
    rounds = [r["parts"] for r in rows if "parts" in r]
    if not rounds:
        return
    print("bulk insert, the server's processor time by library:")
    shares = {name: statistics.median(parts.get(name, 0) for parts in rounds) for parts in rounds for name in parts}
    cpu = median(rows, "nexadb", "bulk", "cpu_us_op")
    for name, share in sorted(shares.items(), key=lambda item: -item[1]):
        print(f"    {name:<28}{share:>6.1f} %{share / 100 * cpu:>8.2f} us a document")


def aims(rows):
    """What is asked of us, with what came out."""
    def say(name, value, bound, smaller=False):
        if value is None:
            return
        kept = value <= bound if smaller else value >= bound
        print(f"{'ok  ' if kept else 'MISS'} {name}: {value:,.2f} (at {'most' if smaller else 'least'} {bound:,})")

    def ratio(a, b):
        return None if a is None or b is None else a / b

    get = median(rows, "nexadb", "get", "ops_s")
    say("GET by id, of nginx's rate for a static file", ratio(get, median(rows, "nginx-static", "get", "ops_s")), 1.0)
    say("its server CPU, of nginx's `return`", ratio(median(rows, "nexadb", "get", "cpu_us_op"),
                                                     median(rows, "nginx-return", "get", "cpu_us_op")), 1.5, smaller=True)
    say("POST insert, of that GET", ratio(median(rows, "nexadb", "post", "ops_s"), get), 0.7)
    say("bulk insert, documents/s", median(rows, "nexadb", "bulk", "ops_s"), 200000)

    latency.print_windows(rows)
    idle = median(rows, "nexadb", "idle_10000", "rss_bytes")
    say("MB held by 10,000 idle connections", None if idle is None else idle / 1e6, 100, smaller=True)


def main():
    options = set(sys.argv[1:])
    if options - {"--quick", "--latency", *STALLED}:
        sys.exit(f"measure.py: unknown option in {sorted(options)}; see run.sh")
    if not shutil.which("wrk"):
        sys.exit("measure.py: wrk is missing: apt-get install wrk")
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    suite = Suite(options)
    suite.out.parent.mkdir(parents=True, exist_ok=True)
    suite.out.unlink(missing_ok=True)
    try:
        for round_ in range(1, suite.rounds + 1):
            suite.run_others(round_)
            suite.run_ours(round_)
        suite.run_latency()
        table(suite.rows)
    finally:
        shutil.rmtree(suite.scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
