#!/bin/sh
# Starts ado from this checkout, from any folder and through symbolic links; the first start sets the checkout up.
# Messages name the command as $ADO_LAUNCHER.
case $0 in */*) launcher=$0 ;; *) launcher=./$0 ;; esac
while [ -L "$launcher" ]; do
  target=$(readlink "$launcher")
  case $target in /*) launcher=$target ;; *) launcher=${launcher%/*}/$target ;; esac
done
ado_root=$(CDPATH='' cd -- "${launcher%/*}" && pwd -P) || exit 1
export ADO_LAUNCHER="$ado_root/ado"

. "$ado_root/tools/setup.sh"
# shellcheck disable=SC2086 # The flags are a list of words.
exec node $ado_node_flags "$ado_root/cli/main.ts" "$@"
