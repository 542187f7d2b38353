#!/usr/bin/env bash
# Installs, builds and runs every test; ends with ctest's summary of the release preset.
#   scripts/test.sh [--quick]
# --quick leaves the sanitizer runs out. The sanitizers run unit, integration and crash tests:
# ASan+UBSan for memory and arithmetic, TSan for races.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

quick=false
[ "${1:-}" = "--quick" ] && quick=true

stage() { printf '\n== %s (%ss)\n' "$1" "$SECONDS"; }
jobs=$(nproc)

# preset build-options... -- ctest-options...
run_preset() {
  local preset=$1 options=()
  shift
  while [ "$1" != "--" ]; do options+=("$1"); shift; done
  shift
  stage "$preset: build"
  cmake --preset "$preset" "${options[@]}" >"build/$preset.configure.log" || {
    cat "build/$preset.configure.log"
    return 1
  }
  cmake --build --preset "$preset"
  stage "$preset: tests"
  ctest --preset "$preset" --no-tests=error -j "$jobs" "$@"
}

stage "packages and data"
need_packages "${build_packages[@]}" "${test_packages[@]}" "${package_packages[@]}"
mkdir -p build
scripts/test_data.sh
scripts/node.sh
for folder in tests/browser plugins/admin-ui/web; do
  stamp=$folder/node_modules/.package-lock.json
  [ "$stamp" -nt "$folder/package-lock.json" ] || build/tools/npm ci --no-audit --no-fund --silent --prefix "$folder"
done

if ! $quick; then
  run_preset asan -DNEXADB_TESTS=ON -- -L 'unit|integration|crash|fuzz' -LE 'slow'
  run_preset tsan -DNEXADB_TESTS=ON -- -L 'unit|integration' -LE 'slow|single-threaded'
fi
run_preset release -DNEXADB_TESTS=ON -DNEXADB_BENCH=ON -- -LE 'long'
