#!/bin/sh
# Makes sure that programs for testing the chart are there, and prints their paths, one a line.
#
#   sh tools/kube/get-tools.sh [helm] [kubectl] [etcd] [promtool] [control-plane]     default: all
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P) || exit 1
exec sh "$here/../setup.sh" node "$here/get-tools.ts" "$@"
