#!/usr/bin/env python3
"""Prints bench/database's results as a table: one line a workload, one column an engine, and how
NexaDB compares with the best row or JSON engine of the same durability.

    table.py database.jsonl
    table.py --curve database_curve.jsonl     one column for each number of documents instead

Fails when engines that hold the same documents gave different answers.
"""
import json
import statistics
import sys

WORKLOADS = ("insert_batch insert_single get_by_id range_indexed filter_count filter_nested group "
             "group_filtered lookup update_by_id update_by_filter index_build settle insert_file").split()
# These are no documents; their ratio is printed apart.
APART = {"duckdb-columns"}
# Asked over a connection by one client, as we are by REST: compared with each other.
SERVERS = {"postgres"}
OURS = {"nexadb", "nexadb-server"}
# What an acknowledged write survives, weakest first.
CLASSES = ["process", "os", "disk"]
ANSWERED = {"filter_count", "filter_nested", "group", "group_filtered", "lookup"}


def short(value):
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.2f}{unit}"
    return f"{value:.1f}"


def check_answers(rows):
    wrong = []
    for workload in ANSWERED:
        most = max(r["documents"] for r in rows)
        answers = {r["engine"]: r["answer"] for r in rows
                   if r["workload"] == workload and r["documents"] == most}
        if len(set(answers.values())) > 1:
            wrong.append(f"{workload}: {answers}")
    return wrong


def comparable(ours, other):
    """A peer's write counts against ours when it survives no less: a weaker promise is cheaper."""
    if not ours:
        return True
    return other in CLASSES and CLASSES.index(other) >= CLASSES.index(ours)


def print_curve(rows):
    sizes = sorted({r["documents"] for r in rows})
    print(f"{'CPU µs an operation':22}" + "".join(f"{short(size):>12}" for size in sizes))
    for workload in WORKLOADS:
        costs = {r["documents"]: r["cpu_us_op"] for r in rows if r["workload"] == workload}
        if costs:
            print(f"{workload:22}" + "".join(f"{costs.get(size, 0):12.3f}" for size in sizes))


def main():
    path = sys.argv[-1]
    with open(path, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    if not rows:
        print("table.py: no measurements in " + path, file=sys.stderr)
        return 1
    if "--curve" in sys.argv[1:-1]:
        print_curve(rows)
        return 0
    cells = {}
    for r in rows:
        name = r["engine"]
        key = (r["workload"], name, r["durability"])
        cells.setdefault(key, []).append((r["ops_s"], r["cpu_us_op"]))
    medians = {key: (statistics.median(v[0] for v in values), statistics.median(v[1] for v in values))
               for key, values in cells.items()}
    engines = list(dict.fromkeys(r["engine"] for r in rows))
    print(f"{'operations/s (1 / CPU µs)':30}" + "".join(f"{e:>26}" for e in engines) + "   best peer")
    for workload in WORKLOADS:
        for durability in [""] + CLASSES:
            found = {e: medians[(workload, e, durability)] for e in engines
                     if (workload, e, durability) in medians}
            if not found:
                continue
            line = f"{workload + (' ' + durability if durability else ''):30}"
            for e in engines:
                text = ""
                if e in found:
                    ops, cpu = found[e]
                    text = f"{short(ops)} ({short(1e6 / cpu) if cpu > 0 else '-'})"
                line += f"{text:>26}"
            ours = found.get("nexadb")
            peers = [(ops, e, d) for (w, e, d), (ops, _) in medians.items()
                     if w == workload and e not in OURS and e not in APART
                     and comparable(durability, d)]
            if ours and peers:
                best = max(peers)
                line += f"   {ours[0] / best[0]:.2f}x {best[1]}" + (f" ({best[2]})" if best[2] else "")
            served = found.get("nexadb-server")
            servers = [peer for peer in peers if peer[1] in SERVERS]
            if served and servers:
                best = max(servers)
                line += f"; served {served[0] / best[0]:.2f}x {best[1]}"
            columns = found.get("duckdb-columns")
            if ours and columns:
                line += f", {ours[0] / columns[0]:.2f}x duckdb-columns"
            print(line)
    busy = [r for r in rows if r["others_cores"] > 0.3]
    if busy:
        print(f"\n{len(busy)} of {len(rows)} measurements while others used more than 0.3 cores")
    wrong = check_answers(rows)
    for w in wrong:
        print("different answers: " + w)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
