/**
 * One rank's place in a run directory, from its pid file to what has to be removed at the end. A rank that lives holds a lock
 * on its pid file, so that others know, whatever became of the process and its number.
 */

import { type Clock, explainDisk, type Random, sleep } from "../ports/mod.ts";
import { FluxError } from "../message/mod.ts";
import { evict, isHeld, isInhabited } from "./inhabitants.ts";
import { createRunDirectory, linkProgram, removeRunDirectory } from "./run_directory.ts";
import { shareRunDirectory } from "./shared_directory.ts";

/** How often a directory that others remove at the same moment is made again. */
const TRIES = 20;
/** The end of a process that was killed may take this long, and is looked for this often; ms. */
const EVICTION = 2000, PAUSE = 10;

/** Which run directory. */
export type Site =
  /** One that somebody made for us, and removes, unless he is gone. */
  | { readonly kind: "given"; readonly path: string }
  /** One of our own. */
  | { readonly kind: "own" }
  /** The one of all ranks of a session on this host: the first makes it, the last removes it. */
  | { readonly kind: "shared"; readonly session: string; readonly size: number };

export class Place {
  /** The run directory. */
  readonly path: string;
  readonly #rank: number;
  readonly #site: Site;
  readonly #file: string;
  readonly #make: () => string;
  #held: Deno.FsFile | undefined;

  /** The place of `rank`; `self` is how to start this program. Throws EACCES when no directory can be made. */
  constructor(rank: number, site: Site, env: Env, self: readonly string[], random: Random) {
    this.#rank = rank;
    this.#site = site;
    this.#make = () => {
      if (site.kind === "given") return site.path;
      const path = findDirectory(rank, site, (name) => env[name], random);
      linkProgram(path, self);
      return path;
    };
    this.path = this.#make();
    this.#file = `${this.path}/broker-${rank}.pid`;
  }

  /** Ends whoever is this rank here still, for one that takes its place: a remote shell that was killed may have left a broker behind. */
  async clear(clock: Clock): Promise<void> {
    for (let waited = 0; isHeld(this.#file) && waited < EVICTION; waited += PAUSE) {
      evict(this.#file);
      await sleep(clock, PAUSE);
    }
  }

  /** Says that this rank lives here. Throws EEXIST when another process is this rank already, and what the disk says, with the name of the file. */
  take(): void {
    if (isHeld(this.#file)) {
      const pid = Deno.readTextFileSync(this.#file).trim();
      throw new FluxError(
        "EEXIST",
        `rank ${this.#rank} of this session is already running in ${this.path}, pid ${pid}`,
      );
    }
    for (let tries = 1; !this.#held; tries++) {
      try {
        this.#held = writePidFile(this.#file);
      } catch (error) {
        const wasRemoved = this.#site.kind === "shared" && error instanceof Deno.errors.NotFound && tries < TRIES;
        if (!wasRemoved) throw explainDisk(error, this.#file);
        this.#make();
      }
    }
  }

  /**
   * Removes the pid file, and with it a directory of our own. One that was given belongs to who gave it, unless `orphaned`
   * says that he is gone: then the last rank to leave removes it, as it does a shared one. Idempotent.
   */
  leave(orphaned: boolean): void {
    if (this.#held) remove(this.#file);
    this.#held?.close();
    this.#held = undefined;
    const { kind } = this.#site;
    if (kind === "own" || ((kind === "shared" || orphaned) && !isInhabited(this.path))) removeRunDirectory(this.path);
  }
}

function findDirectory(
  rank: number,
  site: Site & { kind: "own" | "shared" },
  env: (name: string) => string | undefined,
  random: Random,
): string {
  if (site.kind === "own") return createRunDirectory(env, rank + 1, random).path;
  return shareRunDirectory(env, site.size, site.session);
}

/** Under its name the file is locked from the first moment. */
function writePidFile(path: string): Deno.FsFile {
  const draft = `${path}.${Deno.pid}`;
  const file = Deno.openSync(draft, { write: true, create: true, truncate: true, mode: 0o600 });
  try {
    file.writeSync(new TextEncoder().encode(`${Deno.pid}\n`));
    lock(file);
    Deno.renameSync(draft, path);
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

function lock(file: Deno.FsFile): void {
  try {
    file.tryLockSync(true);
  } catch {
    // This file system knows no locks; the number has to do.
  }
}

function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

type Env = Readonly<Record<string, string>>;
