/**
 * The run directory that all ranks of a session on one host find without a word to each other: its name comes from the
 * session's and the host's. It is open to its owner only, so that it does not matter who could guess it.
 */

import { FluxError } from "../message/mod.ts";
import { isShort, LETTERS, makeDirectory, places, reason, removeAbandoned, SHORT_PLACES } from "./run_directory.ts";

/** Six letters for a text, the same each time. */
export function lettersOf(text: string): string {
  let hash = 0xcbf29ce484222325n; // FNV-1a
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  let letters = "";
  for (let rest = hash ^ (hash >> 32n); letters.length < 6; rest /= BigInt(LETTERS.length)) {
    letters += LETTERS[Number(rest % BigInt(LETTERS.length))];
  }
  return letters;
}

/**
 * Makes the directory of `session` for ranks below `size`, or finds it; sockets under the path that is returned have names that
 * fit. Throws EACCES with a line for each place that could not be used.
 */
export function shareRunDirectory(env: (name: string) => string | undefined, size: number, session: string): string {
  const name = `flux-${lettersOf(session)}`;
  const notes: string[] = [];
  for (const [variable, base] of places(env)) {
    removeAbandoned(base);
    try {
      const path = `${base.replace(/\/+$/, "")}/${name}`;
      adopt(path, () => makeDirectory(path));
      makeBin(path);
      return isShort(path, size) ? path : link(name, path);
    } catch (error) {
      notes.push(`${variable === "" ? "" : `${variable}=`}${base}: ${reason(error)}`);
    }
  }
  throw new FluxError("EACCES", `cannot create a run directory\n  ${notes.join("\n  ")}`);
}

/** Makes something at `path`, or takes what is there when it is ours alone. Throws EACCES when it is not. */
function adopt(path: string, make: () => void): void {
  try {
    make();
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    const { isDirectory, isSymlink, uid, mode } = Deno.lstatSync(path);
    const isOurs = uid === Deno.uid() && (isSymlink || (isDirectory && ((mode ?? 0) & 0o077) === 0));
    if (!isOurs) throw new FluxError("EACCES", `${path} is there, and not ours alone`);
  }
}

function makeBin(path: string): void {
  try {
    Deno.mkdirSync(`${path}/bin`, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

/** A short link to `target`, the same for each rank. */
function link(name: string, target: string): string {
  const failures: string[] = [];
  for (const base of SHORT_PLACES) {
    const path = `${base}/${name}`;
    try {
      adopt(path, () => Deno.symlinkSync(target, path));
      if (Deno.realPathSync(path) === Deno.realPathSync(target)) return path;
      failures.push(`${path} is something else`);
    } catch (error) {
      failures.push(`${base}: ${reason(error)}`);
    }
  }
  throw new FluxError("ENAMETOOLONG", `too deep for sockets, and no short link to it could be made (${failures})`);
}
