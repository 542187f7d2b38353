#!/usr/bin/env bash
# Measures this project's storage engine beside its peers and prints the table. scripts/bench.sh
# builds and calls it; by hand:
#   NEXADB_BUILD_DIR=build/release bench/storage/run.sh [--quick] [--curve]
# --quick: fewer rows, one round, under ten minutes. --curve: instead, how cost grows from one to
# ten million rows. Environment:
#   BENCH_OUT=DIR     keeps the measurements as DIR/storage.jsonl (with --curve: storage_curve.jsonl)
#   BENCH_SCRATCH     where databases are made: a disk, not a tmpfs; default /var/tmp
#   ENGINES="nexadb rocksdb"  ROUNDS=3  ROWS=1000000  ROWS_1K=300000  SECS=3  OVERWRITE_SECS=600
#   ONLY=workload,…   see bench/storage/workloads.cc
#
# Rounds are the outer loop, so that a noisy minute does not hit one engine alone. An engine runs in
# the durability class that its log has: WiredTiger's is buffered in the process, the others' are
# written before the answer. Ours runs in both. fillsync is in the class disk for all.
set -euo pipefail
cd "$(dirname "$0")/../.."

rounds=${ROUNDS:-3} rows=${ROWS:-1000000} rows_1k=${ROWS_1K:-300000} seconds=${SECS:-3}
overwrite=${OVERWRITE_SECS:-600}
curve=
for argument in "$@"; do
  case $argument in
    --quick)
      rounds=${ROUNDS:-1} rows=${ROWS:-200000} rows_1k=${ROWS_1K:-60000} seconds=${SECS:-1}
      overwrite=${OVERWRITE_SECS:-0} ;;
    --curve) curve=yes ;;
    *) echo "run.sh: unknown option $argument; see the top of the script" >&2; exit 2 ;;
  esac
done

program=${NEXADB_BUILD_DIR:-build/release}/bench/storage-bench
scratch=$(mktemp -d "${BENCH_SCRATCH:-/var/tmp}/nexadb-bench-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
out=${BENCH_OUT:-$scratch}
mkdir -p "$out"
engines=${ENGINES:-$("$program" --engines)}

if [ -n "$curve" ]; then
  : >"$out/storage_curve.jsonl"
  for engine in $engines; do
    for size in ${CURVE_ROWS:-1000000 3000000 10000000}; do
      "$program" "$engine" --rows "$size" --only curve --directory "$scratch/db" |
        tee -a "$out/storage_curve.jsonl"
    done
  done
  exit 0
fi

measure() {  # ENGINE CLASS ROWS VALUE_BYTES ROUND [WORKLOADS]
  "$program" "$1" --durability "$2" --rows "$3" --value-bytes "$4" --round "$5" \
    --seconds "$seconds" --overwrite-seconds "$overwrite" --directory "$scratch/db" \
    ${6:+--only "$6"} >>"$out/storage.jsonl"
}
# Those of the wanted workloads ($1, all when empty) that ONLY leaves.
chosen() {
  python3 -c 'import sys; a, b = (set(filter(None, s.split(","))) for s in sys.argv[1:])
print(",".join(sorted(a & b if a and b else a | b)) or "none")' "$1" "${ONLY:-}"
}
long="fillrandom,readrandom"
writes="fillseq,fillbatch,fillrandom,overwrite,delete,ycsb_a,ycsb_b,readwhilewriting"

: >"$out/storage.jsonl"
"$program" machine --seconds 0.5 --directory "$scratch/db" >>"$out/storage.jsonl"
for ((round = 1; round <= rounds; ++round)); do
  for engine in $engines; do
    class=os
    [ "$engine" = wiredtiger ] && class=process
    echo "round $round of $rounds: $engine" >&2
    if [ -n "${ONLY:-}" ]; then
      measure "$engine" "$class" "$rows" 100 "$round" "$ONLY"
    else
      measure "$engine" "$class" "$rows" 100 "$round"
    fi
    measure "$engine" "$class" "$rows_1k" 1024 "$round" "$(chosen "$long")"
    [ "$engine" = nexadb ] || continue
    measure nexadb process "$rows" 100 "$round" "$(chosen "$writes")"
    measure nexadb process "$rows_1k" 1024 "$round" "$(chosen fillrandom)"
  done
done
python3 bench/storage/table.py "$out/storage.jsonl"
