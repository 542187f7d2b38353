#!/usr/bin/env bash
# Installs what is missing, builds the release preset, and starts the database.
#   scripts/run.sh [--build] [kernel options...]
# --build stops after the build. Anything else goes to nexadb-kernel.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

build_only=false
if [ "${1:-}" = "--build" ]; then
  build_only=true
  shift
fi

need_packages "${build_packages[@]}"
[ -f build/release/build.ninja ] || cmake --preset release -DNEXADB_TESTS=OFF >/dev/null
cmake --build --preset release --target product
$build_only && exit 0
exec build/release/bin/nexadb-kernel --config config/nexadb.toml "$@"
