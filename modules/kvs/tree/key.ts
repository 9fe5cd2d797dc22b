/** Keys: names joined by dots; `.` is the root (wire.md §3.13). Pure. */

import { FluxError } from "../../../broker/message/mod.ts";

/** The root of a namespace. */
export const ROOT = ".";
/** The longest key, in UTF-16 units. */
export const KEY_LIMIT = 65_536;

/** A key without needless dots: `a..b.` is `a.b`. Throws EINVAL for an empty key, ENAMETOOLONG for one over {@link KEY_LIMIT}. */
export function normalize(key: string): string {
  if (key.length > KEY_LIMIT) {
    throw new FluxError("ENAMETOOLONG", `key of ${key.length} characters: at most ${KEY_LIMIT} are allowed`);
  }
  if (key === "") throw new FluxError("EINVAL", "the empty string is no key");
  if (key[0] !== "." && key.at(-1) !== "." && !key.includes("..")) return key;
  return key.split(".").filter((name) => name !== "").join(".") || ROOT;
}

/** The names in a normalized key; none for the root. */
export function components(key: string): string[] {
  return key === ROOT ? [] : key.split(".");
}

/** The key of an entry of a directory. */
export function join(directory: string, name: string): string {
  return directory === ROOT ? name : `${directory}.${name}`;
}
