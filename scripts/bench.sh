#!/usr/bin/env bash
# Measures. Builds the release preset with its benchmarks and prints them.
#   scripts/bench.sh [storage|database|vector|...]... [--quick] [--out DIR] [--curve-seconds N]
# Without a suite, all of them. --quick measures for a tenth of the time. --out writes each suite's
# results as DIR/SUITE.jsonl, one line a measurement. --curve-seconds is the time box of the storage
# suite's cost curve, for each engine. A suite with bench/SUITE/run.sh compares with
# peers, which this script installs; the others are Google Benchmark programs of ours alone.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

suites=()
quick=
out=
curve=()
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=--quick ;;
    --out) out=$2; shift ;;
    --curve-seconds) curve=(--curve-seconds "$2"); shift ;;
    -*) echo "bench.sh: unknown option $1; see the top of the script" >&2; exit 2 ;;
    *) suites+=("$1") ;;
  esac
  shift
done
known=$(cd bench && for suite in */CMakeLists.txt */run.sh; do
  [ -e "$suite" ] && dirname "$suite"; done | sort -u)
[ ${#suites[@]} -gt 0 ] || mapfile -t suites <<<"$known"
for suite in "${suites[@]}"; do
  grep -qx "$suite" <<<"$known" ||
    { echo "bench.sh: no suite '$suite'; there are:" $known >&2; exit 2; }
done

need_packages "${build_packages[@]}" libbenchmark-dev
peers=OFF
for suite in "${suites[@]}"; do
  case $suite in
    storage) need_packages "${storage_peer_packages[@]}"; peers=ON ;;
    database) need_packages "${database_peer_packages[@]}" ;;
    http) need_packages "${http_peer_packages[@]}" ;;
  esac
done
cmake --preset release -DNEXADB_BENCH=ON -DNEXADB_BENCH_PEERS=$peers >/dev/null
cmake --build --preset release --target benchmarks
export NEXADB_BUILD_DIR=$PWD/build/release

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
[ -z "$out" ] || { mkdir -p "$out"; export BENCH_OUT=$(cd "$out" && pwd); }
for suite in "${suites[@]}"; do
  printf '\n== %s\n' "$suite"
  if [ -x "bench/$suite/run.sh" ]; then
    arguments=($quick)
    [ "$suite" != storage ] || arguments+=("${curve[@]}")
    "bench/$suite/run.sh" "${arguments[@]}"
    continue
  fi
  min_time=0.5
  [ -z "$quick" ] || min_time=0.05
  "build/release/bench/$suite-bench" --benchmark_min_time="$min_time" \
    --benchmark_out="$scratch/$suite.json" --benchmark_out_format=json
  [ -z "$out" ] ||
    python3 bench/to_jsonl.py "$suite" "$scratch/$suite.json" >"$out/$suite.jsonl"
done
