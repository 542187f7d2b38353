"""The two figures of latency, from short windows that ours and its peers take turns in.

The machine takes milliseconds away as it likes. In one long measurement that is all a p99 shows;
here every window of ours has one of nginx and one of the bare epoll server right beside it, and
what counts is the median over the windows: a stall that is the host's falls on few of them and on
all three servers alike, one that is ours falls on every window of ours and on none of theirs. Beside
slow clients it falls on many, for 500 connections come and go around each of these windows, and the
kernel tidies up after them within the next: there the quarter of the windows that had it least counts.
"""
import contextlib
import json
import os
import signal
import statistics
import subprocess
import threading

import peers

OPEN_CONNECTIONS = 64
SLOW = 500
SLOW_BYTES_A_SECOND = 5  # of each (open_loop.cc)
WINDOWS = 20
STALL_S, STALLS_A_SECOND = 0.002, 20  # of a server that is to be caught
PLAIN, BESIDE_SLOW = "get_half_load", "get_half_load_500_slow"
OURS, NGINX, FLOOR = "nexadb", "nginx-static", "epoll"
ALIKE = 1.5  # ratios of two servers with the same stalls differ by this much from run to run
# What is asked of us: p99 of p50, and p99 beside slow clients of p99 without.
TAIL_MAX = 5
SLOWED_MAX = 2


class Target:
    """A running server: what is asked of it, and at which rate."""

    def __init__(self, engine, pid, port, path, slow_path, rate, headers=()):
        self.engine, self.pid, self.port, self.path, self.slow_path = engine, pid, port, path, slow_path
        self.rate, self.headers = rate, headers


def give_cores(targets):
    """The client gets a core, all servers the others: where the scheduler puts them is in no figure.
    Returns the client's, or None where there is only one."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return None
    for target in targets:
        for thread in peers.threads(target.pid):
            os.sched_setaffinity(thread, cores[:-1])
    return cores[-1]


def window(target, seconds, slow, core):
    command = [str(peers.BUILD / "bench" / "http-open-loop"), str(target.port), target.path, f"{target.rate:.0f}",
               str(seconds), str(OPEN_CONNECTIONS), str(slow), target.slow_path, *target.headers]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    if done.returncode != 0:
        raise RuntimeError(f"{target.engine}: {done.stderr}")
    return json.loads(done.stdout)


@contextlib.contextmanager
def stalls(target):
    """The server stands still again and again: a fault that is its own, which the figures must show."""
    end = threading.Event()

    def stall():
        while not end.wait(1 / STALLS_A_SECOND - STALL_S):
            os.kill(target.pid, signal.SIGSTOP)
            end.wait(STALL_S)
            os.kill(target.pid, signal.SIGCONT)

    thread = threading.Thread(target=stall)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def measure(suite, targets, seconds, stalled=()):
    """Adds a row a window to the suite: engine, workload, the window's number as its round. Ours
    is made to stand still in windows of the workloads `stalled`."""
    core = give_cores(targets)
    if core is None:
        print("the latency rows are left out: the open-loop client needs a core of its own")
        return
    for number in range(1, WINDOWS + 1):
        for target in targets:
            for workload, slow in ((PLAIN, 0), (BESIDE_SLOW, SLOW)):
                with stalls(target) if target.engine == OURS and workload in stalled else contextlib.nullcontext():
                    found = window(target, seconds, slow, core)
                if found["slow_bytes_s"] < 0.5 * slow * SLOW_BYTES_A_SECOND:
                    raise RuntimeError("the slow clients sent too little to disturb anybody")
                suite.add(target.engine, workload, number, ops_s=found["rate"], threads=OPEN_CONNECTIONS,
                          **{f: found[f] for f in ("p50_us", "p99_us", "p999_us", "stolen_us", "slow_bytes_s", "times")})


def windows(rows, engine, workload):
    return [r for r in rows if (r["engine"], r["workload"]) == (engine, workload)]


def pooled(found, part):
    """A percentile of all windows' requests together: what one long measurement would have said."""
    times = sorted(tuple(step) for row in found for step in row["times"])
    left = part * sum(count for _, count in times)
    for time, count in times:
        left -= count
        if left <= 0:
            return time
    return times[-1][0]


def tails(rows, engine):
    """A window's p99 of its p50, and for all windows together."""
    found = windows(rows, engine, PLAIN)
    return [r["p99_us"] / r["p50_us"] for r in found], found and pooled(found, 0.99) / pooled(found, 0.5)


def slowed(rows, engine):
    """A window's p99 beside slow clients, of what the quieter windows without them have, and for all
    windows together."""
    plain, slow = windows(rows, engine, PLAIN), windows(rows, engine, BESIDE_SLOW)
    usual = plain and quarter([r["p99_us"] for r in plain])
    return [r["p99_us"] / usual for r in slow], slow and pooled(slow, 0.99) / pooled(plain, 0.99)


def quarter(values):
    """The figure that a quarter of them keep within."""
    return statistics.quantiles(values, n=4)[0]


def verdict(ours, beside, bound):
    """ok, MISS, or HOST: nobody keeps the bound on this machine, and ours does about as well as the
    best. A fault of ours is a MISS however noisy the host is: those beside it do not share it."""
    if ours <= bound:
        return "ok  "
    return "HOST" if beside and min(beside) > bound and ours <= ALIKE * min(beside) else "MISS"


def print_windows(rows):
    for name, of, what, judged, bound in (
            ("p99 of p50 at half load", tails, "the median", statistics.median, TAIL_MAX),
            ("p99 beside 500 slow clients, of p99 without", slowed, "the lower quarter", quarter, SLOWED_MAX)):
        figures = {engine: of(rows, engine) for engine in (OURS, NGINX, FLOOR)}
        judgements = {engine: judged(ratios) for engine, (ratios, _) in figures.items() if ratios}
        if OURS not in judgements:
            continue
        beside = [value for engine, value in judgements.items() if engine != OURS]
        others = "".join(f"; {engine} {judgements[engine]:,.2f}" for engine in judgements if engine != OURS)
        print(f"{verdict(judgements[OURS], beside, bound)} {name}: {judgements[OURS]:,.2f} (at most {bound}{others}), {what} of "
              f"{len(figures[OURS][0])} windows")
        for engine, (ratios, raw) in figures.items():
            if ratios:
                print(f"         {engine:<14} {min(ratios):,.2f} to {max(ratios):,.2f}; all windows as one: {raw:,.2f}")
    stolen = [r["stolen_us"] / 1e3 for r in rows if r["workload"] in (PLAIN, BESIDE_SLOW)]
    if stolen:
        print(f"     taken from the client's core meanwhile: {statistics.median(stolen):,.2f} ms a window, {max(stolen):,.2f} at most")
