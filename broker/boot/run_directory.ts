/**
 * The directory that holds a session's sockets on one host: `flux-XXXXXX` under the first usable of FLUX_TMPDIR,
 * XDG_RUNTIME_DIR, TMPDIR and /tmp, open to its owner only. The kernel takes socket paths of up to 107 bytes; when the
 * directory lies too deep, a short symbolic link to it stands for it everywhere.
 */

import { errnum, FluxError } from "../message/mod.ts";
import type { Random } from "../ports/mod.ts";
import { isAbandoned } from "./inhabitants.ts";
import { quote } from "./quote.ts";

/** Longest path of a UNIX socket, bytes. */
const SOCKET_PATH_LIMIT = 107;
/** Where short links are put, the first that can be written. */
export const SHORT_PLACES = ["/tmp", "/dev/shm", "/var/tmp"];
export const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

const NAME = /^flux-[A-Za-z0-9]{6}$/;

export interface RunDirectory {
  /** What everyone is told; sockets under it have paths that fit. */
  readonly path: string;
  /** Remarks on how it was found, for `-v`. */
  readonly notes: readonly string[];
  /** Makes it. Throws what the disk says, EEXIST when somebody took the name meanwhile. */
  make(): void;
}

/** Makes one for `size` brokers. Throws EACCES with a line for each place that could not be used. */
export function createRunDirectory(env: Env, size: number, random: Random): RunDirectory {
  const directory = planRunDirectory(env, size, random);
  directory.make();
  return directory;
}

/**
 * Finds where one can be made, by making it and removing it again. Nothing is left until `make`, so that it can wait for
 * somebody to be there who will remove it. Throws EACCES with a line for each place that could not be used.
 */
export function planRunDirectory(env: Env, size: number, random: Random): RunDirectory {
  const notes: string[] = [];
  for (const [name, base] of places(env)) {
    removeAbandoned(base);
    try {
      const real = fresh(base, random, makeDirectory, (path) => Deno.removeSync(path));
      const path = isShort(real, size) ? real : shortLink(real, random);
      if (path !== real) notes.push(`${real} is too deep for sockets; ${path} stands for it`);
      const make = () => {
        makeDirectory(real);
        if (path !== real) Deno.symlinkSync(real, path);
        Deno.mkdirSync(`${real}/bin`, { mode: 0o700 });
      };
      return { path, notes, make };
    } catch (error) {
      notes.push(`${name === "" ? "" : `${name}=`}${base}: ${reason(error)}`);
    }
  }
  throw new FluxError("EACCES", `cannot create a run directory\n  ${notes.join("\n  ")}`);
}

/**
 * Removes a run directory and its short link. What is already gone is no error; nor is what someone else puts there
 * again and again meanwhile, who has to remove it then.
 */
export function removeRunDirectory(path: string): void {
  const real = realPath(path);
  if (real === undefined) return;
  if (real !== path) attempt(() => Deno.removeSync(path));
  // Others that are leaving remove their files at the same time, which can make an attempt fail.
  for (let tries = 0; tries < 10 && realPath(real) !== undefined; tries++) {
    attempt(() => Deno.removeSync(real, { recursive: true }));
  }
}

/**
 * Removes the run directories of ours below `base` in which every rank has died without having been able to: all were killed
 * at once. Whatever cannot be looked at is left alone.
 */
export function removeAbandoned(base: string): void {
  try {
    for (const { name, isDirectory } of Deno.readDirSync(base)) {
      const path = `${base}/${name}`;
      if (isDirectory && NAME.test(name) && Deno.statSync(path).uid === Deno.uid() && isAbandoned(path)) {
        removeRunDirectory(path);
      }
    }
  } catch {
    // Others remove theirs at the same time.
  }
}

function realPath(path: string): string | undefined {
  try {
    return Deno.lstatSync(path).isSymlink ? Deno.realPathSync(path) : path;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function attempt(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) && !isNotEmpty(error)) throw error;
  }
}

function isNotEmpty(error: unknown): boolean {
  return error instanceof Error && error.message.includes(`(os error ${errnum("ENOTEMPTY")})`);
}

/** Puts `bin/flux` there, so that a PATH with `bin` in it finds this program: `self` is how to start it. */
export function linkProgram(path: string, self: readonly string[]): void {
  const link = `${path}/bin/flux`;
  try {
    writeProgram(link, self);
  } catch (error) {
    // Another rank of this host was first.
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

function writeProgram(link: string, self: readonly string[]): void {
  if (self.length === 1) return Deno.symlinkSync(self[0]!, link);
  Deno.writeTextFileSync(link, `#!/bin/sh\nexec ${self.map(quote).join(" ")} "$@"\n`, { mode: 0o755, createNew: true });
}

export function places(env: Env): [string, string][] {
  const named = ["FLUX_TMPDIR", "XDG_RUNTIME_DIR", "TMPDIR"].map((name) => [name, env(name) ?? ""] as [string, string]);
  return [
    ...named.filter(([, base]) => base !== "").map(([name, base]) => [name, absolute(base)] as [string, string]),
    [
      "",
      "/tmp",
    ],
  ];
}

/** Paths of sockets are told to others, who are elsewhere. */
function absolute(path: string): string {
  return path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
}

export function makeDirectory(path: string): void {
  Deno.mkdirSync(path, { mode: 0o700 });
}

/**
 * A new name under `base` that `make` can make and `unmake` has removed again. Throws what `make` throws for another
 * reason than that the name is taken.
 */
function fresh(base: string, random: Random, make: (path: string) => void, unmake: (path: string) => void): string {
  for (;;) {
    const letters = [...random.bytes(6)].map((byte) => LETTERS[byte % LETTERS.length]).join("");
    const path = `${base.replace(/\/+$/, "")}/flux-${letters}`;
    try {
      make(path);
      unmake(path);
      return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
}

/** Whether sockets of `size` brokers under `path` have names that the kernel takes. */
export function isShort(path: string, size: number): boolean {
  return new TextEncoder().encode(`${path}/event-${size - 1}`).length <= SOCKET_PATH_LIMIT;
}

function shortLink(target: string, random: Random): string {
  const failures: string[] = [];
  for (const base of SHORT_PLACES) {
    try {
      return fresh(base, random, (link) => Deno.symlinkSync(target, link), (link) => Deno.removeSync(link));
    } catch (error) {
      failures.push(`${base}: ${reason(error)}`);
    }
  }
  throw new FluxError("ENAMETOOLONG", `too deep for sockets, and no short link to it could be made (${failures})`);
}

export function reason(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "No such directory";
  return error instanceof Error ? error.message.replace(/ \(os error \d+\).*$/, "") : String(error);
}

type Env = (name: string) => string | undefined;
