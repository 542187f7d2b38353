#!/usr/bin/env bash
# NexaDB over HTTP beside nginx, a bare epoll server and Redis, all driven from the same cores by the
# same clients (wrk, h2load, redis-benchmark). README.md says what is measured.
#   bench/http/run.sh [--quick]
# Environment: NEXADB_BUILD_DIR, a release build with -DNEXADB_BENCH=ON (default build/release);
# BENCH_OUT, where http.jsonl goes. A client or peer that is not installed leaves its rows out.
set -euo pipefail
cd "$(dirname "$0")/../.."
export NEXADB_BUILD_DIR=${NEXADB_BUILD_DIR:-$PWD/build/release}
exec python3 -B bench/http/measure.py "$@"
