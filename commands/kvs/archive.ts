/**
 * How a store looks as a tar archive: directories are directories, values files, links symbolic links. Names of keys are
 * paths, with `%2F` for a slash in a name, `%00` for a NUL, `%25` for a percent sign. A link's target is a key as it is
 * stored, behind `NAMESPACE::` if it is in another one. Pure.
 */

import type { Symlink } from "../../modules/kvs/tree/treeobj.ts";

/** What the archive says of itself, in the pax record `comment`. */
export const MARK = "flux kvs dump";

const SPECIAL = /[%/\0]/g;
const ESCAPED = /%(25|2F|00)/g;
const DIVIDER = "::";

/** One name of a key as one part of a path. */
export function pathPart(name: string): string {
  return name.replace(SPECIAL, (special) => `%${special.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

/**
 * The key of a path, `.` for the archive's own directory. `escaped`: the archive has the mark, so that percent signs mean
 * what they mean above. Returns undefined for a path with `..`, which no key has.
 */
export function keyOfPath(path: string, escaped: boolean): string | undefined {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) return undefined;
  const names = escaped
    ? parts.map((part) => part.replace(ESCAPED, (_all, hex) => String.fromCharCode(parseInt(hex, 16))))
    : parts;
  return names.join(".") || ".";
}

/** A link's target as an archive has it. */
export function linkText({ target, namespace }: Symlink["data"]): string {
  if (namespace !== undefined) return `${namespace}${DIVIDER}${target}`;
  return target.includes(DIVIDER) ? `${DIVIDER}${target}` : target;
}

export function readLink(text: string): Symlink["data"] {
  const at = text.indexOf(DIVIDER);
  if (at < 0) return { target: text };
  const target = text.slice(at + DIVIDER.length);
  return at === 0 ? { target } : { target, namespace: text.slice(0, at) };
}
