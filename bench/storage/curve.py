#!/usr/bin/env python3
"""Prints what a store costs as it grows, engine by engine.

Usage: curve.py storage_curve.jsonl

A curve that stays flat is what one looks for: a row more should not make the others dearer. Rates
are thousands of rows a second, filled in random order until compaction is quiet; reads and seeks
are microseconds of CPU, with the blocks in the cache as far as they fit.
"""

import json
import sys

COLUMNS = [
    ("fill_ops_s", "fill k/s", lambda v: f"{v / 1e3:,.0f}"),
    ("write_amplification", "write amp", "{:.2f}".format),
    ("read_cpu_us", "get us", "{:.2f}".format),
    ("seek10_cpu_us", "seek10 us", "{:.2f}".format),
    ("reopen_s", "reopen s", "{:.2f}".format),
    ("disk_bytes", "disk MB", lambda v: f"{v / 1e6:,.0f}"),
    ("rss_bytes", "memory MB", lambda v: f"{v / 1e6:,.0f}"),
]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    print("\nwhat a store costs as it grows")
    print(f"{'rows':>12} {'engine':<12}" + "".join(f"{title:>11}" for _, title, _ in COLUMNS))
    for m in sorted(lines, key=lambda m: m["rows"]):
        cells = "".join(f"{show(m[field]):>11}" for field, _, show in COLUMNS)
        print(f"{m['rows']:>12,} {m['engine']:<12}{cells}")


if __name__ == "__main__":
    main()
