#!/usr/bin/env bash
# Tests for as long as you like, with seeds that nobody has played before.
#   scripts/torture.sh soak [minutes]   (default 60)
# keeps a server under mixed load; fails when a request does, or when memory, descriptors or disk grow
# (tests/integration/soak_test.py).
#   scripts/torture.sh [minutes]        (default 10)
# looks for lost writes.
# In turns: power cuts, kills and failing syncs of the storage on the simulated machine (tests/crash),
# one history under eight option sets (metamorphic), concurrent transactions checked as a whole
# (isolation), flipped bits in every kind of file (integrity), kill -9 of a running NexaDB under load.
# At the end faults are planted into the engine, and the seeds must catch them. The first failure ends
# it and prints the seed that shows it again. NEXADB_BUILD_DIR names the build (default
# build/release), NEXADB_SEED the first seed (default: the clock).
set -euo pipefail
cd "$(dirname "$0")/.."

build=$(realpath -m "${NEXADB_BUILD_DIR:-build/release}")   # tests start programs from folders of their own
if [ "${1:-}" = soak ]; then
  export NEXADB_BUILD_DIR=$build PYTHONDONTWRITEBYTECODE=1 NEXADB_SOAK_S=$((${2:-60} * 60))
  exec python3 tests/integration/soak_test.py
fi
minutes=${1:-10}
seed=${NEXADB_SEED:-$(date +%s)}
histories=200     # of each turn; some seconds
metamorphic=5
kill_rounds=3
for program in lsm_crash lsm_metamorphic_test lsm_isolation_test lsm_integrity_test lsm_mutants; do
  [ -x "$build/tests/$program" ] || {
    echo "$build/tests/$program is missing: build it, or set NEXADB_BUILD_DIR" >&2
    exit 2
  }
done

end=$((SECONDS + minutes * 60))
first=$seed played=0 compared=0 isolation=0 flips=0 kills=0 turns=0
export NEXADB_BUILD_DIR=$build PYTHONDONTWRITEBYTECODE=1

# Runs a command silently; when it fails, shows what it said.
quietly() {
  local said
  said=$("$@" 2>&1) || {
    printf '%s\nFAILED (seed %s): %s\n' "$said" "$seed" "$*" >&2
    exit 1
  }
}

while [ "$SECONDS" -lt "$end" ]; do
  quietly "$build/tests/lsm_crash" --first="$seed" --seeds="$histories"
  played=$((played + histories))
  quietly env NEXADB_SEED="$seed" NEXADB_TORTURE_SEEDS="$metamorphic" \
    "$build/tests/lsm_metamorphic_test"
  compared=$((compared + metamorphic))
  quietly env NEXADB_SEED="$seed" "$build/tests/lsm_isolation_test"
  isolation=$((isolation + 50))   # 25 at each level
  quietly env NEXADB_SEED="$seed" "$build/tests/lsm_integrity_test"
  flips=$((flips + 400))          # 100 in each of four kinds of file
  if [ -x "$build/bin/nexadb-kernel" ]; then
    quietly env NEXADB_SEED="$seed" NEXADB_KILL_ROUNDS="$kill_rounds" \
      python3 tests/integration/kill_test.py
    kills=$((kills + kill_rounds))
  fi
  seed=$((seed + histories)) turns=$((turns + 1))
done
mutants=$("$build/tests/lsm_mutants" --first="$seed" --seeds=200 --must-catch=13) || {
  printf '%s\nFAILED (seed %s): too few planted faults are caught\n' "$mutants" "$seed" >&2
  exit 1
}
printf '%s\n' "$mutants"
printf 'turns=%d first_seed=%d crash_histories=%d metamorphic_histories=%d isolation_histories=%d bit_flips=%d kill_rounds=%d broken=0 seconds=%d\n' \
  "$turns" "$first" "$played" "$compared" "$isolation" "$flips" "$kills" "$SECONDS"
