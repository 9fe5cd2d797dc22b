/** Lines of the PMI-1 wire protocol: words `key=value`, one command a line (wire.md §6). Pure. */

import { FluxError } from "../message/mod.ts";

/** The limits we announce, bytes. MPICH's own server has the same. */
export const PMI_LIMITS = { kvsname: 256, key: 64, value: 1024, line: 1216 } as const;

/** Its value runs to the end of the line, spaces included. */
const LAST = "value";
/** Theirs too, unless the last word follows: Hydra answers `rc=0 msg=success value=…`. */
const MESSAGES = new Set(["msg", "error_msg"]);

/** Takes a line apart. Throws EPROTO for a word that is no `key=value`. */
export function parsePmi(line: string): Map<string, string> {
  const words = new Map<string, string>();
  for (let at = 0; at < line.length;) {
    if (line[at] === " ") {
      at++;
      continue;
    }
    const equals = line.indexOf("=", at);
    const space = line.indexOf(" ", at);
    if (equals < 0 || (space >= 0 && space < equals)) {
      throw new FluxError("EPROTO", `malformed PMI line "${line.slice(0, 80)}"`);
    }
    const key = line.slice(at, equals);
    const next = key === LAST ? -1 : line.indexOf(MESSAGES.has(key) ? ` ${LAST}=` : " ", equals);
    at = next < 0 ? line.length : next;
    words.set(key, line.slice(equals + 1, at));
  }
  return words;
}

/** Puts a line together; a value with spaces must be the last. */
export function formatPmi(words: Readonly<Record<string, string | number>>): string {
  return Object.entries(words).map(([key, value]) => `${key}=${value}`).join(" ");
}
