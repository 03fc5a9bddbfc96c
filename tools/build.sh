#!/bin/sh
# Compiles the sources to dist/ and copies what they read beside themselves.
set -eu
cd "$(dirname -- "$0")/.."
rm -rf dist
tsc -p tsconfig.build.json
find adapters -name '*.sql' -o -name '*.lua' | tar -cf - -T - | tar -xf - -C dist
