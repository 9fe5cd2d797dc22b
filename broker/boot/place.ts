/** One rank's place in a run directory, from its pid file to what has to be removed at the end. */

import type { Random } from "../ports/mod.ts";
import { isAlive } from "./process_tree.ts";
import { createRunDirectory, linkProgram, removeRunDirectory } from "./run_directory.ts";

const PID_FILE = /^broker-\d+\.pid$/;

export class Place {
  /** The run directory. */
  readonly path: string;
  readonly #file: string;
  readonly #owned: boolean;

  /** The place of `rank` in `given`, or in a directory of its own. Throws EACCES when none can be made. */
  constructor(rank: number, given: string | undefined, env: Env, self: readonly string[], random: Random) {
    this.#owned = given === undefined;
    this.path = given ?? createRunDirectory((name) => env[name], rank + 1, random).path;
    if (this.#owned) linkProgram(this.path, self);
    this.#file = `${this.path}/broker-${rank}.pid`;
  }

  /** Says that this rank lives here. Throws what the disk says. */
  take(): void {
    Deno.writeTextFileSync(this.#file, `${Deno.pid}\n`);
  }

  /**
   * Removes the pid file, and with it a directory of our own. One that was given belongs to who gave it, unless `orphaned`
   * says that he is gone: then the last rank to leave removes it. Idempotent.
   */
  leave(orphaned: boolean): void {
    try {
      Deno.removeSync(this.#file);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    if (this.#owned || (orphaned && !this.#inhabited())) removeRunDirectory(this.path);
  }

  #inhabited(): boolean {
    try {
      return [...Deno.readDirSync(this.path)].some(({ name }) =>
        PID_FILE.test(name) && isAlive(Number(Deno.readTextFileSync(`${this.path}/${name}`)))
      );
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return this.#inhabitedStill();
      throw error;
    }
  }

  /** A file went away while we looked: look again, unless the whole directory went. */
  #inhabitedStill(): boolean {
    try {
      Deno.statSync(this.path);
    } catch {
      return false;
    }
    return this.#inhabited();
  }
}

type Env = Readonly<Record<string, string>>;
