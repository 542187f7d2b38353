#!/usr/bin/env python3
"""Turns Google Benchmark's JSON into one line a measurement, in the fields of docs/benchmarks.md.

Usage: to_jsonl.py SUITE RESULT.json
"""
import json
import sys

# Google Benchmark's time unit, in microseconds.
UNIT_US = {"ns": 1e-3, "us": 1.0, "ms": 1e3, "s": 1e6}


def main():
    suite, path = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        result = json.load(file)
    for row in result["benchmarks"]:
        if row.get("run_type") == "aggregate" or "error_message" in row:
            continue
        unit = UNIT_US[row["time_unit"]]
        items = row.get("items_per_second") or 1e6 / (row["real_time"] * unit)
        per_iteration = items * row["real_time"] * unit / 1e6
        print(json.dumps({
            "suite": suite,
            "engine": "nexadb",
            "workload": row["name"],
            "value_bytes": int(row.get("value_bytes", 0)),
            "threads": row.get("threads", 1),
            "round": row.get("repetition_index", 0),
            "ops_s": items,
            "cpu_us_op": row["cpu_time"] * unit / max(per_iteration, 1e-9),
            "durability": row.get("label", ""),
        }))


if __name__ == "__main__":
    main()
