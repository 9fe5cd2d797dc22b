/** The completion script for bash: tables as `case` statements, then one function that walks the line. */

import type { Completion } from "../options.ts";
import { DYNAMIC, type Grammar, type Place, quote, spellings, valued } from "./completion.ts";

/** What a value or an argument completes to: `=a b c` is a list, a word is a kind, nothing is file names. */
function kind(complete: Completion | undefined, grammar: Grammar): string {
  if (complete === undefined || complete === "file") return "";
  if (complete === "command") return `=${(grammar.places[0]?.words ?? []).map(([name]) => name).join(" ")}`;
  return typeof complete === "string" ? complete : `=${complete.join(" ")}`;
}

function values(place: Place, grammar: Grammar): string {
  return valued(place.options).map(([typed, complete]) => {
    const patterns = typed.map((option) => quote(`${place.path.join(" ")} ${option}`)).join("|");
    return `    ${patterns}) REPLY=${quote(kind(complete, grammar))} ;;\n`;
  }).join("");
}

/** A `case` statement over places. */
function table(grammar: Grammar, entry: (place: Place) => string): string {
  return grammar.places.map((place) => `    ${quote(place.path.join(" "))}) REPLY=${quote(entry(place))} ;;\n`).join(
    "",
  );
}

export function bashScript(grammar: Grammar): string {
  const words = (place: Place) =>
    place.words.length > 0 ? `=${place.words.map(([name]) => name).join(" ")}` : kind(place.complete, grammar);
  return `# Completion of flux for bash. In ~/.bashrc: eval "$(flux completion bash)"

# The options at a place: REPLY.
_flux_options() {
  REPLY=
  case $1 in
${table(grammar, (place) => spellings(place.options).join(" "))}  esac
}

# What the value of option $2 at place $1 is; fails for an option without a value.
_flux_value() {
  REPLY=
  case "$1 $2" in
${grammar.places.map((place) => values(place, grammar)).join("")}    *) return 1 ;;
  esac
}

# What comes at a place behind the options: REPLY.
_flux_words() {
  REPLY=
  case $1 in
${table(grammar, words)}  esac
}

# What only a broker knows; no word of it is expanded. Behind a directory of keys there is no blank.
_flux_ask() {
  local line
  while IFS= read -r line; do
    [[ $line == "$2"* ]] && COMPREPLY+=("$line")
  done < <(flux __complete "$1" "$2" 2>/dev/null)
  [[ $1 == key && \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *. ]] && compopt -o nospace 2>/dev/null
}

# Candidates of kind $1 that begin with $2. None: bash offers file names.
_flux_candidates() {
  case $1 in
    =*) COMPREPLY=($(compgen -W "\${1#=}" -- "$2")) ;;
    ${DYNAMIC.join("|")}) _flux_ask "$1" "$2" ;;
    directory) compopt -o dirnames 2>/dev/null ;;
  esac
}

_flux() {
  local REPLY place= pending= stop= glue= valued= prefix= word i
  local -a line=()
  COMPREPLY=()
  # bash breaks --name=value into three words.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $word == = && \${#line[@]} -gt 0 && \${line[\${#line[@]} - 1]} == --* ]]; then
      line[\${#line[@]} - 1]+==
      glue=1
    elif [[ $glue ]]; then
      line[\${#line[@]} - 1]+=$word
      glue=
    else
      line+=("$word")
    fi
  done
  for ((i = 0; i < \${#line[@]} - 1; i++)); do
    word=\${line[i]}
    if [[ $valued ]]; then
      valued=
    elif [[ $stop || $word == --*=* ]]; then
      continue
    elif [[ $word == -- ]]; then
      stop=1
    elif [[ $word == --* ]]; then
      _flux_value "$place" "$word" && valued=1 pending=$REPLY
    elif [[ $word == -?* ]]; then
      word=\${word#-}
      while [[ $word ]]; do
        if _flux_value "$place" "-\${word:0:1}"; then
          [[ \${#word} -eq 1 ]] && valued=1 pending=$REPLY
          break
        fi
        word=\${word:1}
      done
    else
      _flux_options "\${place:+$place }$word"
      if [[ $REPLY ]]; then
        place=\${place:+$place }$word
      else
        stop=1
      fi
    fi
  done
  word=\${line[\${#line[@]} - 1]}
  if [[ $valued ]]; then
    _flux_candidates "$pending" "$word"
  elif [[ ! $stop && $word == --*=* ]]; then
    _flux_value "$place" "\${word%%=*}" || return 0
    _flux_candidates "$REPLY" "\${word#*=}"
    if [[ \${COMP_WORDS[COMP_CWORD]} == --*=* ]]; then
      prefix=\${word%%=*}=
      COMPREPLY=("\${COMPREPLY[@]/#/$prefix}")
    fi
  elif [[ ! $stop && $word == -* ]]; then
    _flux_options "$place"
    COMPREPLY=($(compgen -W "$REPLY" -- "$word"))
  else
    _flux_words "$place"
    _flux_candidates "$REPLY" "$word"
  fi
}

complete -o bashdefault -o default -F _flux flux`;
}
