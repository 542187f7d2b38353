#!/usr/bin/env bash
# Looks over the C++ files that changed since a commit: format, then clang-tidy's bug patterns.
#   scripts/tidy.sh [COMMIT | --all]      the default commit is origin/main
# Reads how files are compiled from build/release, which must be configured. Takes about three
# seconds a file, which is why no test runs it over the whole tree.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
need_packages clang-format-14 clang-tidy-14

since=${1:-origin/main}
compiled=build/release
[ -f "$compiled/compile_commands.json" ] || cmake --preset release -DNEXADB_TESTS=ON >/dev/null

if [ "$since" = "--all" ]; then
  mapfile -t files < <(git ls-files '*.cc' '*.h')
else
  mapfile -t files < <(git diff --name-only --diff-filter=d "$since" -- '*.cc' '*.h')
fi
[ ${#files[@]} -gt 0 ] || { echo "no C++ file changed since $since"; exit 0; }

clang-format-14 --dry-run -Werror "${files[@]}"
# Headers are looked at through the files that include them.
sources=()
for file in "${files[@]}"; do
  [[ $file == *.cc ]] && grep -qF "/$file\"" "$compiled/compile_commands.json" && sources+=("$file")
done
[ ${#sources[@]} -gt 0 ] || exit 0
printf '%s\n' "${sources[@]}" |
  xargs -P "$(nproc)" -n 4 clang-tidy-14 -quiet -p "$compiled" --extra-arg=-Wno-unknown-warning-option 2>/dev/null
echo "${#files[@]} files are in order"
