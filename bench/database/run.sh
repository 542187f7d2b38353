#!/usr/bin/env bash
# NexaDB's documents side by side with PostgreSQL's jsonb, SQLite's JSON, DuckDB, SurrealDB and
# mingo: the same documents, the same questions, in one run. README.md says what is measured.
#   bench/database/run.sh [--quick] [--documents N] [--rounds N] [--engines "nexadb sqlite ..."]
#   bench/database/run.sh --curve [--sizes "100000 1000000 10000000"]
# --curve: instead, how NexaDB's cost grows with the number of documents.
# Environment: NEXADB_BUILD_DIR, a release build with -DNEXADB_BENCH=ON (default build/release);
# BENCH_OUT, where database.jsonl goes; BENCH_SCRATCH, where the databases and the npm packages are.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=bench/database
build=${NEXADB_BUILD_DIR:-build/release}
scratch=${BENCH_SCRATCH:-/var/tmp/nexadb-bench-database}
documents=1000000
seconds=10
rounds=1
surreal=50000
curve=
sizes="100000 1000000 10000000"
engines="nexadb nexadb-disk nexadb-server nexadb-server-disk sqlite sqlite-disk postgres postgres-disk duckdb-json duckdb-columns mingo surrealdb"
while [ $# -gt 0 ]; do
  case $1 in
    --quick) documents=100000 seconds=2 surreal=10000 ;;
    --documents) documents=$2; shift ;;
    --rounds) rounds=$2; shift ;;
    --engines) engines=$2; shift ;;
    --curve) curve=yes ;;
    --sizes) sizes=$2; shift ;;
    *) echo "run.sh: unknown option $1; see the top of the script" >&2; exit 2 ;;
  esac
  shift
done

cmake --build "$build" --target database-side-by-side >&2
mkdir -p "$scratch" "${BENCH_OUT:=$scratch/out}"
if [ -n "$curve" ]; then
  results=$BENCH_OUT/database_curve.jsonl
  : >"$results"
  for size in $sizes; do
    "$build/bench/database-nexadb" "$scratch/nexadb" "$size" "$seconds" 1 os >>"$results"
  done
  exec python3 $here/table.py --curve "$results"
fi
results=$BENCH_OUT/database.jsonl
: >"$results"
"$build/bench/database-documents" "$documents" >"$scratch/documents.ndjson"
"$build/bench/database-documents" cities >"$scratch/cities.ndjson"

# Engines of npm are fetched once; without npm or the network they are left out.
packages() {
  cp $here/peers/package.json "$scratch/package.json"
  [ -d "$scratch/node_modules/mingo" ] || (cd "$scratch" && npm install --no-audit --no-fund --silent)
}
postgres() {
  local directory=$scratch/postgres pid status=0
  rm -rf "$directory"
  pid=$($here/peers/postgres.sh start "$directory")
  "$build/bench/database-postgres" "host=$directory port=15469 user=postgres dbname=postgres" \
    "$documents" "$seconds" "$2" "$1" "$pid" || status=$?
  $here/peers/postgres.sh stop "$directory"
  rm -rf "$directory"
  return $status
}
one() {  # engine round
  case $1 in
    nexadb) "$build/bench/database-nexadb" "$scratch/nexadb" "$documents" "$seconds" "$2" os ;;
    nexadb-disk) "$build/bench/database-nexadb" "$scratch/nexadb" "$documents" "$seconds" "$2" disk ;;
    nexadb-server) NEXADB_BUILD_DIR=$build python3 -B $here/peers/nexadb_server.py "$documents" "$seconds" "$2" os ;;
    nexadb-server-disk) NEXADB_BUILD_DIR=$build python3 -B $here/peers/nexadb_server.py "$documents" "$seconds" "$2" disk ;;
    sqlite) "$build/bench/database-sqlite" "$scratch/sqlite.db" "$documents" "$seconds" "$2" os ;;
    sqlite-disk) "$build/bench/database-sqlite" "$scratch/sqlite.db" "$documents" "$seconds" "$2" disk ;;
    postgres) postgres process "$2" ;;
    postgres-disk) postgres disk "$2" ;;
    surrealdb) packages && node $here/peers/node_driver.mjs "$1" "$scratch" "$surreal" "$seconds" "$2" ;;
    duckdb-* | mingo) packages && node $here/peers/node_driver.mjs "$1" "$scratch" "$documents" "$seconds" "$2" ;;
    *) echo "run.sh: no engine '$1'" >&2; return 2 ;;
  esac
}
for round in $(seq "$rounds"); do
  for engine in $engines; do
    echo "-- $engine, round $round" >&2
    one "$engine" "$round" >>"$results" || echo "run.sh: $engine failed and is left out" >&2
  done
done
rm -f "$scratch"/sqlite.db*
python3 $here/table.py "$results"
