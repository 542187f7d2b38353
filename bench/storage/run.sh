#!/usr/bin/env bash
# Measures this project's storage engine beside its peers and prints the table. scripts/bench.sh
# builds and calls it; by hand:
#   NEXADB_BUILD_DIR=build/release bench/storage/run.sh [--quick] [--curve] [--curve-seconds N]
# First the table of workloads, then the curve: what a store costs at 1, 3, 10 and 30 million rows.
# --quick: fewer rows, one round, under ten minutes. --curve: the curve alone. --curve-seconds: the
# time box of the curve, for each engine: a size that would not fit is left out (1200; --quick: 20;
# 0: no curve). Environment:
#   BENCH_OUT=DIR     keeps the measurements as DIR/storage.jsonl and DIR/storage_curve.jsonl
#   BENCH_SCRATCH     where databases are made: a disk, not a tmpfs; default /var/tmp
#   ENGINES="nexadb rocksdb"  ROUNDS=3  ROWS=1000000  ROWS_1K=300000  SECS=3  OVERWRITE_SECS=600
#   CURVE_ROWS="1000000 3000000"
#   ONLY=workload,…   see bench/storage/workloads.cc
#
# Rounds are the outer loop, so that a noisy minute does not hit one engine alone. An engine runs in
# the durability class that its log has: WiredTiger's is buffered in the process, the others' are
# written before the answer. Ours runs in both. fillsync is in the class disk for all.
set -euo pipefail
cd "$(dirname "$0")/../.."

rounds=${ROUNDS:-3} rows=${ROWS:-1000000} rows_1k=${ROWS_1K:-300000} seconds=${SECS:-3}
overwrite=${OVERWRITE_SECS:-600}
curve_seconds=1200 curve_only=
while [ $# -gt 0 ]; do
  case $1 in
    --quick)
      rounds=${ROUNDS:-1} rows=${ROWS:-200000} rows_1k=${ROWS_1K:-60000} seconds=${SECS:-1}
      overwrite=${OVERWRITE_SECS:-0} curve_seconds=20 ;;
    --curve) curve_only=yes ;;
    --curve-seconds) curve_seconds=$2; shift ;;
    *) echo "run.sh: unknown option $1; see the top of the script" >&2; exit 2 ;;
  esac
  shift
done

program=${NEXADB_BUILD_DIR:-build/release}/bench/storage-bench
scratch=$(mktemp -d "${BENCH_SCRATCH:-/var/tmp}/nexadb-bench-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
out=${BENCH_OUT:-$scratch}
mkdir -p "$out"
engines=${ENGINES:-$("$program" --engines)}

# A size takes about as much longer than the one before as it is larger, and half as much again.
curve() {
  : >"$out/storage_curve.jsonl"
  for engine in $engines; do
    local begin=$SECONDS rows_before=0 took=0
    for size in ${CURVE_ROWS:-1000000 3000000 10000000 30000000}; do
      if [ "$rows_before" != 0 ] &&
        (( SECONDS - begin + took * size / rows_before * 3 / 2 > curve_seconds )); then
        echo "curve: $engine: $size rows and more would not fit into $curve_seconds s" >&2
        break
      fi
      echo "curve: $engine, $size rows" >&2
      took=$SECONDS
      "$program" "$engine" --rows "$size" --only curve --directory "$scratch/db" \
        >>"$out/storage_curve.jsonl"
      took=$((SECONDS - took)) rows_before=$size
    done
  done
  python3 bench/storage/curve.py "$out/storage_curve.jsonl"
}
if [ -n "$curve_only" ]; then
  curve
  exit 0
fi

measure() {  # ENGINE CLASS ROWS VALUE_BYTES ROUND [WORKLOADS]
  [ "${6:-}" != none ] || return 0
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
[ "$curve_seconds" = 0 ] || curve
