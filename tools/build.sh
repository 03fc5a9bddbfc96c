#!/bin/sh
# Compiles the sources to FOLDER (default: dist), with all that the programs read beside themselves: SQL, Lua and the
# workflows as one file. Node.js runs the programs from there without the development dependencies.
#
#   sh tools/build.sh [FOLDER]
set -eu
cd "$(dirname -- "$0")/.."
out=${1:-dist}
rm -rf "$out"
tsc -p tsconfig.build.json --outDir "$out"
find adapters -name '*.sql' -o -name '*.lua' | tar -cf - -T - | tar -xf - -C "$out"
chmod +x "$out/cli/main.js"
node tools/bundle-workflows.mjs "$out"
