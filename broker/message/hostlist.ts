/** Lists of host names as people write them, `node[1-4,07],login` (RFC 29): ordered, a name may come more than once. Pure. */

import { FluxError } from "./errno.ts";

/** More hosts than this are a slip of the fingers. */
const LIMIT = 1 << 20;

interface Parts {
  readonly prefix: string;
  /** Empty when the name has no number. */
  readonly digits: string;
  readonly suffix: string;
}

/** The names in `text`, in order. Throws EINVAL for what is no list. */
export function parseHostlist(text: string): string[] {
  const names: string[] = [];
  for (const word of splitWords(text)) {
    for (const name of expand(word, text)) {
      if (names.length >= LIMIT) throw bad(text, "too many hosts");
      names.push(name);
    }
  }
  return names;
}

/** The shortest text for `names` that keeps their order. */
export function formatHostlist(names: Iterable<string>): string {
  const groups: { parts: Parts; ranges: [string, string][] }[] = [];
  for (const name of names) {
    const parts = partsOf(name);
    const last = groups.at(-1);
    const joins = last && parts.digits !== "" && last.parts.digits !== "" && last.parts.prefix === parts.prefix &&
      last.parts.suffix === parts.suffix;
    if (!joins) {
      groups.push({ parts, ranges: [[parts.digits, parts.digits]] });
      continue;
    }
    const range = last.ranges.at(-1)!;
    if (successor(range[1]) === parts.digits) range[1] = parts.digits;
    else last.ranges.push([parts.digits, parts.digits]);
  }
  return groups.map(({ parts: { prefix, digits, suffix }, ranges }) => {
    if (ranges.length === 1 && ranges[0]![0] === ranges[0]![1]) return prefix + digits + suffix;
    return `${prefix}[${ranges.map(([low, high]) => low === high ? low : `${low}-${high}`).join(",")}]${suffix}`;
  }).join(",");
}

/** Splits at commas and white space outside brackets. */
function splitWords(text: string): string[] {
  const words = [""];
  let depth = 0;
  for (const character of text) {
    if (character === "[") depth++;
    if (character === "]") depth--;
    if (depth < 0 || depth > 1) throw bad(text, "brackets do not match");
    if (depth === 0 && /[,\s]/.test(character)) words.push("");
    else words[words.length - 1] += character;
  }
  if (depth !== 0) throw bad(text, "brackets do not match");
  return words.filter((word) => word !== "");
}

function expand(word: string, text: string): string[] {
  const [, prefix, list, rest] = /^([^[\]]*)\[([^[\]]*)\](.*)$/s.exec(word) ?? [];
  if (prefix === undefined) return [word];
  const tails = expand(rest!, text);
  const heads: string[] = [];
  for (const part of list!.split(",")) {
    const [, low, high] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    if (low === undefined) throw bad(text, `"${part}" is no range`);
    const count = Number(high ?? low) - Number(low) + 1;
    if (count < 1 || count > LIMIT) throw bad(text, `"${part}" is no range`);
    for (let i = 0; i < count; i++) heads.push(`${prefix}${`${Number(low) + i}`.padStart(low.length, "0")}`);
  }
  return heads.flatMap((head) => tails.map((tail) => head + tail));
}

function partsOf(name: string): Parts {
  const [, prefix = name, digits = "", suffix = ""] = /^(.*?)(\d{1,9})(\D*)$/s.exec(name) ?? [];
  return { prefix, digits, suffix };
}

/** The number behind `digits`, written alike; undefined when it has more digits than leading zeros allow. */
function successor(digits: string): string | undefined {
  const next = `${Number(digits) + 1}`;
  if (next.length > digits.length && digits.startsWith("0")) return undefined;
  return next.padStart(digits.length, "0");
}

function bad(text: string, why: string): FluxError {
  return new FluxError("EINVAL", `hostlist "${text.slice(0, 80)}": ${why}`);
}
