#!/usr/bin/env bash
# Fetches the real data that the integration tests load, into build/test-data. Nothing is fetched
# twice, and nothing that does not have the checksum below is used.
#   fiori-docs: 778 texts with their MiniLM embeddings, npm @sap-ux/fiori-docs-embeddings 1.2.6
#   (Apache-2.0). Debian's iso-codes and wordnet-base are installed as packages.
set -euo pipefail
cd "$(dirname "$0")/.."
data=build/test-data
archive=$data/fiori-docs-embeddings-1.2.6.tgz
sha512=5b3a4b1b77f2b333507b4c6a1f8a085217543f17d18e56d34b1266b1169b622b9d72d8f5fccebb36ccbc4440b40ce3b6d03136fbfbbca293b564b5dd216b1f04

mkdir -p "$data"
if [ ! -f "$data/fiori-docs/embeddings.bin" ]; then
  curl -fsS --retry 3 -o "$archive.part" \
    https://registry.npmjs.org/@sap-ux/fiori-docs-embeddings/-/fiori-docs-embeddings-1.2.6.tgz
  echo "$sha512  $archive.part" | sha512sum --check --quiet -
  mv "$archive.part" "$archive"
  rm -rf "$data/fiori-docs.part"
  mkdir "$data/fiori-docs.part"
  tar xzf "$archive" -C "$data/fiori-docs.part" --strip-components=3 package/data/embeddings
  mv "$data/fiori-docs.part" "$data/fiori-docs"
fi
