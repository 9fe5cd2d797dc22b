/** Who lives in a run directory: a rank that lives holds a lock on its pid file, whatever became of its number. */

import { isAlive, signal } from "./process_tree.ts";

const PID_FILE = /^broker-\d+\.pid$/;

/** Whether a rank lives in a run directory. */
export function isInhabited(path: string): boolean {
  try {
    return [...Deno.readDirSync(path)].some(({ name }) => PID_FILE.test(name) && isHeld(`${path}/${name}`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Whether who wrote a pid file lives. A file that goes away meanwhile is nobody's. */
export function isHeld(path: string): boolean {
  let file: Deno.FsFile | undefined;
  try {
    file = Deno.openSync(path, { read: true, write: true });
    return !file.tryLockSync(true);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (!file) throw error;
    return isAlive(Number(Deno.readTextFileSync(path))); // this file system knows no locks
  } finally {
    file?.close();
  }
}

/** Kills the broker that has written a pid file, if it lives and this is its process. */
export function evict(path: string): void {
  try {
    const pid = Number(Deno.readTextFileSync(path));
    if (isHeld(path) && Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0").includes("broker")) {
      signal(pid, "SIGKILL");
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // it is gone
  }
}

/** Whether ranks have lived in a run directory, and none does any more. */
export function isAbandoned(path: string): boolean {
  try {
    return [...Deno.readDirSync(path)].some(({ name }) => PID_FILE.test(name)) && !isInhabited(path);
  } catch {
    return false; // gone meanwhile, or not ours
  }
}
