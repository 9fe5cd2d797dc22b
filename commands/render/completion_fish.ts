/** The completion script for fish: one `complete` line for each option and each list of words. */

import { type Completion, type OptionSpec, takesValue } from "../options.ts";
import { type Grammar, type Place, valued } from "./completion.ts";
import { sortedOptions } from "./layout.ts";

/** A string as one word of fish. */
function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

/** `-a` with the candidates of a kind and whether file names stay out; empty for file names. */
function candidates(complete: Completion | undefined, grammar: Grammar): string {
  if (complete === undefined || complete === "file") return "";
  if (complete === "directory") return " -f -a '(__fish_complete_directories)'";
  if (complete === "command") {
    return ` -f -a ${quoted((grammar.places[0]?.words ?? []).map(([name]) => name).join(" "))}`;
  }
  if (typeof complete === "string") return ` -f -a '(flux __complete ${complete} (commandline -ct) 2>/dev/null)'`;
  return ` -f -a ${quoted(complete.join(" "))}`;
}

export function fishScript(grammar: Grammar): string {
  const options = (place: Place, [name, spec]: [string, OptionSpec]) => {
    const short = spec.short ? ` -s ${spec.short}` : "";
    const value = takesValue(spec) ? ` -r${candidates(spec.complete, grammar)}` : "";
    return `complete -c flux ${at(place)}${short} -l ${name}${value} -d ${quoted(spec.help)}\n`;
  };
  const words = (place: Place) => {
    if (place.words.length === 0) {
      const list = candidates(place.complete, grammar);
      return list ? `complete -c flux ${at(place)}${list}\n` : "";
    }
    return place.words.map(([name, summary]) =>
      `complete -c flux ${at(place)} -f -a ${quoted(name)} -d ${quoted(summary)}\n`
    ).join("");
  };
  const at = (place: Place) => `-n ${quoted(`__flux_at "${place.path.join(" ")}"`)}`;
  const taking = grammar.places.flatMap((place) =>
    valued(place.options).flatMap(([typed]) => typed.map((option) => quoted(`${place.path.join(" ")} ${option}`)))
  );
  const places = grammar.places.map((place) => quoted(place.path.join(" ")));
  return `# Completion of flux for fish. In config.fish: flux completion fish | source

set -g __flux_places ${places.join(" ")}
set -g __flux_valued ${taking.join(" ")}

# Whether the cursor is behind command $argv[1] and its options.
function __flux_at
    set -l place ''
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
        else if string match -q -- '-*' $word
            contains -- "$place $word" $__flux_valued; and set skip 1
        else
            set -l next (string trim -- "$place $word")
            contains -- "$next" $__flux_places; or break
            set place $next
        end
    end
    test "$place" = "$argv[1]"
end

complete -c flux -e
${
    grammar.places.map((place) =>
      sortedOptions(place.options).map((option) => options(place, option)).join("") + words(place)
    ).join("")
  }`
    .trimEnd();
}
