#!/usr/bin/env python3
"""Prints a suite's measurements as a table: medians of the rounds, engine by engine, and our ratio
to each workload's best peer.

Usage: table.py SUITE.jsonl

A row is a workload with its value size, threads and durability class; engines are compared within
one row only. Rates are thousands of operations a second; an engine named `machine` holds the
physical limits, printed below.
"""
import collections
import json
import statistics
import sys

OURS = "nexadb"
MACHINE = "machine"
# Above this, other programs took so much of the machine that rates mean little.
OTHERS_CORES_MAX = 0.3


def load(path):
    """Measurements by row and engine, rows in the order of their first appearance."""
    rows = collections.OrderedDict()
    with open(path, encoding="utf-8") as file:
        for line in file:
            m = json.loads(line)
            key = (m["workload"], m["value_bytes"], m["threads"], m["durability"])
            rows.setdefault(key, collections.OrderedDict()).setdefault(m["engine"], []).append(m)
    return rows


def median(measurements, field):
    return statistics.median(m[field] for m in measurements)


def thousands(rate):
    return f"{rate / 1e3:,.1f}" if rate < 1e5 else f"{rate / 1e3:,.0f}"


def print_table(rows, field, title, show, best):
    """`best` picks the best peer's figure; the ratio says how much better ours is."""
    engines = []
    for by_engine in rows.values():
        engines += [e for e in by_engine if e not in engines and e != MACHINE]
    engines.sort(key=lambda e: e != OURS)
    print(f"\n{title}")
    print(f"{'workload':<24}{'bytes':>6}{'thr':>4} {'class':<8}"
          + "".join(f"{e:>12}" for e in engines) + f"{'x best':>9}{'x rocksdb':>10}")
    for (workload, size, threads, durability), by_engine in rows.items():
        if MACHINE in by_engine:
            continue
        figures = {e: median(ms, field) for e, ms in by_engine.items()}
        if not any(figures.values()):
            continue
        cells = "".join(f"{show(figures[e]) if e in figures else '':>12}" for e in engines)
        print(f"{workload:<24}{size:>6}{threads:>4} {durability:<8}{cells}"
              + ratio(figures, [e for e in figures if e != OURS], best, 9)
              + ratio(figures, [e for e in figures if e == "rocksdb"], best, 10))


def ratio(figures, peers, best, width):
    if OURS not in figures or not peers or not figures[OURS]:
        return " " * width
    peer = best(figures[p] for p in peers)
    if not peer:
        return " " * width
    value = figures[OURS] / peer if best is max else peer / figures[OURS]
    return f"{value:>{width}.2f}"


def main():
    rows = load(sys.argv[1])
    print_table(rows, "ops_s", "thousand operations a second (more is better)", thousands, max)
    print_table(rows, "cpu_us_op", "CPU of the process, us an operation (less is better)",
                "{:.2f}".format, min)
    writers = {k: v for k, v in rows.items() if k[3]}
    print_table(writers, "p999_us", "slowest thousandth of writes, us (less is better)",
                "{:.0f}".format, min)
    windowed = {k: {e: ms for e, ms in v.items() if all("windows" in m for m in ms)}
                for k, v in rows.items()}
    windowed = {k: v for k, v in windowed.items() if v}
    for field, which in (("window_min_ops_s", "slowest"), ("window_median_ops_s", "median")):
        if windowed:
            print_table(windowed, field, f"thousand operations a second in the {which} window of "
                        "30 s (more is better)", thousands, max)
    sized = {k: v for k, v in rows.items() if k[0] in ("fillrandom", "insert")}
    print_table(sized, "disk_bytes", "MB on disk once quiet (less is better)",
                lambda b: f"{b / 1e6:.0f}", min)
    print_table(sized, "rss_bytes", "MB resident (less is better)",
                lambda b: f"{b / 1e6:.0f}", min)
    limits = [(k[0], median(v[MACHINE], "ops_s")) for k, v in rows.items() if MACHINE in v]
    if limits:
        print("\nlimits of this machine")
    for name, rate in limits:
        shown = f"{rate / 1e9:.1f} GB/s" if name.endswith("_bytes") else f"{rate / 1e3:,.1f} k/s"
        print(f"{name.removeprefix('limit_').removesuffix('_bytes'):<24}{shown:>16}")
    busy = max((m["others_cores"] for r in rows.values() for ms in r.values() for m in ms),
               default=0)
    if busy > OTHERS_CORES_MAX:
        print(f"\nOther programs used up to {busy:.1f} cores meanwhile: trust CPU and ratios, "
              "not rates.")


if __name__ == "__main__":
    main()
