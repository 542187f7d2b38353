#!/usr/bin/env bash
# Measures. Builds the release preset with its benchmarks and prints them.
#   scripts/bench.sh [storage|database|vector|...]... [--quick] [--out DIR]
# Without a suite, all of them. --quick measures for a tenth of the time. --out writes each suite's
# results as DIR/SUITE.jsonl, one line a measurement.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

suites=()
min_time=0.5
out=
while [ $# -gt 0 ]; do
  case $1 in
    --quick) min_time=0.05 ;;
    --out) out=$2; shift ;;
    -*) echo "bench.sh: unknown option $1; see the top of the script" >&2; exit 2 ;;
    *) suites+=("$1") ;;
  esac
  shift
done

need_packages "${build_packages[@]}" libbenchmark-dev
cmake --preset release -DNEXADB_BENCH=ON >/dev/null
cmake --build --preset release --target benchmarks
if [ ${#suites[@]} -eq 0 ]; then
  for binary in build/release/bench/*-bench; do suites+=("$(basename "$binary" -bench)"); done
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for suite in "${suites[@]}"; do
  binary=build/release/bench/$suite-bench
  [ -x "$binary" ] || { echo "bench.sh: no suite '$suite'; there are: $(cd build/release/bench && echo *-bench | sed 's/-bench//g')" >&2; exit 2; }
  printf '\n== %s\n' "$suite"
  "$binary" --benchmark_min_time="$min_time" --benchmark_out="$scratch/$suite.json" --benchmark_out_format=json
  if [ -n "$out" ]; then
    mkdir -p "$out"
    python3 bench/to_jsonl.py "$suite" "$scratch/$suite.json" >"$out/$suite.jsonl"
  fi
done
