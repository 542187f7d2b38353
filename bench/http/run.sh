#!/usr/bin/env bash
# NexaDB over HTTP beside nginx, a bare epoll server and Redis, all driven from the same cores by the
# same clients (wrk, open_loop.cc, redis-benchmark). README.md says what is measured.
#   bench/http/run.sh [--quick] [--latency] [--stalled] [--stalled-beside-slow]
# --latency measures the figures of latency alone. --stalled and --stalled-beside-slow make our server
# stand still for 2 ms, 20 times a second, in the windows without slow clients and in those beside them: a
# run that does not call that a MISS measures nothing.
# Environment: NEXADB_BUILD_DIR, a release build with -DNEXADB_BENCH=ON (default build/release);
# BENCH_OUT, where http.jsonl goes. A client or peer that is not installed leaves its rows out.
set -euo pipefail
cd "$(dirname "$0")/../.."
export NEXADB_BUILD_DIR=${NEXADB_BUILD_DIR:-$PWD/build/release}
exec python3 -B bench/http/measure.py "$@"
