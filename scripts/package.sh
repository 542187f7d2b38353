#!/usr/bin/env bash
# Builds the Debian package of the release preset, and has lintian look at it.
#   scripts/package.sh [--boot]
# --boot also installs it in the smallest Debian there is, booted by systemd in a container: as root,
# two minutes (tests/integration/package_boot_test.py).
# The package stands in build/release afterwards; its path is the last line.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

need_packages "${build_packages[@]}" "${package_packages[@]}"
[ -f build/release/build.ninja ] || cmake --preset release -DNEXADB_TESTS=OFF >/dev/null
cmake --build --preset release --target product
(umask 022 && cd build/release && cpack -G DEB)
package=$(ls -t "$PWD"/build/release/nexadb_*.deb | head -1)
lintian --allow-root --fail-on error,warning "$package"
if [ "${1:-}" = --boot ]; then
  need_packages "${boot_packages[@]}"
  NEXADB_PACKAGE=$package PYTHONDONTWRITEBYTECODE=1 python3 tests/integration/package_boot_test.py
fi
echo "$package"
