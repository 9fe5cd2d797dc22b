/** The completion script for zsh: the tables as `case` statements, descriptions included. */

import type { Completion } from "../options.ts";
import { DYNAMIC, type Grammar, type Place, quote, valued } from "./completion.ts";
import { sortedOptions } from "./layout.ts";

/** The command that adds the candidates of a kind. */
function action(complete: Completion | undefined, grammar: Grammar): string {
  if (complete === undefined || complete === "file") return "_files";
  if (complete === "directory") return "_files -/";
  if (complete === "command") return described("command", grammar.places[0]?.words ?? []);
  if (typeof complete === "string") return `_flux_ask ${complete}`;
  return `compadd -- ${complete.map(quote).join(" ")}`;
}

/** `_describe` with a list of its own. */
function described(tag: string, entries: readonly (readonly [string, string])[]): string {
  const list = entries.map(([name, text]) => quote(`${name.replaceAll(":", "\\:")}:${text}`)).join(" ");
  return `list=(${list}); _describe ${tag} list`;
}

function options(place: Place): string {
  const entries = sortedOptions(place.options).flatMap(([name, { short, help }]): [string, string][] => [
    ...(short ? [[`-${short}`, help] as [string, string]] : []),
    [`--${name}`, help],
  ]);
  return described("-o option", entries);
}

function values(place: Place, grammar: Grammar): string {
  return valued(place.options).map(([typed, complete]) => {
    const patterns = typed.map((option) => quote(`${place.path.join(" ")} ${option}`)).join("|");
    return `    ${patterns}) [[ -n $3 ]] || { ${action(complete, grammar)} } ;;\n`;
  }).join("");
}

function table(grammar: Grammar, entry: (place: Place) => string): string {
  return grammar.places.map((place) => `    ${quote(place.path.join(" "))}) ${entry(place)} ;;\n`).join("");
}

export function zshScript(grammar: Grammar): string {
  const words = (place: Place) =>
    place.words.length > 0 ? described("command", place.words) : action(place.complete, grammar);
  const next = (place: Place) => `reply=(${place.words.map(([name]) => quote(name)).join(" ")})`;
  return `#compdef flux
# Completion of flux for zsh. In ~/.zshrc, after compinit: eval "$(flux completion zsh)"

# What only a broker knows: ${DYNAMIC.join(", ")}.
_flux_ask() {
  local -a after
  [[ $1 == key ]] && after=(-S '')
  compadd $after -- \${(f)"$(flux __complete $1 $PREFIX 2>/dev/null)"}
}

_flux_options() {
  local -a list
  case $1 in
${table(grammar, options)}  esac
}

# Adds values for option $2 at place $1, or with $3 only tells whether it takes one.
_flux_value() {
  local -a list
  case "$1 $2" in
${grammar.places.map((place) => values(place, grammar)).join("")}    *) return 1 ;;
  esac
  return 0
}

# The commands that may come at a place: reply.
_flux_next() {
  reply=()
  case $1 in
${table(grammar, next)}  esac
}

_flux_words() {
  local -a list
  case $1 in
${table(grammar, words)}  esac
}

_flux() {
  local place= option= stop= word
  local -a reply
  integer i
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]}
    if [[ -n $option ]]; then
      option=
    elif [[ -n $stop || $word == --*=* ]]; then
      continue
    elif [[ $word == -- ]]; then
      stop=1
    elif [[ $word == --* ]]; then
      _flux_value "$place" "$word" 1 && option=$word
    elif [[ $word == -?* ]]; then
      word=\${word#-}
      while [[ -n $word ]]; do
        if _flux_value "$place" "-\${word[1]}" 1; then
          (( \${#word} == 1 )) && option=-$word
          break
        fi
        word=\${word[2,-1]}
      done
    else
      _flux_next "$place"
      if (( \${reply[(Ie)$word]} )); then
        place=\${place:+$place }$word
      else
        stop=1
      fi
    fi
  done
  word=\${words[CURRENT]}
  if [[ -n $option ]]; then
    _flux_value "$place" "$option"
  elif [[ -z $stop && $word == --*=* ]]; then
    option=\${word%%=*}
    compset -P '*='
    _flux_value "$place" "$option"
  elif [[ -z $stop && $word == -* ]]; then
    _flux_options "$place"
  else
    _flux_words "$place"
  fi
}

if [[ $funcstack[1] == _flux ]]; then
  _flux "$@"
else
  compdef _flux flux
fi`;
}
