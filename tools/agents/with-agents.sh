#!/bin/sh
# Runs COMMAND where the vendors' coding agents are installed: about 900 MB in ado's cache folder, once. Those that cannot
# be had are missing to COMMAND, which says so.
#
#   sh tools/agents/with-agents.sh COMMAND…
set -eu

for agent in claude-code codex gemini; do
  ./ado agents install "$agent" >&2 || printf 'ado: without %s\n' "$agent" >&2
done
exec "$@"
