# Sourced by scripts/flux, scripts/test and scripts/deno with `root` set to the checkout: provides the pinned Deno, the
# packages and an up-to-date dist/flux. One line on stderr for each thing really done, none when all is there.
# shellcheck shell=sh disable=SC2034

. "$root/scripts/versions"

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "${0##*/}: $*"
  exit 1
}

case $(uname -sm) in
  "Linux x86_64") arch=x64 && sha256=$DENO_SHA256_x64 package=$DENO_PACKAGE_x64 version=$DENO_VERSION ;;
  "Linux aarch64") arch=arm64 && sha256=$DENO_SHA256_arm64 package=$DENO_PACKAGE_arm64 version=$DENO_VERSION_arm64 ;;
  *) fail "there is no build for $(uname -sm); Linux on x86_64 and aarch64 are supported" ;;
esac
store=$root/.deno
deno=$store/$version-$arch/deno

# The environment Deno does its work in; not for flux, which starts other people's programs.
deno_env() {
  # Certificate authorities of this machine count as well: a proxy may have its own.
  export DENO_TLS_CA_STORE="${DENO_TLS_CA_STORE:-mozilla,system}" DENO_NO_UPDATE_CHECK=1
  caches=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
  export DENO_DIR="${DENO_DIR:-${caches:-$store}/deno}"
}

# Runs "$@" while no other set-up of this checkout runs. The lock spares double work; nothing breaks without it.
alone() {
  mkdir -p "$store"
  if command -v flock >/dev/null 2>&1; then
    (flock 9 && deno_env && "$@") 9>"$store/lock" || exit
  else
    (deno_env && "$@") || exit
  fi
}

pinned() { printf '%s  %s\n' "$sha256" "$1" | sha256sum -c --status - 2>/dev/null; }

# Puts the pinned Deno into $store: the one on PATH if it is the same file, else out of its npm package.
fetch_deno() {
  [ -x "$deno" ] && return
  work=$(mktemp -d "$store/.fetch.XXXXXX") || fail "cannot write to $store"
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' HUP INT TERM
  name=$package@$version
  if on_path=$(deno eval 'console.log(Deno.execPath())' 2>/dev/null) && pinned "$on_path"; then
    ln "$on_path" "$work/deno" 2>/dev/null || cp "$on_path" "$work/deno" || fail "cannot write to $store"
    binary=$work/deno
  elif command -v npm >/dev/null 2>&1; then
    say "fetching Deno $version (npm package $package)"
    (cd "$work" && npm pack --silent "$name" >/dev/null 2>log && tar -xzf ./*.tgz) ||
      fail "npm cannot fetch $name: $(grep -v -m 1 -e warn -e code "$work/log")"
    binary=$work/package/deno
  elif [ -n "$on_path" ]; then
    say "fetching Deno $version (npm package $package, with the Deno on PATH)"
    DENO_DIR=$work deno cache --quiet --no-config --no-lock --node-modules-dir=none "npm:$name" 2>"$work/log" ||
      fail "deno cannot fetch npm:$name: $(grep -m 1 -i error "$work/log")"
    binary=$(find "$work" -type f -path "*/$version/deno")
  else
    fail "needs npm or deno on PATH, to fetch Deno $version"
  fi
  pinned "$binary" || fail "$name does not hold the pinned file (SHA-256 differs)"
  mkdir -p "${deno%/*}"
  chmod 755 "$binary"
  mv "$binary" "$deno"
}

use_deno() { [ -x "$deno" ] || alone fetch_deno; }

install_packages() {
  cmp -s "$root/deno.lock" "$root/node_modules/.installed.lock" && return
  say "fetching packages"
  (cd "$root" && "$deno" install --frozen --quiet >"$store/install.log" 2>&1) ||
    fail "deno install --frozen failed: $(grep -m 1 -i error "$store/install.log")"
  cp "$root/deno.lock" "$root/node_modules/.installed.lock.$$"
  mv "$root/node_modules/.installed.lock.$$" "$root/node_modules/.installed.lock"
}

use_packages() { cmp -s "$root/deno.lock" "$root/node_modules/.installed.lock" || alone install_packages; }

# What the executable is made of, with size and time of each file: a checkout that goes back in time counts, too.
sources() {
  (cd "$root" && find main.ts broker modules commands scripts/pack scripts/compile.ts scripts/versions deno.json deno.lock \
    -type f -exec stat -c '%n %s %y' {} +)
}

build_flux() {
  now=$(sources)
  [ -x "$root/dist/flux" ] && [ "$now" = "$(cat "$root/dist/.built-from" 2>/dev/null)" ] && return
  say "building dist/flux"
  (cd "$root" && "$deno" run -A --quiet scripts/compile.ts) || exit 1
  printf '%s\n' "$now" >"$root/dist/.built-from.$$" && mv "$root/dist/.built-from.$$" "$root/dist/.built-from"
}

use_flux() {
  [ -x "$root/dist/flux" ] && [ "$(sources)" = "$(cat "$root/dist/.built-from" 2>/dev/null)" ] || alone build_flux
}
