/** `--input`: which tasks read what (services.md §12.3). */

import { Idset } from "../../broker/message/mod.ts";

/** One line of `input.config`: the tasks of `dst` (a list, or `*` for all) read `src`, a file or `stdin`. */
export type InputMapping = { src: string; dst: string };

/**
 * `[SRC:]DST` with `;` between. A list of tasks alone reads standard input, a file alone is for all; what is named by none of it reads
 * nothing, and `none` ends the list.
 */
export function inputMap(how: string): InputMapping[] {
  const map: InputMapping[] = [];
  for (const word of how.split(";")) {
    if (word === "none") return map;
    if (word === "") continue;
    const colon = word.lastIndexOf(":");
    if (colon >= 0) map.push({ src: source(word.slice(0, colon)), dst: word.slice(colon + 1) });
    else if (isTasks(word)) map.push({ src: "stdin", dst: word });
    else map.push({ src: source(word), dst: "*" });
  }
  return [...map, { src: "/dev/null", dst: "*" }];
}

function source(word: string): string {
  return word === "" || word === "-" ? "stdin" : word;
}

function isTasks(word: string): boolean {
  try {
    return Idset.parse(word).size > 0;
  } catch {
    return word === "*" || word === "all";
  }
}
