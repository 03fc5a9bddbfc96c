#!/bin/sh
# Runs COMMAND where `docker` reaches an engine: the one that is there, else, as root on Debian, one of Debian's own
# packages, which is started for the time of COMMAND. Where neither can be had COMMAND runs all the same, and skips.
#
#   sh tools/image/with-engine.sh COMMAND…
#
# The engine has no network of its own and reaches no registry: images are built and run with --network=host, and the base
# image is made here out of Debian's packages and this machine's Node.js and npm, under the name that the Dockerfile asks
# for. The first start takes one to three minutes; $ADO_CACHE (default: ado/ in the user's cache folder) keeps all of it.
set -eu

base=node:24-bookworm-slim
cache=${ADO_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ado}/image-engine
# Changed when what is unpacked or made below changes.
programs=$cache/programs-1

engine='' work=''

say() { printf 'ado: %s\n' "$*" >&2; }

stop() {
  trap - EXIT
  if [ -n "$engine" ]; then
    kill "$engine" 2>/dev/null || true
    wait "$engine" || true
  fi
  if [ -n "$work" ]; then
    umount "$work"/exec/netns/* 2>/dev/null || true
    rm -rf "$work"
  fi
}

# without REASON COMMAND…: runs COMMAND with no engine.
without() {
  say "no Docker engine: $1"
  stop
  unset DOCKER_HOST
  shift
  exec "$@"
}

# Unpacked, not installed: this machine's services stay as they are.
get_programs() {
  [ ! -d "$programs" ] || return 0
  say 'fetching a Docker engine and debootstrap from Debian …'
  rm -rf "$programs.partial"
  mkdir -p "$programs.partial/packages"
  (cd "$programs.partial/packages" && apt-get download docker.io containerd runc debootstrap) >&2 || return 1
  for package in "$programs.partial"/packages/*.deb; do dpkg -x "$package" "$programs.partial" || return 1; done
  rm -r "$programs.partial/packages"
  mv "$programs.partial" "$programs"
}

# Debian, Node.js and npm, with the certificate authorities that this machine trusts.
make_base() {
  [ -z "$(docker images --quiet "$base")" ] || return 0
  say "making the base image $base …"
  root=$work/base
  npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
  DEBOOTSTRAP_DIR=$programs/usr/share/debootstrap "$programs/usr/sbin/debootstrap" --variant=minbase bookworm "$root" \
    >"$work/debootstrap.log" 2>&1 || { tail -n 5 "$work/debootstrap.log" >&2 && return 1; }
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  mkdir -p "$root/usr/local/lib/node_modules"
  cp -L "$(command -v node)" "$root/usr/local/bin/node"
  cp -a "$npm" "$root/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  cp "${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}" "$root/usr/local/share/certificates.crt"
  tar -C "$root" -cf - . | docker import \
    --change 'ENV NODE_EXTRA_CA_CERTS=/usr/local/share/certificates.crt' \
    --change "ENV npm_config_registry=$(npm config get registry)" - "$base" >/dev/null
  rm -rf "$root"
}

if docker info >/dev/null 2>&1; then exec "$@"; fi
[ "$(id -u)" -eq 0 ] || without 'none is running, and only root can start one' "$@"
command -v apt-get >/dev/null || without 'none is running, and only Debian has one to be unpacked here' "$@"

mkdir -p "$cache"
# One at a time: two engines cannot share the folder of images. Whoever holds the lock ends with this script.
exec 9>"$cache/lock"
flock 9
get_programs || without 'Debian does not hand its packages out' "$@"
PATH=$programs/usr/bin:$programs/usr/sbin:$PATH
work=$(mktemp -d)
trap stop EXIT
trap 'exit 130' INT TERM
DOCKER_HOST=unix://$work/docker.sock
export PATH DOCKER_HOST
dockerd --host "$DOCKER_HOST" --data-root "$cache/data" --exec-root "$work/exec" --pidfile "$work/docker.pid" \
  --iptables=false --ip6tables=false --bridge=none --storage-driver=overlay2 >"$cache/dockerd.log" 2>&1 9>&- &
engine=$!
waited=0
until docker info >/dev/null 2>&1; do
  waited=$((waited + 1))
  if [ "$waited" -gt 60 ] || ! kill -0 "$engine" 2>/dev/null; then
    tail -n 3 "$cache/dockerd.log" >&2
    without "dockerd does not start here; see $cache/dockerd.log" "$@"
  fi
  sleep 0.5
done
make_base || without 'the base image cannot be made' "$@"
status=0
"$@" 9>&- || status=$?
exit "$status"
