#!/bin/sh
# flux @VERSION@ for linux-@ARCH@, one executable: this script, then a gzip'd tar archive in two parts, runtime and program.
# It unpacks itself once into a cache directory (FLUX_CACHE_DIR, else XDG_CACHE_HOME/flux, else ~/.cache/flux, else one
# under TMPDIR) and runs from there. A start that finds everything in place runs no other command before the program.
id=@ID@ runtime=@RUNTIME@ runtime_at=@RUNTIME_AT@ program_at=@PROGRAM_AT@ megabytes=@MEGABYTES@
files='@FILES@'
foreign='@FOREIGN@'

die() {
  printf 'flux: %s\n' "$*" >&2
  exit 126
}

# Every file there, not empty, and untouched since the stamp, which was written after the last of them.
complete() {
  stamp=$1/.runtime-$runtime
  [ -f "$stamp" ] || return 1
  for file in $files; do
    [ -s "$1/$file" ] && [ ! "$1/$file" -nt "$stamp" ] || return 1
  done
}

# Calls $1 with `cache` set to each directory that may serve, best first, until a call succeeds.
each_place() {
  shared=
  if [ -n "${FLUX_CACHE_DIR:-}" ]; then
    case $FLUX_CACHE_DIR in /*) cache=$FLUX_CACHE_DIR ;; *) cache=$PWD/$FLUX_CACHE_DIR ;; esac
    "$1"
    return
  fi
  case ${XDG_CACHE_HOME:-} in /*) cache=$XDG_CACHE_HOME/flux && "$1" && return ;; esac
  case ${HOME:-} in /*) cache=$HOME/.cache/flux && "$1" && return ;; esac
  cache=${TMPDIR:-/tmp}/flux-cache-$(id -u)
  shared=1
  "$1"
}

# A directory in a world-writable place serves only if nobody else can have put it there.
trusted() { [ -z "$shared" ] || { [ -d "$cache" ] && [ ! -L "$cache" ] && [ -O "$cache" ]; }; }

present() {
  dir=$cache/$id
  trusted && complete "$dir"
}

# Removes versions unused for 30 days, beyond the newest three, and never one that a process of this machine runs from.
prune() {
  find "$cache" -maxdepth 1 -name '.unpack.*' -mmin +10 -exec rm -rf {} + 2>/dev/null
  ls -1td "$cache"/*/.runtime-* 2>/dev/null | tail -n +4 | while read -r stamp; do
    old=${stamp%/.runtime-*}
    [ -z "$(find "$old" -mtime -30 -print 2>/dev/null)" ] || continue
    ls -l /proc/[0-9]*/exe 2>/dev/null | grep -qF " $old/" && continue
    rm -rf "$old"
  done
}

# Unpacks into $cache/$id: under another name, then renamed, so that nobody ever sees half of it. The lock only spares
# others the same work; the kernel drops it when its holder dies, and without flock everything is still safe.
# Fails when the cache directory cannot be written; ends the program when unpacking fails.
unpack() {
  dir=$cache/$id
  umask 077
  [ -z "${FLUX_CACHE_DIR:-}" ] || umask 022
  mkdir -p "$cache" 2>/dev/null
  [ -d "$cache" ] && [ -w "$cache" ] && [ -x "$cache" ] && trusted || return 1
  (
    if command -v flock >/dev/null 2>&1 && { : >>"$cache/.lock"; } 2>/dev/null; then
      exec 9>>"$cache/.lock"
      flock -w 60 9 2>/dev/null
    fi
    complete "$dir" && exit 0
    next="set FLUX_CACHE_DIR to another directory"
    work=$(mktemp -d "$cache/.unpack.XXXXXX" 2>/dev/null) || die "cannot create a directory in $cache; $next"
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' HUP INT TERM
    [ -z "${FLUX_CACHE_DIR:-}" ] || chmod 755 "$work"
    from=$runtime_at
    for stamp in "$cache"/*/".runtime-$runtime"; do
      other=${stamp%/*}
      if [ -f "$stamp" ] && [ -s "$other/flux" ] && [ ! "$other/flux" -nt "$stamp" ] &&
        ln "$other/flux" "$work/flux" 2>/dev/null; then
        from=$program_at
        break
      fi
    done
    why=$({ tail -c "+$from" "$self" | { gzip -dc && : >"$work/.whole"; } | tar -xof - -C "$work"; } 2>&1) || why=${why:-tar failed}
    if [ -n "$why" ] || ! [ -f "$work/.whole" ] || ! : >"$work/.runtime-$runtime" || ! complete "$work"; then
      case $why in
        *[Nn]o\ space* | *[Qq]uota*) die "no room in $cache to unpack $megabytes MB; $next" ;;
        *) die "cannot unpack $self into $cache ($(printf '%s\n' "${why:-it is not complete}" | grep -m 1 .)); is the file whole?" ;;
      esac
    fi
    rm -f "$work/.whole"
    # Somebody who could not lock may have been faster; what is there and damaged makes room.
    complete "$dir" && exit 0
    [ -e "$dir" ] && mkdir "$work.old" && mv "$dir" "$work.old/" 2>/dev/null
    mv "$work" "$dir" || die "cannot rename $work to $dir"
    rm -rf "$dir/${work##*/}" "$work.old" 2>/dev/null
    prune
    exit 0
  ) || exit
}

# This file, as an absolute path without symbolic links: what a session re-executes.
self=$0
case $self in */*) ;; *) self=./$self ;; esac
while [ -L "$self" ]; do
  link=$(readlink "$self")
  case $link in /*) self=$link ;; *) self=${self%/*}/$link ;; esac
done
self=$(CDPATH='' cd -P -- "${self%/*}/" && pwd -P)/${self##*/}

each_place present || each_place unpack || die "cannot write to $cache, or it is not yours; set FLUX_CACHE_DIR to another directory"
[ -x "$dir/flux" ] || die "$cache is on a file system that runs no programs (noexec); set FLUX_CACHE_DIR to another directory"

[ -d "${PWD:-}" ] || die "the current directory is gone, and nothing runs there; change to another one"

# What the user set for Deno is not for this program: put aside here, put back by the program for those it starts.
kept=
for name in $foreign; do
  eval "[ -n \"\${$name+set}\" ]" || continue
  eval "export FLUX_KEPT_$name=\"\$$name\""
  unset "$name"
  kept="$kept $name"
done
[ -z "$kept" ] || export FLUX_KEPT="$kept"

# Some shells (dash) drop variables whose names are no identifiers, and bash exports functions as such. They are put aside for
# programs that are started from here; a broker has them from `flux start`. No other command is worth the time that takes.
case ${BASH_VERSION:+passes}${FLUX_KEPT_REST+kept}${1:-} in
  start | env | exec | wreckrun | submit | zio)
    FLUX_KEPT_REST=$({ grep -az '^[^=]*[^A-Za-z0-9_=]' "/proc/$$/environ" | tr '\0' '\036'; } 2>/dev/null)
    [ -n "$FLUX_KEPT_REST" ] && export FLUX_KEPT_REST
    ;;
esac

# The runtime's own caches (parsed modules, compiled code) are per machine, since a shared home is no place for them.
read -r host </proc/sys/kernel/hostname
if [ -w "$dir" ]; then DENO_DIR=$dir/run-$host; else DENO_DIR=/dev/null/none; fi
FLUX_SELF=$self DENO_NO_PACKAGE_JSON=1 DENO_NO_UPDATE_CHECK=1
export FLUX_SELF DENO_DIR DENO_NO_PACKAGE_JSON DENO_NO_UPDATE_CHECK
exec "$dir/flux" run @FLAGS@ "$dir/main.js" "$@"
